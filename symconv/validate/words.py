"""Integer expressions of the loop IR as isl reads them, and flat loops taken apart into the loops they stand for."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from symconv.loops.arith import const, total
from symconv.loops.ir import (
    Binary,
    Compare,
    Const,
    Expr,
    FloorDiv,
    Let,
    Load,
    Mod,
    Nest,
    Select,
    Stmt,
    Var,
)
from symconv.loops.traverse import walk
from symconv.relation.points import UnclearError, Word

__all__ = ["Digits", "condition", "is_integer", "parts", "radix", "word"]


def word(expr: Expr, values: Mapping[str, Word]) -> Word:
    """An integer expression with names replaced; raises UnclearError where it is not affine."""
    return Word(_text(expr, values))


def _text(expr: Expr, values: Mapping[str, Word]) -> str:
    match expr:
        case Const(value, False) if value.denominator == 1:
            return str(value) if value >= 0 else f"({value})"
        case Var(name):
            return values[name].text if name in values else name
        case Binary("+" | "-" as op, left, right):
            return f"({_text(left, values)} {op} {_text(right, values)})"
        case Binary("*", left, right):
            return _product(_text(left, values), _text(right, values))
        case Binary("min" | "max" as op, left, right):
            return f"{op}({_text(left, values)}, {_text(right, values)})"
        case Binary("//", left, right):
            return _truncated(left, right, values)
        case FloorDiv(value, divisor):
            return f"floor(({_text(value, values)})/{divisor})"
        case Mod(value, divisor):
            return f"(({_text(value, values)}) mod {divisor})"
    raise UnclearError(f"{type(expr).__name__} is no integer expression")


def _number(text: str) -> int | None:
    text = text.strip("() ")
    return int(text) if text.lstrip("-").isdigit() else None


def _product(left: str, right: str) -> str:
    a, b = _number(left), _number(right)
    if a is None and b is None:
        raise UnclearError(f"{left} * {right} is not affine")
    if 0 in (a, b):
        return "0"
    return f"{a}*({right})" if a is not None else f"{b}*({left})"


def _truncated(value: Expr, divisor: Expr, values: Mapping[str, Word]) -> str:
    """The quotient as C computes it: towards zero."""
    text, by = _text(value, values), _number(_text(divisor, values))
    if by is None or by <= 0:
        raise UnclearError(f"a quotient by {_text(divisor, values)}")
    if (number := _number(text)) is not None and number >= 0:
        return str(number // by)
    if _nonnegative(value):
        return f"floor(({text})/{by})"
    return f"(floor(max(0, {text})/{by}) - floor(max(0, -({text}))/{by}))"


def _nonnegative(value: Expr) -> bool:
    match value:
        case Const(number):
            return number >= 0
        case Binary("max", left, right):
            return _nonnegative(left) or _nonnegative(right)
        case Binary("*" | "+" | "min", left, right):
            return _nonnegative(left) and _nonnegative(right)
    return False


def condition(expr: Expr, values: Mapping[str, Word]) -> Word:
    """A condition on integers."""
    match expr:
        case Compare(op, left, right):
            return Word(f"{_text(left, values)} {'=' if op == '==' else op} {_text(right, values)}")
        case Const(value, False):
            return Word("1 = 1" if value else "1 = 0")
        case Select(test, yes, Const(value, False)) if value == 0:
            return Word(f"({condition(test, values).text} and {condition(yes, values).text})")
        case Select(test, Const(value, False), Const()) if value == 0:
            return Word(f"(not ({condition(test, values).text}))")
        case Select(test, Const(value, False), no) if value == 1:
            return Word(f"({condition(test, values).text} or {condition(no, values).text})")
    raise UnclearError(f"{type(expr).__name__} is no condition on integers")


def is_integer(expr: Expr) -> bool:
    """Whether an expression is made of loop variables and whole numbers alone."""
    match expr:
        case Const(_, real):
            return not real
        case Var() | FloorDiv() | Mod():
            return True
        case Binary(op, left, right):
            return op != "/" and is_integer(left) and is_integer(right)
        case Select(test, yes, no):
            return not any(isinstance(n, Load) for n in walk(test)) and is_integer(yes) and is_integer(no)
    return False


def parts(expr: Expr, values: Mapping[str, Word]) -> tuple[Hashable, tuple[Word, ...]]:
    """An integer expression as affine parts and the form they stand in, such as ``(a*E + b)``."""
    try:
        return "affine", (word(expr, values),)
    except UnclearError:
        if not isinstance(expr, Binary) or not is_integer(expr):
            raise
        (left, first), (right, second) = parts(expr.left, values), parts(expr.right, values)
        return (expr.op, left, right), (*first, *second)


@dataclass(frozen=True, slots=True)
class Digits:
    """A flat loop as the loops it stands for: ``loops`` are names with their lengths, ``body`` what they contain.

    ``flat`` are the variables that count several loops at once, each with the names of those loops and its extent.
    """

    loops: tuple[tuple[str, Expr], ...]
    body: tuple[Stmt, ...]
    flat: dict[str, tuple[tuple[str, ...], Expr]]


def radix(nest: Nest, extent: Expr) -> Digits:
    """The first loop of a nest, taken apart by its mixed radix; raises UnclearError where it is none.

    ``z // P`` and ``z - (z // P)*P`` run over all pairs once when z runs over a multiple of P, whatever P is.
    """
    whole, rest, body = nest.var, _factors(extent), nest.body
    loops: list[tuple[str, Expr]] = []
    starts: list[tuple[str, int, Expr]] = [(whole, 0, extent)]
    # Each turn splits one digit off the front, together with the lets in between.
    while (cut := _split(body, whole)) is not None:
        digit, remainder, below, body = cut
        loops.append((digit, total(_divided(rest, _factors(below)))))
        rest, whole = _factors(below), remainder
        starts.append((whole, len(loops), total(rest)))
    loops.append((whole, total(rest)))
    names = tuple(name for name, _ in loops)
    flat = {name: (names[at:], length) for name, at, length in starts if len(names[at:]) > 1}
    return Digits(tuple(loops), body, flat)


def _split(body: tuple[Stmt, ...], whole: str) -> tuple[str, str, Expr, tuple[Stmt, ...]] | None:
    """The digit, the remainder's name, what is below it, and the other statements."""
    for at, statement in enumerate(body):
        match statement:
            case Let(digit, Binary("//", Var(name), below)) if name == whole:
                pass
            case Let(digit, FloorDiv(Var(name), divisor)) if name == whole:
                below = const(divisor)
            case _:
                continue
        for later in range(at + 1, len(body)):
            match body[later]:
                case Let(remainder, Binary("-", Var(name), Binary("*", Var(factor), by))) if (
                    name == whole and factor == digit and by == below
                ):
                    if _uses(body[:at], digit) or _uses(body[:later], remainder):
                        raise UnclearError(f"{digit} or {remainder} is used before it is declared")
                    return digit, remainder, below, (*body[:at], *body[at + 1 : later], *body[later + 1 :])
        raise UnclearError(f"{whole} is divided, and its remainder is not used")
    return None


def _uses(body: tuple[Stmt, ...], name: str) -> bool:
    return any(node == Var(name) for statement in body for node in walk(statement))


def _factors(expr: Expr) -> tuple[Expr, ...]:
    match expr:
        case Binary("*", left, right):
            return (*_factors(left), *_factors(right))
        case Const(value, False) if value == 1:
            return ()
    return (expr,)


def _divided(factors: tuple[Expr, ...], below: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The factors that are left; constants are folded into one, so they divide as numbers."""
    left = list(factors)
    for factor in below:
        if factor in left:
            left.remove(factor)
            continue
        numbers = [f for f in left if isinstance(f, Const)]
        if not (isinstance(factor, Const) and len(numbers) == 1 and numbers[0].value % factor.value == 0):
            raise UnclearError("a flat loop is divided by what is no factor of its length")
        left[left.index(numbers[0])] = Const(numbers[0].value / factor.value)
    return tuple(left)
