"""Functions of numbers, where the result is rational."""

from __future__ import annotations

from fractions import Fraction

from symconv.derive.borders import fold
from symconv.notation.expr import Apply, Const, Expr, children, rebuild
from symconv.notation.functions import TABLE

__all__ = ["settled"]


def settled(expr: Expr) -> Expr:
    """An expression with functions of numbers replaced by their values, and what follows folded.

    >>> settled(Apply("mul", (Apply("tanh", (Const(Fraction(0)),)), Const(Fraction(3)))))
    Const(value=Fraction(0, 1))
    """
    expr = rebuild(expr, tuple(settled(child) for child in children(expr)))
    match expr:
        case Apply(function, arguments) if arguments and all(isinstance(a, Const) for a in arguments):
            numbers = [a.value for a in arguments if isinstance(a, Const)]
            entry = TABLE[function]
            # A finite function with kinks is linear in pieces.
            if entry.kinks and entry.finite and entry.value is not None:
                return Const(Fraction(entry.value(*numbers)))
            if numbers == [0] and entry.at_zero:
                return Const(Fraction(entry.at_zero))
    return fold(expr)
