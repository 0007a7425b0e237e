"""Real numbers known to lie between two fractions, so that a difference that is seen is certain.

Sums and products of fractions stay exact. Values of functions such as ``tanh`` are enclosed: mpmath's value at 320
bits, widened far beyond its error. Two enclosures that do not meet are two numbers; where two meet nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor, isqrt

import mpmath

from symconv.limits import EXACT_POWER, EXPONENT

__all__ = ["Enclosure", "NoValueError", "Number", "apart", "applied"]

_GRID = 2**256
"""Ends are rounded outwards to this grid, so that they do not grow with every product."""
_RELATIVE = Fraction(1, 2**280)
_BITS = 320


class NoValueError(Exception):
    """An expression has no value here that is known well enough; the text says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Enclosure:
    """A real number between ``lo`` and ``hi``; comparisons raise NoValueError where that does not decide them."""

    lo: Fraction
    hi: Fraction

    def __add__(self, other: object) -> Enclosure:
        o = _enclosed(other)
        return _outward(self.lo + o.lo, self.hi + o.hi)

    __radd__ = __add__

    def __neg__(self) -> Enclosure:
        return Enclosure(-self.hi, -self.lo)

    def __sub__(self, other: object) -> Enclosure:
        return self + -_enclosed(other)

    def __rsub__(self, other: object) -> Enclosure:
        return _enclosed(other) + -self

    def __mul__(self, other: object) -> Enclosure:
        o = _enclosed(other)
        ends = [a * b for a in (self.lo, self.hi) for b in (o.lo, o.hi)]
        return _outward(min(ends), max(ends))

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> Enclosure:
        o = _enclosed(other)
        if o.lo <= 0 <= o.hi:
            raise NoValueError("a division by what may be zero")
        return self * Enclosure(1 / o.hi, 1 / o.lo)

    def __rtruediv__(self, other: object) -> Enclosure:
        return _enclosed(other) / self

    def __lt__(self, other: object) -> bool:
        o = _enclosed(other)
        if self.hi < o.lo:
            return True
        if self.lo >= o.hi:
            return False
        raise NoValueError("a comparison of numbers that may be equal")

    def __gt__(self, other: object) -> bool:
        return _enclosed(other) < self

    def __le__(self, other: object) -> bool:
        return not _enclosed(other) < self

    def __ge__(self, other: object) -> bool:
        return not self < other

    def __eq__(self, other: object) -> bool:
        o = _enclosed(other)
        if self.hi < o.lo or o.hi < self.lo:
            return False
        if self.lo == self.hi == o.lo == o.hi:
            return True
        raise NoValueError("a comparison of numbers that may be equal")

    __hash__ = None  # type: ignore[assignment]

    def __float__(self) -> float:
        return float((self.lo + self.hi) / 2)


Number = int | Fraction | Enclosure


def _enclosed(value: object) -> Enclosure:
    if isinstance(value, Enclosure):
        return value
    if isinstance(value, int | Fraction):
        return Enclosure(Fraction(value), Fraction(value))
    raise NoValueError(f"{value!r} is no exact number")


def _outward(lo: Fraction, hi: Fraction) -> Enclosure:
    if lo == hi and lo.denominator.bit_length() < 2 * _BITS:
        # A number that is exact stays so while it is short.
        return Enclosure(lo, hi)
    return Enclosure(Fraction(floor(lo * _GRID), _GRID), Fraction(-floor(-hi * _GRID), _GRID))


def apart(one: Number, other: Number) -> bool:
    """Whether two numbers are certainly different.

    >>> apart(Fraction(1, 3), applied("tanh", Fraction(1, 3))), apart(Fraction(1), applied("exp", Fraction(0)))
    (True, False)
    """
    a, b = _enclosed(one), _enclosed(other)
    return a.hi < b.lo or b.hi < a.lo


def applied(function: str, *arguments: Number) -> Number:
    """The value of a scalar function; raises NoValueError where it has none, or none that is known well enough."""
    if function in _EXACT:
        return _EXACT[function](*arguments)
    if function not in _MONOTONE and function not in _OTHERS:
        raise NoValueError(f"{function} has no exact values")
    if arguments and (value := _plain(function, arguments[0])) is not None:
        return value
    if function in _OTHERS:
        return _OTHERS[function](*map(_enclosed, arguments))
    one = _enclosed(arguments[0])
    if function in {"log", "log1p", "sqrt"} and one.lo + (function == "log1p") <= 0:
        raise NoValueError(f"{function} of a number that is not positive")
    return Enclosure(_value(function, one.lo)[0], _value(function, one.hi)[1])


def _plain(function: str, value: Number) -> Fraction | None:
    """The value where it is a fraction: at 0 and 1, and roots of squares."""
    if isinstance(value, Enclosure):
        if value.lo != value.hi:
            return None
        value = value.lo
    if value == 0 and function in _AT_ZERO:
        return _AT_ZERO[function]
    if value == 1 and function == "log":
        return Fraction(0)
    if function == "sqrt" and value >= 0:
        a, b = isqrt(Fraction(value).numerator), isqrt(Fraction(value).denominator)
        return Fraction(a, b) if Fraction(a * a, b * b) == value else None
    return None


def _value(function: str, at: Fraction) -> tuple[Fraction, Fraction]:
    """Below and above the value of a function at a fraction."""
    if at < -EXPONENT and function in {"exp", "expm1"}:
        least = Fraction(0 if function == "exp" else -1)
        return least, least + Fraction(1, _GRID)
    if at > EXPONENT and function in {"exp", "expm1"}:
        raise NoValueError(f"{function} of a large number")
    with mpmath.workprec(_BITS):
        number = _MONOTONE[function](mpmath.mpf(at.numerator) / at.denominator)
        middle = _fraction(number)
    margin = abs(middle) * _RELATIVE + Fraction(1, _GRID)
    return middle - margin, middle + margin


def _fraction(number: mpmath.mpf) -> Fraction:
    sign, mantissa, exponent, _ = number._mpf_
    value = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return -value if sign else value


def _sigmoid(a: mpmath.mpf) -> mpmath.mpf:
    return 1 / (1 + mpmath.exp(-a))


_MONOTONE: Mapping[str, Callable[[mpmath.mpf], mpmath.mpf]] = {
    "exp": mpmath.exp, "expm1": mpmath.expm1, "log": mpmath.log, "log1p": mpmath.log1p, "sqrt": mpmath.sqrt,
    "tanh": mpmath.tanh, "erf": mpmath.erf, "sigmoid": _sigmoid,
    "softplus": lambda a: mpmath.log1p(mpmath.exp(a)) if a < 0 else a + mpmath.log1p(mpmath.exp(-a)),
    "sin": mpmath.sin, "cos": mpmath.cos,
}  # fmt: skip
"""Functions that grow everywhere; ``sin`` and ``cos``, which do not, are enclosed around the middle."""
_AT_ZERO = {
    **dict.fromkeys(("sin", "tanh", "erf", "expm1", "log1p", "sqrt", "gelu", "silu", "elu"), Fraction(0)),
    **dict.fromkeys(("exp", "cos"), Fraction(1)),
    "sigmoid": Fraction(1, 2),
}


def _wave(function: str) -> Callable[[Enclosure], Enclosure]:
    def value(a: Enclosure) -> Enclosure:
        lo, hi = _value(function, (a.lo + a.hi) / 2)
        reach = (a.hi - a.lo) / 2
        return _outward(lo - reach, hi + reach)

    return value


def _pi() -> Enclosure:
    with mpmath.workprec(_BITS):
        middle = _fraction(+mpmath.pi)
    return Enclosure(middle - _RELATIVE * 4, middle + _RELATIVE * 4)


def _gelu(a: Enclosure) -> Enclosure:
    return a * (applied("erf", a / applied("sqrt", 2)) + 1) * Fraction(1, 2)


def _elu(a: Enclosure) -> Number:
    return a if a > 0 else applied("expm1", a)


_OTHERS: Mapping[str, Callable[..., Number]] = {
    "sin": _wave("sin"),
    "cos": _wave("cos"),
    "pi": _pi,
    "gelu": _gelu,
    "silu": lambda a: a * applied("sigmoid", a),
    "elu": _elu,
}


def _divided(a: Number, b: Number) -> Number:
    if not isinstance(b, Enclosure):
        if b == 0:
            raise NoValueError("a division by zero")
        return a * (1 / Fraction(b))
    return a / b


def _power(a: Number, b: Number) -> Number:
    exponent = _enclosed(b)
    if exponent.lo == exponent.hi:
        number = exponent.lo
        if number.denominator == 1 and abs(number) <= EXACT_POWER:
            result: Number = Fraction(1)
            for _ in range(abs(int(number))):
                result = result * a
            return result if number >= 0 else _divided(Fraction(1), result)
        if number == Fraction(1, 2):
            return applied("sqrt", a)
    return applied("exp", b * applied("log", a))


def _absolute(a: Number) -> Number:
    if isinstance(a, Enclosure) and a.lo < 0 < a.hi:
        return Enclosure(Fraction(0), max(-a.lo, a.hi))
    return -a if a < 0 else a


def _floored(a: Number) -> Number:
    lo, hi = floor(_enclosed(a).lo), floor(_enclosed(a).hi)
    if lo != hi:
        raise NoValueError("floor of a number that may be whole")
    return Fraction(lo)


def _chosen(c: Number, a: Number, b: Number) -> Number:
    return b if c == 0 else a


_EXACT: Mapping[str, Callable[..., Number]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": _divided,
    "pow": _power,
    "neg": lambda a: -a,
    "abs": _absolute,
    "sign": lambda a: Fraction(0) if a == 0 else Fraction(1) if a > 0 else Fraction(-1),
    "floor": _floored,
    "ceil": lambda a: -_floored(-a),
    "relu": lambda a: a if a > 0 else Fraction(0),
    "leaky_relu": lambda a, b: a if a > 0 else a * b,
    "hardtanh": lambda a: _EXACT["clip"](a, Fraction(-1), Fraction(1)),
    "clip": lambda a, low, high: _EXACT["min"](_EXACT["max"](a, low), high),
    "max": max,
    "min": min,
    "where": _chosen,
    "lt": lambda a, b: Fraction(a < b),
    "gt": lambda a, b: Fraction(b < a),
    "le": lambda a, b: Fraction(not b < a),
    "ge": lambda a, b: Fraction(not a < b),
    "eq": lambda a, b: Fraction(a == b),
    "ne": lambda a, b: Fraction(a != b),
    "larger": lambda a, b: Fraction(not a < b),
    "smaller": lambda a, b: Fraction(not b < a),
    "same": lambda a, b: Fraction(a == b),
    "held": lambda a: a,
}
