"""Where the operands of a sum end, and what a contribution is beyond."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symconv.notation.expr import Apply, Const, Constraint, Expr, Read
from symconv.packed.contraction import Contraction

__all__ = ["bounded", "padded", "vanishes_outside"]


def bounded(found: Contraction) -> bool:
    """Whether loops run over boxes and all else keeps operands in their arrays."""
    solution, inside = found.solution, set(_inside(found))
    loops = {*solution.cells, *solution.steps}
    return all(
        not bound.equality and (bound in inside or len(bound.form.names() & loops) <= 1) for bound in solution.bounds
    )


def padded(found: Contraction) -> bool:
    """Whether nothing but its bounds keeps a wide operand in its array: it counts as 0 outside."""
    loops = {*found.solution.cells, *found.solution.steps}
    inside = set(_inside(found))
    return any(bound in inside and len(bound.form.names() & loops) > 1 for bound in found.solution.bounds)


def _inside(found: Contraction) -> Iterator[Constraint]:
    """What keeps the wide operands in their arrays."""
    for operand in found.wide:
        for axis in operand.axes:
            if axis.loop:
                yield Constraint(axis.form)
                yield Constraint(axis.length - 1 - axis.form)


def vanishes_outside(found: Contraction) -> bool:
    """Whether a contribution is 0 where operands are: outside of them, and in the gaps of flat rows."""
    everywhere = {operand.read.tensor for operand in found.wide}
    if found.lanes == "cells":
        return not padded(found) or _vanishes(found.solution.body, everywhere)
    rows, columns = (operand.read.tensor for operand in found.wide)
    return _vanishes(found.solution.body, {rows}) and (not padded(found) or _vanishes(found.solution.body, {columns}))


def _vanishes(expr: Expr, zero: set[str]) -> bool:
    """Whether an expression is 0 where the tensors in ``zero`` are."""
    match expr:
        case Const(value):
            return value == Fraction(0)
        case Read(tensor, _, _):
            return tensor in zero
        case Apply("mul", arguments):
            return any(_vanishes(argument, zero) for argument in arguments)
        case Apply("div", (over, _)):
            return _vanishes(over, zero)
        case Apply("neg" | "abs" | "sign" | "add" | "sub", arguments):
            return all(_vanishes(argument, zero) for argument in arguments)
        case Apply("where", (_, yes, no)):
            return _vanishes(yes, zero) and _vanishes(no, zero)
    return False
