"""Integer polynomials of indices, sizes and symbolic strides: only general formulas, for display, need them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from symconv.notation.affine import Affine

__all__ = ["Poly", "poly"]


@dataclass(frozen=True, slots=True)
class Poly:
    """``Σ coefficient·monomial``; a monomial is a sorted tuple of names, the empty one is the number.

    >>> str(poly(2) * Poly.of("s", "i") - 3)
    '2*i*s - 3'
    """

    terms: tuple[tuple[tuple[str, ...], int], ...] = ()

    @classmethod
    def of(cls, *names: str) -> Poly:
        """A product of names."""
        return cls(((tuple(sorted(names)), 1),))

    def __add__(self, other: Poly | int) -> Poly:
        sums = dict(self.terms)
        for monomial, factor in poly(other).terms:
            sums[monomial] = sums.get(monomial, 0) + factor
        return Poly(tuple(sorted((m, f) for m, f in sums.items() if f)))

    def __neg__(self) -> Poly:
        return Poly(tuple((m, -f) for m, f in self.terms))

    def __sub__(self, other: Poly | int) -> Poly:
        return self + -poly(other)

    def __mul__(self, other: Poly | int) -> Poly:
        total = Poly()
        for left, a in self.terms:
            for right, b in poly(other).terms:
                total = total + Poly((((tuple(sorted((*left, *right)))), a * b),))
        return total

    def __str__(self) -> str:
        parts = []
        for monomial, factor in sorted(self.terms, reverse=True):
            names = "*".join(monomial)
            size = "" if abs(factor) == 1 and names else f"{abs(factor)}{'*' if names else ''}"
            parts.append(("- " if factor < 0 else "+ ") + size + names)
        return " ".join(parts).removeprefix("+ ") or "0"

    @property
    def names(self) -> frozenset[str]:
        """Every name that occurs."""
        return frozenset(name for monomial, _ in self.terms for name in monomial)

    @property
    def constant(self) -> int | None:
        """The number it is; None where a name occurs."""
        return None if self.names else sum(factor for _, factor in self.terms)

    def evaluate(self, values: Mapping[str, int]) -> int:
        """The integer value; raises KeyError when a name has none."""
        total = 0
        for monomial, factor in self.terms:
            for name in monomial:
                factor *= values[name]  # noqa: PLW2901
            total += factor
        return total

    def write(self, symbol: Callable[[str], str], rank: Callable[[tuple[str, ...]], int]) -> str:
        """As LaTeX: what is added first, in the order of ``rank``, the number last."""
        ordered = sorted(self.terms, key=lambda t: (not t[0], t[1] < 0, rank(t[0]), t[0]))
        if self.terms and ordered[-1][0] == () and ordered[-1][1] > 0 and all(f < 0 for m, f in ordered if m):
            ordered.insert(0, ordered.pop())
        text = ""
        for monomial, factor in ordered:
            product = r"\,".join(symbol(name) for name in sorted(monomial, key=_scales_first))
            size = str(abs(factor)) if abs(factor) != 1 or not monomial else ""
            sign = "-" if factor < 0 else "+"
            text += f" {sign} {size}{product}" if text else f"{'-' if factor < 0 else ''}{size}{product}"
        return text or "0"


def _scales_first(name: str) -> tuple[bool, str]:
    return "@" not in name, name


def poly(value: Poly | Affine | int) -> Poly:
    """An integer, an affine form of names or a polynomial as a polynomial; raises ValueError for quotients."""
    match value:
        case Poly():
            return value
        case int():
            return Poly((((), value),)) if value else Poly()
    total = poly(value.constant)
    for atom, factor in value.terms:
        if not isinstance(atom, str):
            raise ValueError(f"{atom} is not a name")  # noqa: TRY004
        total = total + Poly((((atom,), factor),))
    return total
