"""Which expressions are above 0 whatever the elements are: a root of them has no kink, as of squares plus 1."""

from __future__ import annotations

from symconv.notation.affine import Affine
from symconv.notation.expr import Apply, Const, Expr, Index, Read, Reduce
from symconv.notation.operator import Operator

__all__ = ["above_zero"]

_ABOVE = frozenset({"exp", "sigmoid"})
_NOT_BELOW = frozenset({"abs", "relu", "sqrt"})


def above_zero(op: Operator, expr: Expr) -> bool:
    """Whether an expression of ``op`` is plainly above 0 wherever it has a value.

    >>> from symconv.notation.front import formula
    >>> op = formula("y[n] = sqrt(sum[c](x[n,c]**2) + 1)")
    >>> above_zero(op, op.statements[-1].expr.arguments[0])
    True
    """
    return _sign(op, expr) == 1


def _sign(op: Operator, expr: Expr) -> int | None:
    """1 where it is above 0, 0 where it is not below; None where that is not plain."""
    match expr:
        case Const(value):
            return 1 if value > 0 else 0 if value == 0 else None
        case Index(form):
            return _of_form(form)
        case Read(name):
            made = [one.expr for one in op.statements[:-1] if one.target.name == name]
            # What is read outside of it is 0, or what a border says.
            return min(0, sign) if made and (sign := _sign(op, made[0])) is not None and expr.border is None else None
        case Reduce("sum" | "mean" | "max", _, pieces):
            each = [_sign(op, piece.body) for piece in pieces]
            # A sum of no elements is 0.
            return 0 if None not in each else None
        case Apply("mul", (left, right)) if left == right:
            return 0
        case Apply("pow", (_, Const(power))) if power.denominator == 1 and power % 2 == 0 and power > 0:
            return 0
        case Apply("pow", (base, Const())) if _sign(op, base) == 1:
            return 1
        case Apply("mul" | "div", (left, right)):
            signs = _sign(op, left), _sign(op, right)
            return None if None in signs else min(signs[0] or 0, signs[1] or 0)
        case Apply("add", (left, right)):
            signs = _sign(op, left), _sign(op, right)
            return None if None in signs else max(signs[0] or 0, signs[1] or 0)
        case Apply("sqrt", (inner,)) if _sign(op, inner) == 1:
            return 1
        case Apply(function, _) if function in _ABOVE:
            return 1
        case Apply(function, _) if function in _NOT_BELOW:
            return 0
    return None


def _of_form(form: Affine) -> int | None:
    """Of a form of sizes and indices, none of which is below 0."""
    plain = all(isinstance(atom, str) and factor > 0 for atom, factor in form.terms) and form.constant >= 0
    return None if not plain else 1 if form.constant else 0
