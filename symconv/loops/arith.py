"""Exact simplification of integer expressions: constants folded, neutral elements dropped, affine forms built."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any

from symconv.loops.ir import Binary, Compare, Const, Expr, FloorDiv, Mod, Select
from symconv.loops.traverse import rewrite

__all__ = ["add", "balanced", "ceildiv", "const", "floordiv", "largest", "mul", "simplify", "smallest", "sub", "total"]


@lru_cache(maxsize=1024)
def const(value: int) -> Const:
    """An integer constant."""
    return Const(Fraction(value))


def add(left: Expr, right: Expr) -> Expr:
    """``left + right``, folded."""
    return _both("+", left, right)


def sub(left: Expr, right: Expr) -> Expr:
    """``left - right``, folded."""
    return _both("-", left, right)


def mul(left: Expr, right: Expr) -> Expr:
    """``left * right``, folded."""
    return _both("*", left, right)


def floordiv(value: Expr, divisor: int) -> Expr:
    """``floor(value / divisor)``, folded."""
    result: Expr = _fold(FloorDiv(value, divisor))
    return result


def ceildiv(value: Expr, divisor: int) -> Expr:
    """``ceil(value / divisor)``, folded."""
    return value if divisor == 1 else floordiv(add(value, const(divisor - 1)), divisor)


def _both(op: str, left: Expr, right: Expr) -> Expr:
    result: Expr = _fold(Binary(op, left, right))
    return result


def largest(values: list[Expr]) -> Expr:
    """The maximum of one or more."""
    return reduce(lambda a, b: _both("max", a, b), dict.fromkeys(values))


def smallest(values: list[Expr]) -> Expr:
    """The minimum of one or more."""
    return reduce(lambda a, b: _both("min", a, b), dict.fromkeys(values))


def total(factors: tuple[Expr, ...]) -> Expr:
    """The product."""
    one: Expr = const(1)
    return reduce(mul, factors, one)


def balanced(terms: tuple[Expr, ...]) -> Expr:
    """The sum, in pairs of sums: however many terms there are, it is not nested deeply."""
    if len(terms) < 2:
        return terms[0] if terms else const(0)
    half = len(terms) // 2
    return add(balanced(terms[:half]), balanced(terms[half:]))


def simplify(node: Any) -> Any:
    """Every expression below ``node``, folded."""
    return rewrite(node, _fold)


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "min": min,
    "max": max,
}
_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def _fold(node: Any) -> Any:
    match node:
        case Binary(op, Const(a, False), Const(b, False)) if op in _ARITHMETIC:
            return Const(Fraction(_ARITHMETIC[op](a, b)))
        case Binary():
            return _neutral(node)
        case FloorDiv(Const(a), divisor):
            return Const(Fraction(int(a) // divisor))
        case FloorDiv(value, 1):
            return value
        case Mod(Const(a), divisor):
            return Const(Fraction(int(a) % divisor))
        case Mod(_, 1):
            return const(0)
        case Compare(op, Const(a), Const(b)) if op in _RELATIONS:
            return const(int(_RELATIONS[op](a, b)))
        case Select(Const(a), yes, no):
            return yes if a else no
    return node


def _is(expr: Expr, value: int) -> bool:
    return type(expr) is Const and not expr.real and expr.value == value


def _neutral(node: Binary) -> Expr:
    if node.op not in {"min", "max"} and not {type(node.left), type(node.right)} & {Const, Binary}:
        return node  # most are products and sums of names
    match node:
        case Binary("+", a, b) if _is(a, 0) or _is(b, 0):
            return b if _is(a, 0) else a
        case Binary("-", a, b) if _is(b, 0):
            return a
        case Binary("+", a, Binary("-", Const(b, False), c)) | Binary("+", Binary("-", Const(b, False), c), a) if (
            b == 0
        ):
            return sub(a, c)
        case Binary("-", a, Binary("-", Const(b, False), c)) if b == 0:
            return add(a, c)
        case Binary("-", a, Const(b, False)) if b < 0:
            return add(a, Const(-b))
        case Binary("*", a, b) if _is(a, 0) or _is(b, 0):
            return const(0)
        case Binary("*", a, b) if _is(a, 1) or _is(b, 1):
            return b if _is(a, 1) else a
        case Binary("//", a, b) if _is(b, 1):
            return a
        case Binary("min" | "max", a, b) if a == b:
            return a
        case Binary("+", Binary("+", a, Const(b, False)), Const(c, False)):
            return add(a, Const(b + c))
        case Binary("-", Binary("+", a, Const(b, False)), Const(c, False)):
            return add(a, Const(b - c)) if b >= c else Binary("-", a, Const(c - b))
        case Binary("+", Binary("-", a, Const(b, False)), Const(c, False)):
            return add(a, Const(c - b)) if c >= b else Binary("-", a, Const(b - c))
        case Binary("+", a, Const(b, False)) if b < 0:
            return Binary("-", a, Const(-b))
    return node
