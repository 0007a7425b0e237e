"""A plain-Python interpreter of the loop IR: an oracle between the mathematics and the code, exact over int and Fraction."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import prod
from typing import Any

from symconv.errors import InternalError
from symconv.loops.ir import (
    Accumulate,
    Binary,
    Call,
    Compare,
    Const,
    Declare,
    Expr,
    FloorDiv,
    For,
    If,
    Kernel,
    Let,
    Load,
    Mod,
    Nest,
    Real,
    Select,
    Stmt,
    Store,
    Update,
    Var,
)

__all__ = ["interpret"]

Cells = dict[str, list[Any]]

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: Fraction(a) / b if isinstance(a, int | Fraction) and isinstance(b, int | Fraction) else a / b,
    "//": lambda a, b: a // b,
    "min": min,
    "max": max,
    "=": lambda _, b: b,
}
_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "neg": lambda a: -a,
    "abs": abs,
    "sign": lambda a: (a > 0) - (a < 0),
    "relu": lambda a: max(a, 0),
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "erf": math.erf,
    "sigmoid": lambda a: 1 / (1 + math.exp(-a)) if a >= 0 else math.exp(a) / (1 + math.exp(a)),
    "softplus": lambda a: max(a, 0) + math.log1p(math.exp(-abs(a))),
    "gelu": lambda a: 0.5 * a * (1 + math.erf(a / math.sqrt(2))),
    "pow": lambda a, b: a**b,
    "pi": lambda: math.pi,
    "inf": lambda: math.inf,
}


def interpret(kernel: Kernel, arrays: Mapping[str, tuple[tuple[int, ...], list[Any]]]) -> list[Any]:
    """Run a kernel on ``name -> (shape, row-major values)`` and return the output's values, row-major.

    Values may be int, Fraction or float. Raises InternalError when an index leaves its buffer or the arrays do not pass the
    kernel's checks: the compiled kernel would read foreign memory there.
    """
    scope: dict[str, Any] = {
        f"{name}_dim{axis}": length for name, (shape, _) in arrays.items() for axis, length in enumerate(shape)
    }
    for size in kernel.sizes:
        scope[size.name] = _value(size.value, scope, kernel, {})
    for check in kernel.checks:
        if not _value(check, scope, kernel, {}):
            raise InternalError(f"{kernel.name}: the arrays do not pass {check}")
    cells: Cells = {name: values for name, (_, values) in arrays.items()}
    result: list[Any] = []
    for buffer in kernel.buffers:
        if buffer.role != "in":
            count = prod(_value(size, scope, kernel, {}) for size in buffer.sizes)
            cells[buffer.name] = result = [None] * count
    for nest in kernel.nests:
        _nest(nest, dict(scope), kernel, cells)
    return result


def _nest(nest: Nest, scope: dict[str, Any], kernel: Kernel, cells: Cells) -> None:
    for value in range(_value(nest.extent, scope, kernel, cells)):
        scope[nest.var] = value
        _block(nest.body, scope, kernel, cells)


def _block(body: tuple[Stmt, ...], scope: dict[str, Any], kernel: Kernel, cells: Cells) -> None:
    for statement in body:
        match statement:
            case For(name, lower, upper, inner, step):
                for value in range(_value(lower, scope, kernel, cells), _value(upper, scope, kernel, cells), step):
                    scope[name] = value
                    _block(inner, scope, kernel, cells)
            case If(condition, inner):
                if _value(condition, scope, kernel, cells):
                    _block(inner, scope, kernel, cells)
            case Let(name, value) | Declare(name, value):
                scope[name] = _value(value, scope, kernel, cells)
            case Update(name, op, value):
                scope[name] = _OPERATORS[op](scope[name], _value(value, scope, kernel, cells))
            case Store(buffer, index, value):
                cells[buffer][_offset(buffer, index, scope, kernel, cells)] = _value(value, scope, kernel, cells)
            case Accumulate(buffer, index, op, value):
                at = _offset(buffer, index, scope, kernel, cells)
                cells[buffer][at] = _OPERATORS[op](cells[buffer][at], _value(value, scope, kernel, cells))


def _offset(buffer: str, index: tuple[Expr, ...], scope: dict[str, Any], kernel: Kernel, cells: Cells) -> int:
    offset = 0
    for form, size in zip(index, kernel.buffer(buffer).sizes, strict=True):
        at, length = _value(form, scope, kernel, cells), _value(size, scope, kernel, cells)
        if not 0 <= at < length:
            raise InternalError(f"{kernel.name}: {buffer} is indexed at {at} outside 0 <= index < {length}")
        offset = offset * length + at
    return offset


def _value(expr: Expr, scope: Mapping[str, Any], kernel: Kernel, cells: Cells) -> Any:
    match expr:
        case Const(value, real):
            return value if real and value.denominator != 1 else int(value)
        case Var(name):
            return scope[name]
        case Binary(op, left, right):
            return _OPERATORS[op](_value(left, scope, kernel, cells), _value(right, scope, kernel, cells))
        case FloorDiv(value, divisor):
            return _value(value, scope, kernel, cells) // divisor
        case Mod(value, divisor):
            return _value(value, scope, kernel, cells) % divisor
        case Compare(op, left, right):
            return _RELATIONS[op](_value(left, scope, kernel, cells), _value(right, scope, kernel, cells))
        case Select(condition, yes, no):
            return _value(yes if _value(condition, scope, kernel, cells) else no, scope, kernel, cells)
        case Real(value):
            return _value(value, scope, kernel, cells)
        case Load(buffer, index):
            return cells[buffer][_offset(buffer, index, scope, kernel, cells)]
        case Call(function, arguments):
            return _FUNCTIONS[function](*(_value(argument, scope, kernel, cells) for argument in arguments))


