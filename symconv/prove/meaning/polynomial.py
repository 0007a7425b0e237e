"""Which scalar expressions have a value everywhere, and are 0 where a factor of theirs is."""

from __future__ import annotations

from fractions import Fraction

from symconv.notation.expr import Apply, Const, Expr, Index, Read, Reduce, walk

__all__ = ["vanishes_with"]


def vanishes_with(body: Expr, one: Expr) -> bool:
    """Whether an expression is a product of ``one`` and of something that has a value everywhere.

    >>> from symconv.notation.affine import var
    >>> u, v = Read("u", (var("i"),)), Read("v", (var("i"),))
    >>> vanishes_with(Apply("mul", (v, u)), u), vanishes_with(Apply("div", (u, v)), u)
    (True, False)
    """
    if body == one:
        return True
    match body:
        case Apply("neg", (a,)):
            return vanishes_with(a, one)
        case Apply("div", (a, b)):
            return vanishes_with(a, one) and _is_size(b)
        case Apply("mul", (a, b)):
            return (vanishes_with(a, one) and _is_polynomial(b)) or (vanishes_with(b, one) and _is_polynomial(a))
    return False


def _is_polynomial(expr: Expr) -> bool:
    for node in walk(expr):
        match node:
            case Const() | Index() | Read() | Apply("add" | "sub" | "mul" | "neg") | Reduce("sum"):
                continue
            case Apply("pow", (_, Const(power))) if Fraction(power).denominator == 1 and power >= 0:
                continue
            case Apply("div", (_, divisor)) if _is_size(divisor):
                continue
            case _:
                return False
    return True


def _is_size(expr: Expr) -> bool:
    """Whether it is made of sizes and numbers, which are divisors that every formula has."""
    return all(
        isinstance(node, Const | Index) or (isinstance(node, Apply) and node.function in {"mul", "pow"})
        for node in walk(expr)
    )
