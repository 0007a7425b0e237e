"""Zeros behind the rows of a box: where they are stored, and that a last block of lanes meets nothing behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import Binary, Compare, Const, Expr, For, If, Select, Stmt, Store, Var
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import WIDTH, digits, expression, least_quotients, natural, polynomial
from symconv.validate.unrolled import rolled_spans

__all__ = ["Zeros", "mark", "room"]

_ZERO = Const(Fraction(0), True)


def mark(buffer: str) -> str:
    """The name of a buffer of marks of where zeros are stored to a buffer."""
    return f"{buffer}behind_"


@dataclass(slots=True)
class Zeros:
    """The loop that stores zeros to the last rows of a buffer."""

    buffer: str
    pitch: Expr
    loop: For | None = None

    @property
    def mark(self) -> str:
        """The buffer of marks of where it ran."""
        return mark(self.buffer)

    def marked(self, statement: Stmt, upper: Expr | None) -> tuple[Stmt, ...]:
        """A statement with a mark in place of the loop, and the loop up to another row."""
        match statement:
            case For(gap, _, _, (*body,)) if (prefix := self._zeros(body, gap)) is not None:
                if self.loop is not None or statement.step != 1:
                    raise UnclearError(f"rows of {self.buffer} are stored as zeros by several loops")
                self.loop = statement
                mark = Store(self.mark, prefix, _ZERO)
                return (mark,) if upper is None else (replace(statement, upper=upper), mark)
            case For() | If():
                inner = tuple(one for part in statement.body for one in self.marked(part, upper))
                return (replace(statement, body=inner),)
        return (statement,)

    def _zeros(self, body: Sequence[Stmt], gap: str) -> tuple[Expr, ...] | None:
        match rolled_spans(tuple(body)):
            case (For(at, low, high, (Store(buffer, (*prefix, row, place), value),), 1),) if (
                buffer == self.buffer and low == const(0) and high == self.pitch and value == _ZERO
            ):
                return tuple(prefix) if row == Var(gap) and place == Var(at) else None
        return None


def room(rows: Expr, offset: Sequence[Expr], end: Sequence[Expr], pitches: Sequence[Expr]) -> Iterator[Stmt]:
    """That a block of lanes from the last cell on lies in rows, so far behind their start."""
    yield from (If(Compare(">=", digit, const(0)), ()) for digit in offset if digit != const(0))
    last: Expr = const(0)
    for digit, behind, pitch in zip(end, offset, (const(0), *pitches), strict=True):
        last = add(mul(last, pitch), add(digit, behind))
    fits: Expr = const(0)
    for count in _parts(rows):
        spare = sub(sub(mul(count, pitches[-1]), last), WIDTH)
        left = digits(expression(least_quotients(polynomial(spare))), pitches)
        fits = Select(natural(left, pitches), const(1), fits)
    yield If(fits, ())


def _parts(value: Expr) -> list[Expr]:
    """The numbers of which a sum of largest ones is the largest."""
    match value:
        case Binary("max", one, other):
            return [*_parts(one), *_parts(other)]
        case Binary("+", one, other):
            return [add(a, b) for a in _parts(one) for b in _parts(other)]
    return [value]
