"""What sizes decide, and loops that run or do not: against the numbers themselves, evaluated at small sizes."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import pytest

from symconv.loops.arith import const
from symconv.loops.ir import Binary, Compare, Expr, FloorDiv, For, If, Kernel, Select, Size, Var
from symconv.relation.points import UnclearError
from symconv.validate.ranges import where_it_runs
from symconv.validate.settled import settled_sizes

LEAST = {"N": 0, "H": 1, "K": 1}


def value(expr: Any, sizes: dict[str, int]) -> int:
    match expr:
        case Var(name):
            return sizes[name]
        case FloorDiv(inner, divisor):
            return value(inner, sizes) // divisor
        case Compare(op, left, right):
            return int(
                {">": int.__gt__, "==": int.__eq__, ">=": int.__ge__}[op](value(left, sizes), value(right, sizes))
            )
        case Select(test, yes, no):
            return value(yes if value(test, sizes) else no, sizes)
        case Binary(op, left, right):
            a, b = value(left, sizes), value(right, sizes)
            return {"+": a + b, "-": a - b, "*": a * b, "min": min(a, b), "max": max(a, b)}[op]
    return int(expr.value)


def drawn(draw: random.Random, depth: int) -> Expr:
    kind = draw.randrange(7) if depth else 5 + draw.randrange(2)
    if kind == 6:
        return const(draw.randrange(-2, 3))
    if kind == 5:
        return Var(draw.choice(("N", "H", "K", "T")))
    if kind == 4:
        return FloorDiv(drawn(draw, depth - 1), draw.randrange(1, 4))
    return Binary(("max", "min", "+", "-")[kind], drawn(draw, depth - 1), drawn(draw, depth - 1))


def settled(expr: Expr) -> Expr:
    kernel = Kernel("k", (), (), (), (), ("T",), (Size("E", expr),))
    return settled_sizes(kernel, LEAST).layout[0].value


def test_numbers_stay_what_they_are() -> None:
    draw = random.Random(7)
    points = [dict(zip("NHKT", p, strict=True)) for p in product((0, 1, 2, 5), (1, 2, 3, 6), (1, 2, 4), (1, 2, 7))]
    changed = 0
    for _ in range(120):
        expr = drawn(draw, 4)
        found = settled(expr)
        changed += len(repr(found)) < len(repr(expr))
        assert all(value(expr, at) == value(found, at) for at in points), expr
    assert changed > 20


def test_the_most_a_tap_reaches_is_one_case() -> None:
    """Taps of the even class reach as far as those of the odd one, or further."""

    def reach(first: int) -> Expr:
        taps = Binary("+", FloorDiv(Binary("-", Var("K"), const(first)), 2), const(1))
        return Binary("max", const(0), Binary("-", Binary("max", const(0), taps), const(1)))

    low = Binary("min", Binary("-", const(0), reach(1)), Binary("-", const(0), reach(2)))
    assert settled(low) == Binary("-", const(0), FloorDiv(Binary("-", Var("K"), const(1)), 2))
    # A class without taps reaches nowhere: nothing says that it has one.
    assert "max" in repr(settled(Binary("-", const(0), reach(2))))


FIRST, MORE = Compare("==", Var("z"), const(0)), Compare(">", Binary("*", Var("a"), Var("b")), const(0))
M, ZERO = Var("m"), const(0)


@pytest.mark.parametrize(
    "upper",
    [
        Select(FIRST, M, Select(MORE, M, ZERO)),
        Select(MORE, Select(FIRST, M, ZERO), ZERO),
        Select(FIRST, ZERO, M),
        Select(MORE, Select(FIRST, M, Select(MORE, M, ZERO)), ZERO),
        Select(FIRST, Select(MORE, ZERO, M), M),
    ],
)
def test_a_loop_runs_as_often_as_it_did(upper: Expr) -> None:
    *demands, inside = where_it_runs(For("k", const(0), upper, ()))
    assert isinstance(inside, If)
    (loop,) = inside.body
    assert isinstance(loop, For)
    for z, a, b, m in product((0, 1), (0, 1, 2), (0, 1, 3), (0, 2)):
        sizes = {"z": z, "a": a, "b": b, "m": m}
        assert all(isinstance(one, If) and value(one.condition, sizes) for one in demands)
        assert value(upper, sizes) == (value(loop.upper, sizes) if value(inside.condition, sizes) else 0), sizes


@pytest.mark.parametrize("upper", [Select(FIRST, M, Var("n")), Select(MORE, Select(FIRST, M, const(2)), ZERO), ZERO])
def test_a_loop_with_several_ends_is_refused(upper: Expr) -> None:
    with pytest.raises(UnclearError):
        where_it_runs(For("k", const(0), upper, ()))
