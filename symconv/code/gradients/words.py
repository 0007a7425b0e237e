"""Functions of the notation in what was read from code: their expressions, masks as conditions, choices at kinks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from symconv.notation.expr import Apply, Const, Expr, Reduce
from symconv.notation.functions import TABLE
from symconv.prove.meaning.extremes import ELEMENT

__all__ = ["chosen", "in_words", "kinks_of", "stated"]

_ONE, _ZERO = Const(Fraction(1)), Const(Fraction(0))
_COMPARED = frozenset({"gt", "ge", "lt", "le", "eq", "ne"})
_EXTREMES = {"largest": "max", "smallest": "min", "product": "prod"}
"""Functions of the elements of a sum, and the reductions that they are."""


def in_words(function: str, arguments: Sequence[Expr], kinks: Mapping[str, str]) -> Expr | None:
    """A function that was read, of these expressions; None for what no operator has with these ``kinks``."""
    total = arguments[0]
    name, _, choice = function.partition(":")
    if name in _EXTREMES:
        kind = _EXTREMES[name]
        plain = isinstance(total, Reduce) and kinks.get(kind) == (choice or "first")
        return Reduce(kind, total.indices, total.pieces) if isinstance(total, Reduce) and plain else None
    if function == "reciprocal":
        return Apply("div", (_ONE, total))
    if function.startswith("power "):
        return Apply("pow", (total, Const(Fraction(function.removeprefix("power ")))))
    if function == "step":
        return _number(Apply("gt", (total, _ZERO)))
    if function in {"whole", ELEMENT}:
        return total
    if function == "where":
        return chosen(*arguments)
    if choice and kinks[name] != choice:
        return _spelled(name, choice, arguments)
    found = Apply(name, tuple(arguments))
    return _number(found) if name in _COMPARED else found


def _number(condition: Expr) -> Expr:
    return Apply("where", (condition, _ONE, _ZERO))


def chosen(mask: Expr, then: Expr, other: Expr) -> Expr:
    """``then`` where a mask is 1, ``other`` where it is 0."""
    match mask:
        case Apply("where", (condition, above, below)) if (above, below) == (_ONE, _ZERO):
            return Apply("where", (condition, then, other))
        case Apply("mul", (one, more)):
            return chosen(one, chosen(more, then, other), other)
        case Apply("sub", (one, opposite)) | Apply("add", (Apply("neg", (opposite,)), one)) if one == _ONE:
            return chosen(opposite, other, then)
    return Apply("where", (Apply("ne", (mask, _ZERO)), then, other))


def kinks_of(functions: Iterable[str]) -> dict[str, str]:
    """What is chosen at the kink of each function: of two choices the one that conditions cannot spell."""
    each = [function.partition(":") for function in functions]
    found = {_EXTREMES[name]: choice or "first" for name, _, choice in reversed(each) if name in _EXTREMES}
    reduced = frozenset(found)
    for name, _, choice in each:
        if choice and name not in {*reduced, *_EXTREMES} and found.get(name, choice) in {choice, *_SPELLED}:
            found[name] = choice if choice not in _SPELLED or name not in found else found[name]
    return found


def stated(kinks: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The choices of an operator, without those that are made anyway."""
    return tuple(
        (name, one) for name, one in sorted(kinks.items()) if name in TABLE and TABLE[name].kinks[0].choice != one
    )


_SPELLED = frozenset({"first", "zero"})
"""Choices that are spelled by conditions where the function has another one elsewhere."""


def _spelled(name: str, choice: str, arguments: Sequence[Expr]) -> Expr | None:
    """``max`` or ``min``, or ``clip`` that is flat at its ends, by conditions that say what is chosen."""
    match name, arguments:
        case "max" | "min", (u, v) if choice == "share":
            half = Apply("div", (Apply("add", (u, v)), Const(Fraction(2))))
            return _spelled(name, "first", (Apply("where", (Apply("eq", (u, v)), half, u)), v))
        case "max" | "min", (u, v):
            return Apply("where", (Apply("lt" if name == "max" else "gt", (u, v)), v, u))
        case "clip", (u, low, high):
            inner = Apply("where", (Apply("ge", (u, high)), high, u))
            return Apply("where", (Apply("le", (u, low)), low, inner))
    return None
