"""Which vectors of a row of an operand are read for the elements of windows, and which of their lanes lie in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from symconv.loops.arith import add, const, largest, mul, sub
from symconv.loops.ir import LANES, Declare, Expr, Lanes, Scalar, Stmt, Var
from symconv.packed.frame import ceiling

if TYPE_CHECKING:
    from symconv.packed.windows import Windows

__all__ = ["in_groups", "lane_step", "places_before", "window_masks", "window_reads"]

_PAIRS = 2
"""Of so many elements, two loads are one shuffle away from a vector of every second one."""


def window_reads(job: Windows) -> Iterator[tuple[str, Expr]]:
    """Vectors that are read, named, and where: those of a tile, then those of the next tile that windows reach.

    Where lanes are the classes of one tile, or elements lie apart, a vector for each element of a window.
    """
    axis, width = job.it.form.axes[-1], len(job.matrices[-1][0])
    m, apart = axis.transform.m, axis.dilation * job.unit(job.strips[-1])
    if not in_groups(job):
        yield from ((f"{e}_", add(Var("first_"), const(apart * e))) for e in range(width))
        return
    for group in range(-(-width // m)):
        start = add(Var("first_"), const(group * m * apart))
        unit = const(job.unit(job.strips[-1]))
        yield from (
            (f"{group}_{vector}_", add(start, mul(unit, mul(const(vector), Var(LANES))))) for vector in range(m)
        )


def window_masks(job: Windows) -> Iterator[Stmt]:
    """Which lanes of each vector lie in the operand."""
    end, step = job.end(job.strips[-1]), lane_step(job)
    for name, at in window_reads(job):
        lanes = Lanes(places_before(sub(const(0), at), step), places_before(sub(end, at), step))
        yield Declare(f"in{name}", lanes, Scalar("mask"))


def places_before(distance: Expr, step: int) -> Expr:
    """How many places, ``step`` apart from 0 on, lie before a distance."""
    return distance if step == 1 else ceiling(largest([const(0), distance]), const(step))


def in_groups(job: Windows) -> bool:
    """Whether vectors of neighbours, or of every second element, are dealt to the elements of windows."""
    return job.it.dealt and job.unit(job.strips[-1]) <= _PAIRS


def lane_step(job: Windows) -> int:
    """From lane to lane in the operand: a whole tile, where elements of windows are picked."""
    unit = job.unit(job.strips[-1])
    return unit if unit == 1 or in_groups(job) else unit * job.it.form.axes[-1].transform.m
