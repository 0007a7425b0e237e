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
    match gather.statements:
        case (Solved(reductions=((reduce, (solution,)),)) as solved,) if ones:
            pass
        case _:
            return None
    single = {
        one.name: size for one in reduce.indices if one.name in solution.steps and (size := one.extent.name) in ones
    }
    if not single or any(solution.value(name) != var(name) for name in single):
        return None
    zero = dict.fromkeys(single, affine(0))
    left = replace(
        solution,
        steps=tuple(name for name in solution.steps if name not in single),
        values=tuple((name, form.substitute(zero)) for name, form in solution.values),
        bounds=tuple(one.substitute(zero) for one in solution.bounds),
        limits=tuple(one.substitute(zero) for one in solution.limits),
        ranges=tuple(one.substitute(zero) for one in solution.ranges),
        body=rename(solution.body, zero),
    )
    requires = tuple(Compare("==", Var(size), const(1)) for size in sorted({*single.values()}))
    statement = Solved(solved.statement, ((reduce, (left,)),), solved.proved)
    return replace(gather, statements=(statement,)), requires
