"""Sums over axes that a call takes as one: at the sizes it is called with, one of their steps has a single value."""

from __future__ import annotations

from dataclasses import replace

from symconv.algorithms.joining import stacked
from symconv.gather.solution import Gather, Solved
from symconv.loops.arith import const
from symconv.loops.ir import Compare, Expr, Var
from symconv.notation.affine import affine, var
from symconv.notation.expr import rename

__all__ = ["unstacked"]


def unstacked(gather: Gather) -> tuple[Gather, tuple[Expr, ...]] | None:
    """The form without steps over axes that are 1 where rows are stacked, and the sizes that it is for; None where
    there is no such step."""
    ones = {pair.inner for pair in stacked(gather.operator)}
    solved = gather.statements[0]
    if not ones or len(gather.statements) != 1 or len(solved.reductions) != 1 or len(solved.reductions[0][1]) != 1:
        return None
    reduce, (solution,) = solved.reductions[0]
    single = {r.name: r.extent.name for r in reduce.indices if r.extent.name in ones and r.name in solution.steps}
    if not single or any(solution.value(name) != var(name) for name in single):
        return None
    zero = dict.fromkeys(single, affine(0))
    bounds, limits, ranges = (
        tuple(one.substitute(dict(zero)) for one in several)
        for several in (solution.bounds, solution.limits, solution.ranges)
    )
    left = replace(
        solution,
        steps=tuple(name for name in solution.steps if name not in single),
        values=tuple((name, form.substitute(zero)) for name, form in solution.values),
        bounds=bounds,
        limits=limits,
        ranges=ranges,
        body=rename(solution.body, zero),
    )
    requires = tuple(Compare("==", Var(size), const(1)) for size in dict.fromkeys(map(str, single.values())))
    statement = Solved(solved.statement, ((reduce, (left,)),), solved.proved)
    return replace(gather, statements=(statement,)), requires
