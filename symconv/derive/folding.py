"""Arithmetic on numbers carried out in an expression, neutral elements dropped."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from symconv.notation.expr import Apply, Const, Expr, Reduce

__all__ = ["fold"]

_FOLDS = {"add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b}


def fold(expr: Expr) -> Expr:
    """Rational arithmetic carried out and neutral elements dropped, bottom up."""
    match expr:
        case Apply(function, arguments):
            return _fold_apply(function, tuple(fold(argument) for argument in arguments))
        case Reduce(_, _, pieces):
            return replace(expr, pieces=tuple(replace(p, body=fold(p.body)) for p in pieces))
    return expr


def _fold_apply(function: str, arguments: tuple[Expr, ...]) -> Expr:
    zero, one = Const(Fraction(0)), Const(Fraction(1))
    match function, arguments:
        case (("add" | "sub" | "mul"), (Const(a), Const(b))):
            return Const(_FOLDS[function](a, b))
        case "neg", (Const(a),):
            return Const(-a)
        case "abs", (Const(a),):
            return Const(abs(a))
        case "div", (Const(a), Const(b)) if b:
            return Const(a / b)
        case "pow", (Const(a), Const(b)) if b.denominator == 1 and 0 < b <= 64:
            return Const(a ** int(b))
        case "add", (a, b) if zero in (a, b):
            return b if a == zero else a
        case "sub", (a, b) if b == zero:
            return a
        case "sub", (a, b) if a == zero:
            return _fold_apply("neg", (b,))
        case "neg", (Apply("neg", (inner,)),):
            return inner
        case "mul", (a, b) if zero in (a, b):
            return zero
        case "mul", (a, b) if one in (a, b):
            return b if a == one else a
        case (("div" | "pow"), (a, b)) if b == one:
            return a
    return Apply(function, arguments)
