"""What a term of the outer form comes to where packing has put zeros."""

from __future__ import annotations

from symconv.notation.expr import Apply, Const, Expr, Read
from symconv.packed.roles import Contraction

__all__ = ["harmless"]


_LARGE = 2**60
"""Constants below overflow in no type."""


def harmless(found: Contraction) -> bool:
    """Whether terms of the outer form that the definition leaves out add nothing as long as the narrow operands are
    finite: lanes that stand outside of the wide operand are 0 then, and no step on the way to a term overflows."""
    if found.lanes != "cells" or found.here:
        return False
    zero = {operand.read.tensor for operand in found.wide} - {read.tensor for read in found.narrow}
    return _outside(found.solution.body, zero) == "zero"


def _outside(expr: Expr, zero: set[str]) -> str:
    """What an expression of finite numbers is where the tensors in ``zero`` are 0: ``zero``, ``finite``, or nothing
    that is known, as a product of large numbers."""
    match expr:
        case Read(tensor, _, _):
            return "zero" if tensor in zero else "finite"
        case Const(value):
            return "finite" if abs(value) < _LARGE else ""
        case Apply("mul", arguments):
            known = [_outside(argument, zero) for argument in arguments]
            return "zero" if "zero" in known and "" not in known else ""
        case Apply("neg" | "abs" | "sign", (argument,)):
            return _outside(argument, zero)
        case Apply("add" | "sub", (left, right)):
            either = {_outside(left, zero), _outside(right, zero)}
            return "" if "" in either or either == {"finite"} else "finite" if "finite" in either else "zero"
    return ""
