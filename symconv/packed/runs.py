"""Rows of a box that follow each other in the target as in memory: stored as one long row, past the caches if long.

Where the sums of a box have no gaps, as those of windows of one element, and hold whole rows of the target, nothing
but their number tells rows from one row. Results that fill caches are not written through them: an ordinary store reads
its line from memory first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from symconv.loops.arith import const, mul, sub
from symconv.loops.ir import Compare, Expr, For, If, Let, Stmt, StoreLanes, Var
from symconv.loops.scalars import integer
from symconv.loops.traverse import substitute
from symconv.packed.copying import span
from symconv.packed.frame import product
from symconv.packed.inplace import all_hold, remainder
from symconv.tune import facts

if TYPE_CHECKING:
    from symconv.packed.contraction import Contraction
    from symconv.packed.outer import Outer

__all__ = ["RUN", "STREAMED", "in_runs", "long_target", "one_row", "streamed"]

RUN = "run_"
"""Whether the rows at hand are stored as one."""
STREAMED = "streamed_"
"""Whether a row goes past the caches."""


def long_target(found: Contraction) -> Expr:
    """1 where the target is long, else 0."""
    sizes = product(integer(size) for axis in found.statement.target.axes for size in axis)
    return all_hold((Compare(">=", sizes, const(facts.LONG)),))


def streamed(lower: Expr, upper: Expr) -> Let:
    """Whether a range of a row goes past the caches: whole vectors, so that no line is written in two ways."""
    whole = Compare("==", remainder(sub(upper, lower)), const(0))
    return Let(STREAMED, all_hold((Compare("==", Var("LONG_"), const(1)), whole)))


def in_runs(it: Outer) -> bool:
    """Whether rows of cells may be one row of the target: its last axes are those of the rows and of the lanes."""
    found, strips = it.found, it.space.strips
    target, axes = found.solution.target, found.statement.target.axes
    if len(strips) < 2 or found.solution.phases or found.statement.expr != found.reduce or len(target) < 2:
        return False
    plain = all(form.coefficient(strip.loop) == 1 for form, strip in zip(target[-2:], strips[-2:], strict=True))
    return plain and all(len(axis) == 1 for axis in axes[-2:])


def one_row(it: Outer, rows: For, block: Callable[[Expr, str], StoreLanes]) -> tuple[Stmt, ...]:
    """The rows of a loop that stores one after the other, as one where they are; ``block`` stores lanes of a row."""
    strip, lane = it.space.strips[-2:]
    first: dict[str, Expr] = {rows.var: const(0), strip.loop: strip.start}
    ends = {s.name: s.value for s in rows.body if isinstance(s, Let)}
    length = integer(it.found.statement.target.axes[-1][0])
    whole = (
        Compare("==", ends["lower_"], const(0)),
        Compare("==", ends["upper_"], lane.size),
        Compare("==", lane.size, lane.pitch),
        Compare("==", lane.size, length),
    )
    lower, upper = mul(rows.lower, lane.size), mul(rows.upper, lane.size)
    together = span(lower, upper, lambda k, mask: substitute(block(k, mask), first))
    return (
        Let(RUN, all_hold(whole)),
        If(Compare("==", Var(RUN), const(1)), (streamed(lower, upper), *together)),
        If(Compare("==", Var(RUN), const(0)), (rows,)),
    )
