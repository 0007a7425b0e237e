"""The first extreme tap: what its update must look like, and whether taps come by position where it relies on that."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from symconv.loops.ir import Binary, Compare, Const, Expr, Select, Splat, Update, Var
from symconv.loops.traverse import rewrite, walk
from symconv.relation.points import UnclearError

__all__ = ["First", "by_position", "first_of", "named"]

_EXTREMES = {"larger": "max", "smaller": "min"}


@dataclass(frozen=True, slots=True)
class First:
    """An update of a position: the names of the new tap, of the best one, of the position of the new one.

    ``ordered``: where the new tap is no better, the earlier position stays, as if both were the same.
    """

    extreme: str
    new: str
    best: str
    where: str
    ordered: bool


def first_of(update: Update) -> First:
    """Of two that are the same the earlier position; else that of the better one, larger or smaller, where NaN is both
    and the same as NaN.

    Raises UnclearError for any other update.
    """
    match rewrite(update.value, lambda node: node.value if isinstance(node, Splat) else node):
        case Select(
            Compare("same", Var(new), Var(best)),
            Binary("min", Var(where), Var(kept)),
            Select(Compare("larger" | "smaller" as op, Var(again), Var(held)), Var(a), Var(b)),
        ) if (again, held, a, b, kept) == (new, best, where, kept, update.name):
            return First(_EXTREMES[op], new, best, where, False)
        case Select(
            Compare("larger" | "smaller" as op, Var(best), Var(new)), Binary("min", Var(where), Var(kept)), Var(again)
        ) if (again, kept) == (where, update.name):
            return First(_EXTREMES[op], new, best, where, True)
    raise UnclearError(f"{update.name} is no first position")


def named(update: Update) -> Update:
    """The same update with its operation named, where it writes the better of both by comparing them."""
    match update:
        case Update(name, "=", Select(Compare("larger" | "smaller" as op, Var(best), Var(new)), Var(kept), Var(other))):
            if (best, kept, other) == (name, name, new):
                return Update(name, _EXTREMES[op], Var(new), update.mask)
    return update


def by_position(position: Expr, loops: tuple[str, ...]) -> bool:
    """Whether a row-major position grows from each instance of these loops to the next, its digits being in range.

    Each loop runs forward: it does where the digits that loops move are theirs in their order, each by one loop.
    """
    found = []
    for digit in _digits(position):
        names = [name for name in loops if any(node == Var(name) for node in walk(digit))]
        if len(names) > 1 or (names and not _grows(digit, names[0])):
            return False
        found += names
    return tuple(found) == loops


def _digits(position: Expr) -> tuple[Expr, ...]:
    match position:
        case Binary("+", Binary("*", rest, _), digit):
            return (*_digits(rest), digit)
        case Binary("*", rest, _):
            return (*_digits(rest), Const(Fraction(0)))
    return (position,)


def _grows(digit: Expr, name: str) -> bool:
    """Whether a digit is its loop's variable, some number of times and something beside it."""
    match digit:
        case Var(own):
            return own == name
        case Binary("+", left, right):
            sides = [side for side in (left, right) if any(node == Var(name) for node in walk(side))]
            return len(sides) == 1 and _grows(sides[0], name)
        case Binary("-", left, right):
            return not any(node == Var(name) for node in walk(right)) and _grows(left, name)
        case Binary("*", Const(factor), right):
            return factor > 0 and _grows(right, name)
    return False
