"""How kernels over transformed points are read: numbers taken apart, names put in, places as affine families."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any, TypeVar

from symconv.loops.arith import add, const, mul, simplify, sub
from symconv.loops.ir import (
    LANES,
    Binary,
    Compare,
    Const,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Select,
    Stmt,
    Store,
    StoreLanes,
    Var,
)
from symconv.loops.traverse import substitute
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import WIDTH, alike, canonical, expression, least_quotients, polynomial, uses
from symconv.validate.wino_linear import Point

__all__ = [
    "PLANES",
    "blocks_of",
    "covers",
    "each",
    "factors_of",
    "family",
    "never_negative",
    "number_of",
    "numbered",
    "one_sided",
    "ranges",
    "stores_of",
    "tests_of",
    "told",
]  # fmt: skip


PLANES = Var("PP_")
"""How many planes of windows a point has."""
_S = TypeVar("_S", Store, StoreLanes)


def factors_of(expr: Expr) -> tuple[Expr, ...]:
    """The factors of a product, as it is written."""
    match expr:
        case Binary("*", left, right):
            return (*factors_of(left), *factors_of(right))
    return (expr,)


def number_of(digits: Sequence[Expr], counts: Sequence[Expr]) -> Expr:
    """The number that digits make, the last one fastest; the first count is not used."""
    found: Expr = const(0)
    for digit, count in zip(digits, counts, strict=True):
        found = add(mul(found, count), digit)
    return found


def numbered(body: Sequence[Stmt], number: Expr, counts: Sequence[Expr]) -> tuple[tuple[str, ...], tuple[Stmt, ...]]:
    """The names of the digits of a number that counts as many as ``counts`` together, and the statements behind.

    With ``0 <= number`` below the product of counts the digits take every combination once (``relation.lemmas.ROWS``).
    Raises UnclearError where a block begins in another way.
    """
    left, names = list(body), []
    for k in range(len(counts)):
        below: Expr = const(1)
        for count in counts[k + 1 :]:
            below = mul(below, count)
        last = k + 1 == len(counts)
        match left:
            case [Let(name, value), *rest] if alike(value, number if last else Binary("//", number, below)):
                names.append(name)
                left = rest
            case _:
                raise UnclearError("a number is taken apart in another way than by what it counts")
        if last:
            break
        match left:
            case [Let(name, value), *rest] if alike(value, sub(number, mul(Var(names[-1]), below))):
                number, left = Var(name), rest
            case _:
                raise UnclearError("a number is taken apart in another way than by what it counts")
    return tuple(names), tuple(left)


def told(body: Sequence[Stmt], known: Mapping[str, Expr], inside: bool = False) -> tuple[Stmt, ...]:
    """A block with what names stand for in their places; they are told apart already.

    Where the blocks of lanes of a loop start, which is named first in it, keeps its name.
    """
    names = dict(known)
    found: list[Stmt] = []
    for at, statement in enumerate(body):
        if isinstance(statement, Let) and at == 0 and inside and uses(statement.value, {LANES}):
            found.append(Let(statement.name, simplify(substitute(statement.value, names))))
        elif isinstance(statement, Let):
            names[statement.name] = simplify(substitute(statement.value, names))
        elif isinstance(statement, For):
            lower, upper = (simplify(substitute(one, names)) for one in (statement.lower, statement.upper))
            found.append(For(statement.var, lower, upper, told(statement.body, names, True), statement.step))
        elif isinstance(statement, If):
            found.append(If(simplify(substitute(statement.condition, names)), told(statement.body, names)))
        else:
            found.append(simplify(substitute(statement, names)))
    return tuple(found)


def each(statement: Stmt | None, count: Expr, what: str) -> For:
    """A loop from 0 on with ``count`` turns; raises UnclearError for anything else."""
    if isinstance(statement, For) and ranges(statement, const(0), count):
        return statement
    raise UnclearError(f"{what} are not all taken, each once")


def ranges(loop: For, lower: Expr, upper: Expr) -> bool:
    """Whether a loop runs over all numbers of a range."""
    return loop.step == 1 and alike(loop.lower, lower) and alike(loop.upper, upper)


def stores_of(
    kind: type[_S], body: Sequence[Stmt], what: str, tests: tuple[Expr, ...] = ()
) -> list[tuple[_S, tuple[Expr, ...]]]:
    """The stores of a block, each with the tests around it; raises UnclearError where ``what`` does more."""
    found: list[tuple[_S, tuple[Expr, ...]]] = []
    for statement in body:
        if isinstance(statement, kind):
            found.append((statement, tests))
        elif isinstance(statement, If) and statement.body:
            found += stores_of(kind, statement.body, what, (*tests, statement.condition))
        else:
            raise UnclearError(f"{what} more than to be stored")
    return found


def blocks_of(count: Expr) -> Expr:
    """How many blocks of lanes hold so many positions."""
    return Binary("//", sub(add(count, WIDTH), const(1)), WIDTH)


def family(values: Mapping[Point, Expr], names: Sequence[str]) -> Expr:
    """One affine form for the values of all points, in which ``names`` are a point's numbers."""
    origin = (0,) * len(names)
    found = values[origin]
    for k, name in enumerate(names):
        one = tuple(int(k == j) for j in range(len(names)))
        if one in values:
            step = polynomial(sub(values[one], values[origin]))
            if set(step) - {()}:
                raise UnclearError("places of taps or outputs are not evenly apart")
            found = add(found, mul(const(int(step.get((), 0))), Var(name)))
    for point, value in values.items():
        there: dict[str, Expr] = {name: const(at) for name, at in zip(names, point, strict=True)}
        if not alike(substitute(found, there), value):
            raise UnclearError("places of taps or outputs are not evenly apart")
    most = [max(at) + 1 for at in zip(*values, strict=True)]
    if set(values) != set(product(*map(range, most))):
        raise UnclearError("some taps or outputs are missing")
    return expression(polynomial(found))


def one_sided(expr: Any) -> Any:
    """An expression in one form, in which what stands on both sides of a test stands on neither."""
    if isinstance(expr, Compare):
        expr = Compare(expr.op, sub(expr.left, expr.right), const(0))
    return canonical(expr)


def covers(pitch: Expr, count: Expr, kernel: Kernel) -> bool:
    """Whether a number of a layout is never less than another one."""
    match pitch:
        case _ if alike(pitch, count):
            return True
        case Var(name):
            value = {size.name: size.value for size in kernel.layout}.get(name)
            return value is not None and covers(value, count, kernel)
        case Select(_, yes, no):
            return covers(yes, count, kernel) and covers(no, count, kernel)
        case Binary("max", a, b):
            return covers(a, count, kernel) or covers(b, count, kernel)
        case Const(value, False):
            return isinstance(count, Const) and value >= count.value
    return False


def never_negative(expr: Expr) -> bool:
    """Whether a number is 0 or more for whatever its names stand for, all of which are 1 or more."""
    form = least_quotients(polynomial(expr))
    least = form.pop((), Fraction(0))
    sure = sum(factor for atoms, factor in form.items() if all(isinstance(atom, Var) for atom in atoms))
    return all(factor >= 0 for factor in form.values()) and least + sure >= 0


def tests_of(value: Expr) -> tuple[tuple[Expr, ...], Expr, Expr | None]:
    """The tests of a choice that is one value where all hold and another elsewhere, and both values."""
    match value:
        case Select(test, yes, no):
            tests, chosen, other = tests_of(yes)
            if other is None or alike(other, no):
                return (test, *tests), chosen, no
            return (test,), yes, no
    return (), value, None
