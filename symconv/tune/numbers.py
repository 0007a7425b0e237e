"""Integer expressions of the loop IR as JSON values, and what they are worth at given sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from symconv.errors import BuildError, InternalError, shown
from symconv.loops.ir import Binary, Compare, Const, Expr, FloorDiv, Mod, Select, Var

__all__ = ["encoded", "read", "value"]

_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "min": min,
    "max": max,
}
_RELATIONS: dict[str, Callable[[int, int], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
_DEEPEST = 200
"""Nesting that no derived size reaches and that Python's stack still bears."""


def encoded(expression: Expr) -> object:
    """An integer expression as a JSON value: numbers are numbers, names are strings, the rest is ``[op, ...]``.

    Raises :class:`InternalError` for what is no integer expression of sizes.

    >>> encoded(FloorDiv(Binary("+", Var("H"), Const(Fraction(1))), 2))
    ['floor', ['+', 'H', 1], 2]
    """
    match expression:
        case Const(number, False) if number.denominator == 1:
            return number.numerator
        case Var(name):
            return name
        case Binary(op, left, right) if op in _ARITHMETIC:
            return [op, encoded(left), encoded(right)]
        case Compare(op, left, right) if op in _RELATIONS:
            return [op, encoded(left), encoded(right)]
        case FloorDiv(number, divisor):
            return ["floor", encoded(number), divisor]
        case Mod(number, divisor):
            return ["mod", encoded(number), divisor]
        case Select(condition, yes, no):
            return ["select", encoded(condition), encoded(yes), encoded(no)]
    raise InternalError(f"{shown(expression)} is no integer expression of sizes: a plan cannot be made from it")


def read(found: object, depth: int = 0) -> Expr:
    """The expression that :func:`encoded` wrote; raises :class:`BuildError` for anything else.

    >>> read(["floor", ["+", "H", 1], 2]) == FloorDiv(Binary("+", Var("H"), Const(Fraction(1))), 2)
    True
    """
    if depth > _DEEPEST:
        raise BuildError("the facts kept with a kernel are damaged: an expression is nested too deeply")
    match found:
        case bool():
            pass
        case int(number):
            return Const(Fraction(number))
        case str(name):
            return Var(name)
        case ["floor" | "mod" as op, number, int(divisor)] if divisor > 0 and not isinstance(divisor, bool):
            return (FloorDiv if op == "floor" else Mod)(read(number, depth + 1), divisor)
        case ["select", condition, yes, no]:
            return Select(read(condition, depth + 1), read(yes, depth + 1), read(no, depth + 1))
        case [str(op), left, right] if op in _ARITHMETIC:
            return Binary(op, read(left, depth + 1), read(right, depth + 1))
        case [str(op), left, right] if op in _RELATIONS:
            return Compare(op, read(left, depth + 1), read(right, depth + 1))
    raise BuildError(f"the facts kept with a kernel are damaged: {shown(found)} is no integer expression")


def value(expression: Expr, sizes: Mapping[str, int]) -> int:
    """What an expression is worth at these sizes; raises :class:`InternalError` where that is no integer.

    >>> value(read(["select", ["<", "H", 4], 0, ["mod", "H", 4]]), {"H": 7})
    3
    """
    match expression:
        case Const(number, False) if number.denominator == 1:
            return number.numerator
        case Var(name) if name in sizes:
            return sizes[name]
        case Binary(op, left, right) if op in _ARITHMETIC:
            operands = value(left, sizes), value(right, sizes)
            if op != "//" or (operands[0] >= 0 and operands[1] > 0):
                return _ARITHMETIC[op](*operands)
        case Compare(op, left, right) if op in _RELATIONS:
            return int(_RELATIONS[op](value(left, sizes), value(right, sizes)))
        case FloorDiv(number, divisor):
            return value(number, sizes) // divisor
        case Mod(number, divisor):
            return value(number, sizes) % divisor
        case Select(condition, yes, no):
            return value(yes if value(condition, sizes) else no, sizes)
    raise InternalError(f"{shown(expression)} has no integer value at {shown(dict(sizes))}")
