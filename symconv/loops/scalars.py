"""Scalar expressions of the notation as expressions of the loop IR."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache

from symconv.errors import InternalError
from symconv.loops.arith import add, const, floordiv, largest, mul
from symconv.loops.ir import Binary, Call, Compare, Const, Expr, Load, Real, Select, Var
from symconv.notation import expr as notation
from symconv.notation.affine import Affine, Atom, Maximum, Quotient

__all__ = ["integer", "scalar"]

_BINARY = {"add": "+", "sub": "-", "mul": "*", "div": "/", "max": "max", "min": "min"}
_COMPARE = {
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=",
    "larger": "larger", "smaller": "smaller", "same": "same",
}  # fmt: skip


@lru_cache(maxsize=4096)
def integer(form: Affine) -> Expr:
    """An affine form, quotients and maxima included."""
    total: Expr = const(0)
    negative = []
    for atom, factor in form.terms:
        if factor > 0:
            total = add(total, mul(const(factor), _atom(atom)))
        else:
            negative.append(mul(const(-factor), _atom(atom)))
    total = add(total, const(form.constant))
    for part in negative:
        total = Binary("-", total, part)
    return total


def _atom(atom: Atom) -> Expr:
    match atom:
        case Quotient(numerator, divisor):
            return floordiv(integer(numerator), divisor)
        case Maximum(left, right):
            return largest([integer(left), integer(right)])
        case _:
            return Var(atom)


def scalar(expr: notation.Expr, names: Mapping[notation.Reduce, Expr], positions: frozenset[str]) -> Expr:
    """A scalar expression; reductions are replaced by what ``names`` says, ``positions`` are tensors of dtype index."""
    match expr:
        case notation.Const(value):
            return Const(value, real=True)
        case notation.Index(form):
            return Real(integer(form))
        case notation.Read(tensor, index, _):
            return Load(tensor, tuple(integer(form) for form in index))
        case notation.Reduce():
            return names[expr]
        case notation.Apply(function, arguments):
            if function in _COMPARE and any(_is_position(a, positions) for a in arguments):
                left, right = (_counted(argument, positions) for argument in arguments)
                return Compare(_COMPARE[function], left, right)
            inner = tuple(scalar(argument, names, positions) for argument in arguments)
            if function == "where":
                return Select(_condition(inner[0]), *map(_number, inner[1:]))
            return _apply(function, tuple(map(_number, inner)))


def _condition(expr: Expr) -> Expr:
    """What a selection asks: a number holds where it is not 0."""
    return expr if isinstance(expr, Compare) else Compare("!=", expr, Const(Fraction(0), real=True))


def _number(expr: Expr) -> Expr:
    """A comparison as the number 1 or 0."""
    if isinstance(expr, Compare):
        return Select(expr, Const(Fraction(1), real=True), Const(Fraction(0), real=True))
    return expr


def _apply(function: str, inner: tuple[Expr, ...]) -> Expr:
    match function, inner:
        case _, (a, b) if function in _BINARY:
            return Binary(_BINARY[function], a, b)
        case _, (a, b) if function in _COMPARE:
            return Compare(_COMPARE[function], a, b)
        case "pow", (base, Const(power)) if power.denominator == 1 and 1 <= power <= 4:
            result = base
            for _ in range(int(power) - 1):
                result = Binary("*", result, base)
            return result
    return Call(function, inner)


def _is_position(expr: notation.Expr, positions: frozenset[str]) -> bool:
    return isinstance(expr, notation.Read) and expr.tensor in positions


def _counted(expr: notation.Expr, positions: frozenset[str]) -> Expr:
    """Positions are compared as integers: a real number could round."""
    match expr:
        case notation.Read(tensor, index, _) if tensor in positions:
            return Load(tensor, tuple(integer(form) for form in index))
        case notation.Index(form):
            return integer(form)
        case notation.Const(value) if value.denominator == 1:
            return Const(Fraction(value))
        case notation.Apply("add", (a, b)):
            return add(_counted(a, positions), _counted(b, positions))
        case notation.Apply("mul", (a, b)):
            return mul(_counted(a, positions), _counted(b, positions))
    raise InternalError(f"a position is compared with {expr}, which is no integer")
