"""Integer forms as Python, names that are free, and which sizes a program mentions."""

from __future__ import annotations

from dataclasses import dataclass, field

from symconv.notation.affine import Affine, Atom, Maximum, Quotient

__all__ = ["Words", "shape_text", "tuple_text"]


@dataclass(slots=True)
class Words:
    """Names in use, and the sizes that a program has mentioned so far."""

    taken: set[str]
    sizes: frozenset[str]
    used: dict[str, None] = field(default_factory=dict)
    locals: dict[str, str] = field(default_factory=dict)

    def local(self, wish: str) -> str:
        """A name that stands for the same thing wherever it is asked for."""
        if wish not in self.locals:
            self.locals[wish] = self.fresh(wish)
        return self.locals[wish]

    def fresh(self, *wishes: str) -> str:
        """The first of some names that is free, else one with a number."""
        names = (*wishes, *(f"{wishes[-1]}{k}" for k in range(2, 1000)))
        name = next(n for n in names if n not in self.taken)
        self.taken.add(name)
        return name

    def form(self, form: Affine) -> str:
        """An integer form: what varies first, what is taken off last."""
        for name in sorted(form.names() & self.sizes):
            self.used[name] = None
        terms = sorted(form.terms, key=lambda term: (term[1] < 0, _kind(term[0]), str(term[0])))
        text = ""
        for atom, factor in terms:
            body = self._atom(atom, factor != 1)
            body = body if abs(factor) == 1 else f"{abs(factor)}*{body}"
            text += f" {'-' if factor < 0 else '+'} {body}" if text else f"{'-' if factor < 0 else ''}{body}"
        if form.constant or not text:
            sign = "-" if form.constant < 0 else "+"
            text += f" {sign} {abs(form.constant)}" if text else str(form.constant)
        return text

    def _atom(self, atom: Atom, tight: bool) -> str:
        match atom:
            case Quotient(numerator, divisor):
                text = f"{self.factor(numerator)} // {divisor}"
                return f"({text})" if tight else text
            case Maximum(left, right):
                return f"max({self.form(left)}, {self.form(right)})"
        return atom

    def factor(self, form: Affine) -> str:
        """A form as a factor or a divisor: in parentheses unless it is one word."""
        text = self.form(form)
        return text if text.isalnum() else f"({text})"


def _kind(atom: Atom) -> int:
    return 2 if not isinstance(atom, str) else 0 if atom[0].islower() else 1


def tuple_text(parts: list[str]) -> str:
    """A tuple of printed parts."""
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def shape_text(words: Words, shape: tuple[Affine, ...]) -> str:
    """A shape as a tuple."""
    return tuple_text([words.form(size) for size in shape]) if shape else "()"
