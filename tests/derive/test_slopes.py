"""The scalar derivative of every function, against finite differences and against its convention at the kink."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from symconv.derive.scalar import differentiate
from symconv.notation.affine import var
from symconv.notation.expr import Apply, Const, Expr, Read
from symconv.notation.front import formula
from symconv.notation.functions import TABLE
from symconv.verify.reference import evaluate

X = Read("x", (var("n"),))
W = Read("w", (var("n"),))
UNARY = tuple(name for name, entry in TABLE.items() if entry.arity == 1 and name != "held")
KINKS = [(name, kink.choice) for name, entry in TABLE.items() for kink in entry.kinks if name != "where"]


def _value(expr: Expr, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """A scalar expression of x and w, elementwise, by the oracle."""
    frame = formula("y[n] = x[n] + w[n]")
    statement = frame.statements[0]
    whole = Apply("add", (expr, Apply("mul", (Const(Fraction(0)), Apply("add", (X, W))))))
    return evaluate(replace(frame, statements=(replace(statement, expr=whole),)), {"x": x, "w": w})


@pytest.mark.parametrize("name", UNARY)
def test_slopes_of_one_argument(name: str) -> None:
    x = np.array([0.3, 0.7, 1.9, 2.6])
    expr = Apply(name, (Apply("mul", (X, W)),))
    slope = _value(differentiate(expr, X), x, x + 1)
    h = 1e-6
    central = (_value(expr, x + h, x + 1) - _value(expr, x - h, x + 1)) / (2 * h)
    np.testing.assert_allclose(slope, central, rtol=2e-7, atol=2e-8)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "max", "min"])
@pytest.mark.parametrize("wrt", [X, W])
def test_slopes_of_two_arguments(name: str, wrt: Read) -> None:
    x, w = np.array([0.3, 1.7, 1.9, 2.6]), np.array([1.3, 0.2, 2.9, 0.6])
    expr = Apply(name, (X, W)) if name != "pow" or wrt is X else Apply("exp", (Apply("mul", (W, Apply("log", (X,)))),))
    h = 1e-6
    step = (h, 0.0) if wrt is X else (0.0, h)
    central = (_value(expr, x + step[0], w + step[1]) - _value(expr, x - step[0], w - step[1])) / (2 * h)
    np.testing.assert_allclose(_value(differentiate(expr, wrt), x, w), central, rtol=2e-7, atol=2e-8)


@pytest.mark.parametrize(
    ("function", "choice", "first", "second"),
    [
        ("abs", "", 0, None), ("sign", "", 0, None), ("relu", "", 0, None), ("relu", "one", 1, None),
        ("relu", "half", 0.5, None), ("max", "", 1, 0), ("max", "share", 0.5, 0.5), ("min", "", 1, 0),
        ("min", "share", 0.5, 0.5), ("sqrt", "", 0, None), ("sqrt", "infinite", math.inf, None),
        ("leaky_relu", "", 0, 0), ("leaky_relu", "right", 1, 0), ("floor", "", 0, None), ("ceil", "", 0, None),
        ("elu", "", 1, None), ("pow", "", 0, 0),
    ],
)  # fmt: skip
def test_conventions_at_the_kink(function: str, choice: str, first: float, second: float | None) -> None:
    arguments = (X,) if second is None else (X, W)
    kinks = ((function, choice),) if choice else ()
    zero = np.zeros(1)
    assert _value(differentiate(Apply(function, arguments), X, kinks), zero, zero) == [first]
    if second is not None:
        assert _value(differentiate(Apply(function, arguments), W, kinks), zero, zero) == [second]


@pytest.mark.parametrize(("name", "choice"), KINKS)
def test_next_to_a_kink_the_slope_is_the_one_sided_limit(name: str, choice: str) -> None:
    """Of every function with a kink, by every argument: left and right of 0, -1 and 1, where the kinks are."""
    entry, h = TABLE[name], 1e-6
    places = np.array([p + side for p in (-1.0, 0.0, 1.0) for side in (-1e-3, 1e-3)])
    base = places + 2 if name in {"sqrt", "pow"} else places
    others = (np.full_like(base, -1.0), np.full_like(base, 1.0)) if name == "clip" else (np.full_like(base, 0.25),) * 2
    reads = tuple(Read(tensor, (var("n"),)) for tensor in ("x", "w", "v"))[: entry.arity]
    values = (base, *others)[: entry.arity]
    expr = Apply(name, reads)
    for position, read in enumerate(reads):
        slope = _many(differentiate(expr, read, ((name, choice),)), reads, values)
        sides = []
        for step in (h, -h):
            moved = tuple(v + step * (k == position) for k, v in enumerate(values))
            sides.append(_many(expr, reads, moved))
        np.testing.assert_allclose(slope, (sides[0] - sides[1]) / (2 * h), rtol=2e-6, atol=1e-7)


def _many(expr: Expr, reads: tuple[Read, ...], values: tuple[np.ndarray, ...]) -> np.ndarray:
    frame = formula("y[n] = " + " + ".join(f"{read.tensor}[n]" for read in reads))
    unused = [Apply("mul", (Const(Fraction(0)), read)) for read in reads]
    whole = expr
    for part in unused:
        whole = Apply("add", (whole, part))
    op = replace(frame, statements=(replace(frame.statements[0], expr=whole),))
    return evaluate(op, {read.tensor: value for read, value in zip(reads, values, strict=True)})


def test_where_is_differentiated_through_its_branches() -> None:
    expr = Apply("where", (Apply("gt", (X, W)), Apply("mul", (X, X)), Apply("exp", (X,))))
    x, w = np.array([2.0, 0.5]), np.array([1.0, 1.0])
    np.testing.assert_allclose(_value(differentiate(expr, X), x, w), [4.0, math.exp(0.5)])
