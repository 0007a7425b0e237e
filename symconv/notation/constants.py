"""Numbers a formula computes from numbers: each must be one that float64 can hold."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from symconv.notation.expr import Apply, Const, Expr

__all__ = ["refusal"]

_ARITHMETIC: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in ("add", "sub", "mul", "pow", "neg", "abs")},
    **{name: getattr(math, name) for name in ("exp", "log", "sqrt")},
    "div": operator.truediv,
    "max": max,
    "min": min,
}


def refusal(expr: Expr) -> str:
    """What is wrong with the number an expression without reads and indices stands for; "" where nothing is.

    >>> from fractions import Fraction
    >>> two, thousand = Const(Fraction(2)), Const(Fraction(1000))
    >>> refusal(Apply("pow", (two, thousand)))
    ''
    >>> refusal(Apply("pow", (two, Apply("pow", (two, thousand)))))
    'is outside float64'
    """
    try:
        match expr:
            case Apply("div", (_, divisor)) if _value(divisor) == 0:
                return "is no real number"
        value = _value(expr)
    except OverflowError:
        return "is outside float64"
    except (ZeroDivisionError, ValueError):
        return "is no real number"
    if isinstance(value, complex) or (value is not None and math.isnan(value)):
        return "is no real number"
    if value is None or math.isfinite(value):
        return ""
    return "is outside float64"


def _value(expr: Expr) -> Any:
    """The number in float64, or None where it depends on more than numbers."""
    match expr:
        case Const(exact):
            return float(exact)
        case Apply(function, arguments) if function in _ARITHMETIC:
            values = [_value(argument) for argument in arguments]
            if None in values:
                return None
            value = _ARITHMETIC[function](*values)
            if value == 0 and function in {"mul", "div", "pow"} and all(values):
                # Exact arithmetic would carry the digits that float64 lost.
                raise OverflowError
            return value
    return None
