"""Written pieces of a formula put together, with parentheses exactly where they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import reduce

from symconv.notation.expr import Reduce
from symconv.views.dialect import ADD, MUL, Dialect, Frag
from symconv.views.forms import Write, form_text

__all__ = [
    "Printer",
    "added",
    "bracketed",
    "counted",
    "negated",
    "over",
    "product",
    "side_by_side",
    "total",
]


@dataclass(frozen=True, slots=True)
class Printer:
    """A dialect, how integer forms are written, and what stands for a reduction (None: the reduction itself).

    ``mark`` tells the named limits of one statement from those of another.
    """

    dialect: Dialect
    write: Write
    replace: Callable[[Reduce], Frag | None] = lambda _: None
    mark: str = ""

    @classmethod
    def plain(cls, dialect: Dialect) -> Printer:
        """Every form and reduction as it is."""
        return cls(dialect, lambda form: form_text(form, dialect))


def negated(frag: Frag, printer: Printer) -> Frag:
    """``-frag``; the sum of what is negated is the negated sum, so that the sign stands in front."""
    held = frag.level < MUL
    inner = printer.dialect.paren(frag.text) if held else frag.text
    return Frag(printer.dialect.minus + inner, ADD, 0 if held else frag.open, inner)


def added(left: Frag, sign: str, right: Frag, printer: Printer) -> Frag:
    """A sum or a difference, with parentheses around what would be read otherwise."""
    first = printer.dialect.paren(left.text) if left.open == 2 else left.text
    if sign == "+" and right.inner:
        return Frag(f"{first} {printer.dialect.minus} {right.inner}", ADD, right.open)
    tight = sign != "+" and right.level < MUL
    starts_negative = right.level < MUL and right.text.startswith(printer.dialect.minus)
    second = printer.dialect.paren(right.text) if tight or starts_negative else right.text
    return Frag(f"{first} {sign} {second}", ADD, 0 if tight or starts_negative else right.open)


def product(left: Frag, right: Frag, printer: Printer) -> Frag:
    """Two factors side by side."""
    dialect = printer.dialect
    first = dialect.paren(left.text) if left.level < MUL or left.open else left.text
    held = right.level < MUL
    second = dialect.paren(right.text) if held else right.text
    joint = dialect.dot if second[:1].isdigit() else dialect.times
    return Frag(f"{first}{joint}{second}", MUL, 0 if held else right.open)


def bracketed(conditions: tuple[str, ...], frag: Frag, printer: Printer) -> Frag:
    """``[P] frag``, and the piece alone where there is no condition."""
    if not conditions:
        return frag
    if frag.inner:
        return negated(bracketed(conditions, replace(frag, text=frag.inner, level=MUL, inner=""), printer), printer)
    separator = r",\ " if printer.dialect.kind == "latex" else ", "
    held = Frag(printer.dialect.bracket(separator.join(conditions)))
    return held if frag.text == "1" else product(held, frag, printer)


def counted(names: Iterable[str], conditions: Iterable[str], dialect: Dialect) -> Frag:
    """How many values of ``names`` meet the conditions: what a sum of ones is."""
    comma, such = (r",\ ", r"\,:\,") if dialect.kind == "latex" else (", ", " : ")
    held = f"{', '.join(names)}{such}{comma.join(conditions)}"
    return Frag(rf"\left|\left\{{{held}\right\}}\right|" if dialect.kind == "latex" else f"#{{{held}}}")


def total(frags: list[Frag], kind: str, printer: Printer) -> Frag:
    """Several parts of one reduction put together."""
    if len(frags) == 1:
        return frags[0]
    if kind == "sum":
        result = frags[0]
        for frag in frags[1:]:
            result = added(result, "+", frag, printer)
        return result
    if kind == "prod":
        return reduce(lambda one, other: product(one, other, printer), frags)
    return Frag(printer.dialect.call(kind, tuple(frag.text for frag in frags)))


def side_by_side(heads: Iterable[str], dialect: Dialect) -> str:
    """Several sums in a row, their limits kept apart."""
    return (r"\;" if dialect.kind == "latex" else "").join(heads)


def over(head: str, body: Frag, kind: str, printer: Printer) -> Frag:
    """A reduction's head in front of its body."""
    if not head:
        return body
    if kind == "sum" and body.inner:
        return negated(over(head, replace(body, text=body.inner, level=MUL, inner=""), kind, printer), printer)
    inner = printer.dialect.paren(body.text) if body.level < MUL else body.text
    space = "" if printer.dialect.kind != "latex" else r"\, " if kind == "sum" else " "
    closed = body.open if body.level >= MUL else 0
    return Frag(f"{head}{space}{inner}", MUL, max(1 if kind == "sum" else 2, closed))
