"""A body in lanes with a register tile: its copies, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from symconv.gather.solution import Solution
from symconv.loops.arith import add, const, mul
from symconv.loops.ir import LANES, Call, Const, Expr, Var
from symconv.notation.expr import Read

__all__ = ["JOINS", "SUM", "Body", "Target", "neutral"]

JOINS = {"sum": "+", "prod": "*"}
"""The operators by which reductions join their taps; extremes are called as their operators are."""
SUM = Var("sum_")
"""A sum that an epilogue works on."""


@dataclass(frozen=True, slots=True)
class Target:
    """What becomes of a cell's sum: ``op`` into the buffer, or stored with ``start`` added where the cell is owned
    whole.

    ``finish`` is what is stored of a sum, which it calls ``SUM``, with the reads it takes. With ``where``, a
    contribution's position, the position of the first extreme one is stored; op is then max or min, and loops in the
    order ``along`` meet contributions by position.
    """

    buffer: str
    op: str
    start: Expr | None = None
    where: Expr | None = None
    finish: Expr = SUM
    beside: tuple[Read, ...] = ()
    along: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """One tiled body: ``factors`` of loops and ``blocks`` of lanes of ``contiguous``, which may move the cell or not.

    ``border`` says that most blocks have nothing to do, ``ordered`` that contributions come by position.
    """

    solution: Solution
    contiguous: str
    moving: bool
    factors: tuple[tuple[str, int], ...]
    blocks: int
    target: Target
    value: Expr
    positions: frozenset[str] = frozenset()
    border: bool = False
    ordered: bool = False

    @property
    def copies(self) -> tuple[tuple[str, int, dict[str, Expr]], ...]:
        """Every copy of the tile: its accumulator, its block, and what its loop variables become."""
        result = []
        offsets = product(*(range(factor) for _, factor in self.factors), range(self.blocks))
        for number, (*shifts, block) in enumerate(offsets):
            values = {n: add(Var(n), const(k)) for (n, _), k in zip(self.factors, shifts, strict=True)}
            values[self.contiguous] = self.position(block)
            result.append((f"acc{number}_", block, values))
        return tuple(result)

    def position(self, block: int) -> Expr:
        """Where a block of lanes starts."""
        return add(Var(self.contiguous), mul(const(block), Var(LANES)))


def neutral(op: str) -> Expr:
    """What a reduction by ``op`` starts at."""
    if op in "+-*":
        return Const(Fraction(op == "*"), real=True)
    return Call("inf", ()) if op == "min" else Call("neg", (Call("inf", ()),))
