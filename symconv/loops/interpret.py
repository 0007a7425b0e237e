"""A plain-Python interpreter of the loop IR: an oracle between the mathematics and the code, exact over int and
Fraction."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from math import prod
from typing import Any

from symconv.errors import InternalError
from symconv.loops.ir import (
    LANES,
    Accumulate,
    Binary,
    Call,
    Compare,
    Const,
    Declare,
    Expr,
    FloorDiv,
    For,
    Gathered,
    If,
    Kernel,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Mod,
    Nest,
    Real,
    Select,
    Splat,
    Stmt,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.notation.functions import TABLE, largest, smallest

__all__ = ["OverrunError", "interpret"]

WIDTH = 4
"""The lanes of the interpreter's machine: few, so that small cases have blocks and remainders."""


def _is_nan(a: Any) -> bool:
    return bool(a != a)  # noqa: PLR0124


def _quotient(a: Any, b: Any) -> Any:
    """Exact between exact numbers; by 0 as the machine divides, which a branch not taken may do."""
    if b == 0:
        return math.nan if a == 0 or _is_nan(a) else math.copysign(math.inf, a) * math.copysign(1, b)
    return Fraction(a) / b if isinstance(a, int | Fraction) and isinstance(b, int | Fraction) else a / b


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _quotient,
    "//": lambda a, b: a // b,
    "min": smallest,
    "max": largest,
    "=": lambda _, b: b,
}
_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
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
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: entry.value for name, entry in TABLE.items() if entry.value is not None},
    "inf": lambda: math.inf,
}


@dataclass(slots=True)
class Cells:
    """The memory of a run. ``turn`` counts the iterations of the parallel loop that runs, and is 0 elsewhere.

    ``touched`` are the cells that iterations have read, and ``stored`` those that they have written, by the iteration.
    """

    values: dict[str, list[Any]]
    given: frozenset[str]
    budget: int | None
    turn: int = 0
    touched: dict[tuple[str, int], set[int]] = field(default_factory=dict)
    stored: dict[tuple[str, int], int] = field(default_factory=dict)

    def read(self, buffer: str, at: int) -> Any:
        """An element; raises InternalError where it holds nothing yet, or another iteration stores it."""
        value = self.values[buffer][at]
        if buffer not in self.given:
            if value is None:
                raise InternalError(f"{buffer} is read at {at} before anything is stored there")
            if self.turn:
                self.touched.setdefault((buffer, at), set()).add(self.turn)
                self._alone(buffer, at, {self.stored.get((buffer, at), self.turn)})
        return value

    def write(self, buffer: str, at: int, value: Any) -> None:
        """Store an element; raises InternalError where another iteration of a parallel loop touches it."""
        self.values[buffer][at] = value
        if self.turn:
            self._alone(buffer, at, {self.stored.get((buffer, at), self.turn), *self.touched.get((buffer, at), ())})
            self.stored[buffer, at] = self.turn

    def _alone(self, buffer: str, at: int, turns: set[int]) -> None:
        if turns - {self.turn}:
            raise InternalError(f"{buffer} is touched at {at} by two iterations of a parallel loop, and written by one")

    def spend(self) -> None:
        """Count a statement; raises OverrunError where there were more than allowed."""
        if self.budget is not None:
            self.budget -= 1
            if self.budget < 0:
                raise OverrunError


class OverrunError(Exception):
    """A run takes more statements than it may."""


def interpret(
    kernel: Kernel, arrays: Mapping[str, tuple[tuple[int, ...], list[Any]]], budget: int | None = None
) -> list[Any]:
    """Run a kernel on ``name -> (shape, row-major values)`` and return the output's values, row-major.

    Values may be int, Fraction or float; None is a cell of the output that is never stored. Raises InternalError when
    an index leaves its buffer, the arrays do not pass the kernel's checks, memory is read before anything is stored
    there, or two iterations of a parallel loop touch one cell that one of them writes: the compiled kernel would
    compute anything there. Raises OverrunError after ``budget`` statements.
    """
    nothing = Cells({}, frozenset(), None)
    scope: dict[str, Any] = {LANES: WIDTH} | {
        f"{name}_dim{axis}": length for name, (shape, _) in arrays.items() for axis, length in enumerate(shape)
    }
    for size in kernel.sizes:
        scope[size.name] = _value(size.value, scope, kernel, nothing)
    for check in kernel.checks:
        if not _value(check, scope, kernel, nothing):
            raise InternalError(f"{kernel.name}: the arrays do not pass {check}")
    cells = Cells({name: values for name, (_, values) in arrays.items()}, frozenset(arrays), budget)
    result: list[Any] = []
    for buffer in kernel.buffers:
        if buffer.role != "in":
            count = prod(_value(size, scope, kernel, cells) for size in buffer.sizes)
            cells.values[buffer.name] = result = [None] * count
    for nest in kernel.nests:
        _nest(nest, dict(scope), kernel, cells)
    return result


def _nest(nest: Nest, scope: dict[str, Any], kernel: Kernel, cells: Cells) -> None:
    cells.touched, cells.stored = {}, {}
    for value in range(_value(nest.extent, scope, kernel, cells)):
        scope[nest.var] = value
        cells.turn = value + 1 if nest.parallel else 0
        _block(nest.body, scope, kernel, cells)


def _block(body: tuple[Stmt, ...], scope: dict[str, Any], kernel: Kernel, cells: Cells) -> None:
    for statement in body:
        cells.spend()
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
            case Update(name, op, value, mask):
                new = _value(value, scope, kernel, cells)
                scope[name] = _lanewise(_OPERATORS[op], scope[name], new, scope[mask] if mask else None)
            case StoreLanes():
                _store(statement, scope, kernel, cells)
            case Store(buffer, index, value):
                at = _offset(buffer, index, scope, kernel, cells)
                cells.write(buffer, at, _value(value, scope, kernel, cells))
            case Accumulate(buffer, index, op, value):
                at = _offset(buffer, index, scope, kernel, cells)
                old = _old(statement, cells, at)
                cells.write(buffer, at, _OPERATORS[op](old, _value(value, scope, kernel, cells)))


def _lanewise(function: Callable[..., Any], old: Any, new: Any, mask: tuple[bool, ...] | None = None) -> Any:
    """A function lane by lane where either argument has lanes; ``old`` stays where the mask does not hold."""
    if not isinstance(old, tuple) and not isinstance(new, tuple):
        return function(old, new)
    a = old if isinstance(old, tuple) else (old,) * WIDTH
    b = new if isinstance(new, tuple) else (new,) * WIDTH
    return tuple(function(x, y) if on else x for x, y, on in zip(a, b, mask or (True,) * WIDTH, strict=True))


def _store(statement: StoreLanes, scope: dict[str, Any], kernel: Kernel, cells: Cells) -> None:
    for lane, on in enumerate(scope[statement.mask]):
        if on:
            at = _offset(statement.buffer, statement.index, scope, kernel, cells, lane * statement.stride)
            value = _value(statement.value, scope, kernel, cells)
            new = value[lane] if isinstance(value, tuple) else value
            cells.write(statement.buffer, at, _OPERATORS[statement.op](_old(statement, cells, at), new))


def _old(statement: Accumulate | StoreLanes, cells: Cells, at: int) -> Any:
    """What an element holds before it is combined; raises InternalError where it holds nothing yet."""
    value = cells.values[statement.buffer][at]
    if value is None and statement.op != "=":
        raise InternalError(f"{statement.buffer} is combined at {at} before it is stored")
    return value


def _offset(
    buffer: str, index: tuple[Expr, ...], scope: Mapping[str, Any], kernel: Kernel, cells: Cells, shift: int = 0
) -> int:
    offset = 0
    for axis, (form, size) in enumerate(zip(index, kernel.buffer(buffer).sizes, strict=True)):
        at, length = _value(form, scope, kernel, cells), _value(size, scope, kernel, cells)
        at += shift if axis + 1 == len(index) else 0
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
            return _lanewise(_OPERATORS[op], _value(left, scope, kernel, cells), _value(right, scope, kernel, cells))
        case FloorDiv(value, divisor):
            return _value(value, scope, kernel, cells) // divisor
        case Mod(value, divisor):
            return _value(value, scope, kernel, cells) % divisor
        case Compare(op, left, right):
            return _lanewise(_RELATIONS[op], _value(left, scope, kernel, cells), _value(right, scope, kernel, cells))
        case Select(condition, yes, no):
            chosen = _value(condition, scope, kernel, cells)
            if isinstance(chosen, tuple):
                a, b = (_lanewise(_OPERATORS["="], (0,) * WIDTH, _value(e, scope, kernel, cells)) for e in (yes, no))
                return tuple(x if on else y for on, x, y in zip(chosen, a, b, strict=True))
            return _value(yes if chosen else no, scope, kernel, cells)
        case Real(value):
            return _value(value, scope, kernel, cells)
        case Load(buffer, index):
            return cells.read(buffer, _offset(buffer, index, scope, kernel, cells))
        case Call(function, arguments):
            return _call(_FUNCTIONS[function], [_value(argument, scope, kernel, cells) for argument in arguments])
        case Lanes(lower, upper):
            low, high = _value(lower, scope, kernel, cells), _value(upper, scope, kernel, cells)
            return tuple(low <= lane < high for lane in range(WIDTH))
        case LoadLanes(buffer, index, stride, mask):
            return tuple(
                cells.read(buffer, _offset(buffer, index, scope, kernel, cells, lane * stride)) if on else 0
                for lane, on in enumerate(scope[mask])
            )
        case Splat(value):
            return (_value(value, scope, kernel, cells),) * WIDTH
        case Gathered(op, value):
            return reduce(_OPERATORS[op], _value(value, scope, kernel, cells))


def _total(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """A function outside its domain is NaN, beyond the floats infinite, as in C; Python raises."""
    try:
        value = function(*arguments)
    except (ZeroDivisionError, OverflowError):
        return math.inf
    except ValueError:
        return -math.inf if function is math.log and arguments[0] == 0 else math.nan
    return math.nan if isinstance(value, complex) else value


def _call(function: Callable[..., Any], arguments: list[Any]) -> Any:
    if not any(isinstance(argument, tuple) for argument in arguments):
        return _total(function, tuple(arguments))
    columns = [a if isinstance(a, tuple) else (a,) * WIDTH for a in arguments]
    return tuple(_total(function, column) for column in zip(*columns, strict=True))
