"""What operators, relations and functions compute in the interpreter: exact between exact numbers, lane by lane."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from symconv.loops.memory import Junk
from symconv.notation.functions import TABLE, largest, smallest

__all__ = ["FUNCTIONS", "OPERATORS", "RELATIONS", "WIDTH", "called", "chosen", "combined", "lanes", "reduced"]

WIDTH = 4
"""The lanes of the interpreter's machine where nothing is said: few, so that small cases have blocks and remainders."""

Function = Callable[..., Any]


def _is_nan(a: Any) -> bool:
    return bool(a != a)  # noqa: PLR0124


def _quotient(a: Any, b: Any) -> Any:
    """Exact between exact numbers; by 0 as the machine divides, which a branch not taken may do."""
    if b == 0:
        return math.nan if a == 0 or _is_nan(a) else math.copysign(math.inf, a) * math.copysign(1, b)
    return Fraction(a) / b if isinstance(a, int | Fraction) and isinstance(b, int | Fraction) else a / b


OPERATORS: dict[str, Function] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _quotient,
    "//": lambda a, b: a // b,
    "min": smallest,
    "max": largest,
    "=": lambda _, b: b,
}
RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "larger": lambda a, b: a >= b or _is_nan(a),
    "smaller": lambda a, b: a <= b or _is_nan(a),
    "same": lambda a, b: a == b or (_is_nan(a) and _is_nan(b)),
}
FUNCTIONS: dict[str, Function] = {
    **{name: entry.value for name, entry in TABLE.items() if entry.value is not None},
    "inf": lambda: math.inf,
}
_ASSIGN = OPERATORS["="]


def lanes(value: Any, width: int) -> tuple[Any, ...]:
    """A value in every lane."""
    return value if type(value) is tuple else (value,) * width


def combined(function: Function, a: Any, b: Any) -> Any:
    """A function of two values, lane by lane where either has lanes; what was never stored stays what it is."""
    if type(a) is tuple:
        return tuple([_one(function, x, y) for x, y in zip(a, lanes(b, len(a)), strict=True)])
    if type(b) is tuple:
        return tuple([_one(function, a, y) for y in b])
    return _one(function, a, b)


def _one(function: Function, a: Any, b: Any) -> Any:
    if type(a) is Junk and function is not _ASSIGN:
        return a
    return b if type(b) is Junk else function(a, b)


def chosen(condition: Any, yes: Any, no: Any) -> Any:
    """``yes`` in the lanes where the condition holds, else ``no``; what a lane of junk chooses is junk."""
    picks = zip(condition, lanes(yes, len(condition)), lanes(no, len(condition)), strict=True)
    return tuple([on if type(on) is Junk else a if on else b for on, a, b in picks])


def reduced(function: Function, value: tuple[Any, ...]) -> Any:
    """All lanes combined, first to last."""
    first, *rest = value
    for other in rest:
        first = combined(function, first, other)
    return first


def called(function: Function, arguments: list[Any]) -> Any:
    """A scalar function, lane by lane where an argument has lanes."""
    width = next((len(argument) for argument in arguments if type(argument) is tuple), 0)
    if not width:
        return _total(function, tuple(arguments))
    columns = zip(*(lanes(argument, width) for argument in arguments), strict=True)
    return tuple([_total(function, column) for column in columns])


def _total(function: Function, arguments: tuple[Any, ...]) -> Any:
    """A function outside its domain is NaN, beyond the floats infinite, as in C; Python raises."""
    for argument in arguments:
        if type(argument) is Junk:
            return argument
    try:
        value = function(*arguments)
    except (ZeroDivisionError, OverflowError):
        return math.inf
    except ValueError:
        return -math.inf if function is math.log and arguments[0] == 0 else math.nan
    return math.nan if isinstance(value, complex) else value
