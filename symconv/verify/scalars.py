"""The scalar functions of the notation in NumPy, and the oracle's own table of their derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from symconv.errors import InternalError
from symconv.verify.grid import Array

__all__ = ["COMPARISONS", "FLAT", "KINKED", "apply", "partial"]

COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
FLAT = COMPARISONS | {"sign"}
"""Functions whose derivative is 0 wherever it exists, and by convention where it does not."""
KINKED = FLAT | {"abs", "relu", "max", "min", "where"}

_ROOT2 = math.sqrt(2.0)
_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)
_erf = np.vectorize(math.erf, otypes=[np.float64])


def _where(c: Array, a: Array, b: Array) -> Array:
    return np.where(c != 0, a, b)


def _sigmoid(a: Array) -> Array:
    small = np.exp(-np.abs(a))
    return np.where(a >= 0, 1.0 / (1.0 + small), small / (1.0 + small))


def _gelu(a: Array) -> Array:
    return np.asarray(0.5 * a * (1.0 + _erf(a / _ROOT2)))


_FUNCTIONS: dict[str, Callable[..., Array]] = {
    "pi": lambda: np.asarray(math.pi),
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "neg": lambda a: -a,
    "abs": abs,
    "sign": lambda a: (a > 0) * 1 - (a < 0) * 1 + 0 * a,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "relu": lambda a: np.where(a > 0, a, 0 * a),
    "gelu": _gelu,
    "erf": _erf,
    "softplus": lambda a: np.logaddexp(0.0, a),
    "max": np.maximum,
    "min": np.minimum,
    "where": _where,
    "lt": lambda a, b: (a < b) * 1,
    "le": lambda a, b: (a <= b) * 1,
    "gt": lambda a, b: (a > b) * 1,
    "ge": lambda a, b: (a >= b) * 1,
    "eq": lambda a, b: (a == b) * 1,
    "ne": lambda a, b: (a != b) * 1,
}


def apply(function: str, arguments: tuple[Array, ...]) -> Array:
    """The function's value, element by element; comparisons give 1 and 0."""
    if function not in _FUNCTIONS:
        raise InternalError(f"the reference knows no function {function!r}")
    return np.asarray(_FUNCTIONS[function](*arguments))


_SLOPES: dict[str, Callable[[Array], Array]] = {
    "neg": lambda a: -1 + 0 * a,
    "exp": np.exp,
    "log": lambda a: 1.0 / a,
    "sqrt": lambda a: 0.5 / np.sqrt(a),
    "sin": np.cos,
    "cos": lambda a: -np.sin(a),
    "tanh": lambda a: 1.0 / np.cosh(np.clip(a, -300, 300)) ** 2,
    "sigmoid": lambda a: _sigmoid(a) * _sigmoid(-a),
    "gelu": lambda a: 0.5 * (1.0 + _erf(a / _ROOT2)) + a * _DENSITY * np.exp(-0.5 * a * a),
    "erf": lambda a: 2.0 / math.sqrt(math.pi) * np.exp(-a * a),
    "softplus": _sigmoid,
    "abs": _FUNCTIONS["sign"],
}
_AT_ZERO = {"zero": 0.0, "one": 1.0, "half": 0.5}


def partial(function: str, which: int, arguments: tuple[Array, ...], kinks: Mapping[str, str]) -> Array:
    """The derivative of ``function`` by its argument ``which``, at kinks by the operator's conventions.

    abs at 0 gives 0; relu at 0 gives 0 unless ``kinks`` says one or half; a tie of max or min belongs to the
    first argument unless ``kinks`` says share. The condition of ``where`` and arguments of ``FLAT`` functions
    give 0.

    >>> partial("max", 1, (np.array([1.0, 2.0, 2.0]), np.array([2.0, 1.0, 2.0])), {}).tolist()
    [1.0, 0.0, 0.0]
    """
    match function, arguments:
        case (("add" | "sub"), (a, b)):
            return np.asarray((-1 if (function, which) == ("sub", 1) else 1) + 0 * a + 0 * b)
        case "mul", (a, b):
            return np.asarray((b, a)[which])
        case "div", (a, b):
            return np.asarray(1 / b if which == 0 else -a / (b * b))
        case "pow", (a, b):
            return _power(which, a, b)
        case "relu", (a,):
            at_zero = _AT_ZERO[kinks.get("relu", "zero")]
            return np.where(a > 0, 1.0, np.where(a == 0, at_zero, 0.0))
        case (("max" | "min"), (a, b)):
            wins = (a > b) if (function == "max") == (which == 0) else (a < b)
            share = kinks.get(function, "first") == "share"
            return np.where(a == b, 0.5 if share else float(which == 0), wins * 1.0)
        case "where", (c, _, _):
            return np.asarray((0 * c, (c != 0) * 1, (c == 0) * 1)[which])
        case _, (a,) if function in _SLOPES:
            return np.asarray(_SLOPES[function](a))
        case _ if function in FLAT:
            return np.asarray(0 * arguments[which])
    raise InternalError(f"the reference knows no derivative of {function!r}")


def _power(which: int, a: Array, b: Array) -> Array:
    if which == 0:
        # b may be 0 where a is: 0*0**-1 is 0 here, the derivative of a constant.
        flat = b == 0
        return np.where(flat, 0 * a, b * np.where(flat, 1, a) ** np.where(flat, 1, b - 1))
    value = a**b
    return np.where(value == 0, 0.0, value * np.log(np.where(value == 0, 1.0, a)))
