"""The scalar functions of the notation in NumPy, and the oracle's own table of their derivatives.

One line per function: its value, its derivatives by each argument, and what torch computes instead. Nothing is shared
with the table that kernels are made from. NaN wins in max and min and takes the gradient; so it does in relu, clip
and the like.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from symconv.errors import InternalError
from symconv.verify.grid import Array

__all__ = [
    "CANCELLING",
    "COMPARISONS",
    "FLAT",
    "FLOORS",
    "KINKED",
    "PIECEWISE",
    "apply",
    "partial",
    "same",
    "torch_value",
]

_ROOT2 = math.sqrt(2.0)
_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)
_erf = np.vectorize(math.erf, otypes=[np.float64])

Kinks = Mapping[str, str]
Slopes = Callable[..., Array]
"""The derivative by argument ``which`` under the conventions: ``(which, kinks, *arguments)``."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A function's value; its slopes, None where it is flat; what torch computes; whether it has kinks or jumps.

    ``floor``: to what the error of its usual formula is relative, besides the value; ``cancels``: whether that of its
    slope's is relative to 1 (1 - tanh² near 1).
    """

    value: Callable[..., Array]
    slopes: Slopes | None
    torch: Callable[..., Any]
    kinked: bool = False
    floor: Callable[[Array], Array] | None = None
    cancels: bool = False


def _each(*slopes: Callable[..., Array]) -> Slopes:
    """Slopes that no convention enters."""
    return lambda which, kinks, *arguments: slopes[which](*arguments)


def _nan(a: Array) -> Array:
    return np.asarray(a != a)  # noqa: PLR0124


def same(a: Array, b: Array) -> Array:
    """Whether two numbers are equal, or both NaN."""
    return np.asarray((a == b) | (_nan(a) & _nan(b)))


def _one(a: Array) -> Array:
    # A plain 1, or infinity and NaN of the argument would come back out of it.
    return np.ones(np.shape(a), dtype=np.int64)


def _where(c: Array, a: Array, b: Array) -> Array:
    return np.where(c != 0, a, b)


def _sign(a: Array) -> Array:
    return np.where(_nan(a), a, (a > 0) * 1 - (a < 0) * 1)


def _sigmoid(a: Array) -> Array:
    small = np.exp(-np.abs(a))
    return np.where(a >= 0, 1.0 / (1.0 + small), small / (1.0 + small))


def _gelu(a: Array) -> Array:
    return np.asarray(0.5 * a * (1.0 + _erf(a / _ROOT2)))


def _number_of(value: float, a: Array) -> Any:
    """A number for arrays such as ``a``: exact ones would become floats beside one."""
    return Fraction(value) if np.asarray(a).dtype == object else value


def _relu_slope(which: int, kinks: Kinks, a: Array) -> Array:
    at_zero = {"zero": 0.0, "one": 1.0, "half": 0.5}[kinks.get("relu", "zero")]
    below, above, there = (_number_of(one, a) for one in (0.0, 1.0, at_zero))
    return np.asarray(np.where(a == 0, there, np.where(a < 0, below, above)))


def _leaky_slope(which: int, kinks: Kinks, a: Array, b: Array) -> Array:
    if which == 1:
        return np.where(a <= 0, a, 0)
    low = (a < 0) | ((a == 0) & (kinks.get("leaky_relu", "left") == "left"))
    return np.where(low, b, 1)


def _hardtanh_slope(which: int, kinks: Kinks, a: Array) -> Array:
    outside, inside, there = (_number_of(one, a) for one in (0.0, 1.0, float(kinks.get("hardtanh") == "one")))
    return np.asarray(np.where(np.abs(a) == 1, there, np.where(np.abs(a) > 1, outside, inside)))


def _clip(a: Array, low: Array, high: Array) -> Array:
    return np.minimum(np.maximum(a, low), high)


def _clip_slope(which: int, kinks: Kinks, a: Array, low: Array, high: Array) -> Array:
    over = np.maximum(a, low) > high
    if which == 2:
        return np.where(over, 1, 0)
    below = a < low
    if which == 1:
        return np.where(below & ~over, 1, 0)
    edge = ((a == low) | (a == high)) & (kinks.get("clip", "one") == "zero")
    return np.where(below | over | edge, 0, 1)


def _extreme_slope(name: str) -> Slopes:
    def slope(which: int, kinks: Kinks, a: Array, b: Array) -> Array:
        first = ((a >= b) if name == "max" else (a <= b)) | _nan(a)
        exact = np.result_type(a, b)
        one, half = (_number_of(number, np.empty(0, exact)) for number in (1.0, 0.5))
        whole = np.asarray((first if which == 0 else ~first) * one)
        return np.where(same(a, b), half, whole) if kinks.get(name, "first") == "share" else whole

    return slope


def _root_slope(which: int, kinks: Kinks, a: Array) -> Array:
    slope = 0.5 / np.sqrt(a)
    return np.where(a == 0, 0.0, slope) if kinks.get("sqrt", "zero") == "zero" else slope


def _power_slope(which: int, kinks: Kinks, a: Array, b: Array) -> Array:
    zero = np.asarray(a == 0)
    chosen = kinks.get("pow", "zero") == "zero"
    if which == 1:
        slope = a**b * np.log(np.where(zero, 1.0, a) if chosen else a)
        return np.where(zero, 0.0, slope) if chosen else np.asarray(slope)
    # Exact numbers know no 0 to a negative power: where the base is 0, the slope is written out.
    held = zero & np.asarray(b < 1) if chosen or a.dtype == object else np.asarray(b == 0)
    slope = b * np.where(held, 1, a) ** np.where(held, 1, b - 1)
    return np.where(held, np.where((b >= 0) | (not chosen), 0, -np.inf), slope)


def _number(name: str) -> Callable[..., Any]:
    return lambda torch, a, b: getattr(torch, name)(a, b).to(torch.float64)


def _torch(name: str) -> Callable[..., Any]:
    """A function of torch by its name."""

    def called(torch: Any, *arguments: Any) -> Any:
        found = torch
        for part in name.split("."):
            found = getattr(found, part)
        return found(*arguments)

    return called


_TABLE: dict[str, _Row] = {
    "pi": _Row(lambda: np.asarray(math.pi), None, lambda torch: torch.tensor(math.pi, dtype=torch.float64)),
    "add": _Row(lambda a, b: a + b, _each(lambda a, b: _one(a), lambda a, b: _one(b)), _torch("add")),
    "sub": _Row(lambda a, b: a - b, _each(lambda a, b: _one(a), lambda a, b: -_one(b)), _torch("sub")),
    "mul": _Row(lambda a, b: a * b, _each(lambda a, b: b, lambda a, b: a), _torch("mul")),
    "div": _Row(lambda a, b: a / b, _each(lambda a, b: 1 / b, lambda a, b: -a / (b * b)), _torch("div")),
    "pow": _Row(lambda a, b: a**b, _power_slope, _torch("pow")),
    "neg": _Row(lambda a: -a, _each(lambda a: -_one(a)), _torch("neg")),
    "abs": _Row(abs, _each(_sign), _torch("abs"), kinked=True),
    "sign": _Row(_sign, None, _torch("sign"), kinked=True),
    "floor": _Row(np.floor, None, _torch("floor"), kinked=True),
    "ceil": _Row(np.ceil, None, _torch("ceil"), kinked=True),
    "exp": _Row(np.exp, _each(np.exp), _torch("exp")),
    "expm1": _Row(np.expm1, _each(np.exp), _torch("expm1")),
    "log": _Row(np.log, _each(lambda a: 1.0 / a), _torch("log")),
    "log1p": _Row(np.log1p, _each(lambda a: 1.0 / (1.0 + a)), _torch("log1p")),
    "sqrt": _Row(np.sqrt, _root_slope, _torch("sqrt")),
    "sin": _Row(np.sin, _each(np.cos), _torch("sin")),
    "cos": _Row(np.cos, _each(lambda a: -np.sin(a)), _torch("cos")),
    "tanh": _Row(np.tanh, _each(lambda a: 1.0 / np.cosh(np.clip(a, -300, 300)) ** 2), _torch("tanh"), cancels=True),
    "sigmoid": _Row(_sigmoid, _each(lambda a: _sigmoid(a) * _sigmoid(-a)), _torch("sigmoid"), cancels=True),
    "relu": _Row(lambda a: np.where(a <= 0, 0, a), _relu_slope, _torch("relu"), kinked=True),
    "leaky_relu": _Row(
        lambda a, b: np.where(a <= 0, a * b, a), _leaky_slope,
        lambda torch, a, b: torch.where(a > 0, a, a * b), kinked=True,
    ),
    "hardtanh": _Row(
        lambda a: _clip(a, np.asarray(-1), np.asarray(1)), _hardtanh_slope,
        _torch("nn.functional.hardtanh"), kinked=True,
    ),
    "clip": _Row(_clip, _clip_slope, _torch("clamp"), kinked=True),
    "elu": _Row(
        lambda a: np.asarray(np.where(a > 0, a, np.expm1(np.minimum(a, 0)))),
        _each(lambda a: np.asarray(np.where(a > 0, 1.0, np.exp(np.minimum(a, 0))))),
        _torch("nn.functional.elu"), kinked=True,
    ),
    "silu": _Row(
        lambda a: a * _sigmoid(a), _each(lambda a: _sigmoid(a) + a * _sigmoid(a) * _sigmoid(-a)),
        _torch("nn.functional.silu"), floor=abs, cancels=True,
    ),
    "gelu": _Row(
        _gelu, _each(lambda a: 0.5 * (1.0 + _erf(a / _ROOT2)) + a * _DENSITY * np.exp(-0.5 * a * a)),
        _torch("nn.functional.gelu"), floor=abs, cancels=True,
    ),
    "erf": _Row(_erf, _each(lambda a: 2.0 / math.sqrt(math.pi) * np.exp(-a * a)), _torch("erf")),
    "softplus": _Row(
        lambda a: np.logaddexp(0.0, a), _each(_sigmoid), lambda torch, a: torch.logaddexp(a, 0 * a), floor=np.ones_like,
    ),
    "max": _Row(np.maximum, _extreme_slope("max"), _torch("maximum"), kinked=True),
    "min": _Row(np.minimum, _extreme_slope("min"), _torch("minimum"), kinked=True),
    "where": _Row(
        _where,
        _each(lambda c, a, b: 0 * _one(c), lambda c, a, b: np.asarray(c != 0), lambda c, a, b: np.asarray(c == 0)),
        lambda torch, c, a, b: torch.where(c != 0, a, b), kinked=True,
    ),
    "held": _Row(lambda a: np.where(np.isinf(a), 0, a), None, lambda torch, a: a.detach()),
    "lt": _Row(lambda a, b: (a < b) * 1, None, _number("lt"), kinked=True),
    "le": _Row(lambda a, b: (a <= b) * 1, None, _number("le"), kinked=True),
    "gt": _Row(lambda a, b: (a > b) * 1, None, _number("gt"), kinked=True),
    "ge": _Row(lambda a, b: (a >= b) * 1, None, _number("ge"), kinked=True),
    "eq": _Row(lambda a, b: (a == b) * 1, None, _number("eq"), kinked=True),
    "ne": _Row(lambda a, b: (a != b) * 1, None, _number("ne"), kinked=True),
    "larger": _Row(lambda a, b: ((a >= b) | _nan(a)) * 1, None, _number("ge"), kinked=True),
    "smaller": _Row(lambda a, b: ((a <= b) | _nan(a)) * 1, None, _number("le"), kinked=True),
    "same": _Row(lambda a, b: same(a, b) * 1, None, _number("eq"), kinked=True),
}  # fmt: skip

COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "larger", "smaller", "same"})
FLAT = frozenset(name for name, row in _TABLE.items() if row.slopes is None)
"""Functions whose derivative is 0 wherever it exists, and by convention where it does not."""
KINKED = frozenset(name for name, row in _TABLE.items() if row.kinked)
FLOORS = {name: row.floor for name, row in _TABLE.items() if row.floor is not None}
CANCELLING = frozenset(name for name, row in _TABLE.items() if row.cancels)
PIECEWISE = frozenset({"where", "relu", "leaky_relu", "hardtanh", "clip", "max", "min", "sqrt", "pow"})
"""Functions whose slope 0 means that nothing goes that way, whatever stands behind it."""


def apply(function: str, arguments: tuple[Array, ...]) -> Array:
    """The function's value, element by element; comparisons give 1 and 0."""
    return np.asarray(_row(function).value(*arguments))


def torch_value(torch: Any, function: str, arguments: tuple[Any, ...]) -> Any:
    """The function of torch tensors, differentiable by torch's own rules."""
    return _row(function).torch(torch, *arguments)


def _row(function: str) -> _Row:
    if function not in _TABLE:
        raise InternalError(f"the reference knows no function {function!r}")
    return _TABLE[function]


def partial(function: str, which: int, arguments: tuple[Array, ...], kinks: Mapping[str, str]) -> Array:
    """The derivative of ``function`` by its argument ``which``, at kinks by the operator's conventions.

    abs, sqrt and pow at 0 give 0; relu at 0 gives 0 unless ``kinks`` says one or half; a tie of max or min belongs to
    the first argument unless ``kinks`` says share. The condition of ``where`` and arguments of ``FLAT`` functions
    give 0.

    >>> partial("max", 1, (np.array([1.0, 2.0, 2.0]), np.array([2.0, 1.0, 2.0])), {}).tolist()
    [1.0, 0.0, 0.0]
    """
    slopes = _row(function).slopes
    if slopes is None:
        return np.asarray(0 * _one(arguments[which]))
    return np.asarray(slopes(which, kinks, *arguments)) * 1
