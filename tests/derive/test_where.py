"""The derivative of a selection selects: what stands in a branch not taken never reaches the result."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import symconv as sc
from symconv.derive.selects import hoisted, weighted
from symconv.notation.expr import Apply, Read, walk

NAN, INF = math.nan, math.inf

# formula, input, slope where the cotangent is 1
ONE = [
    ("where(x[i] > 0, sqrt(x[i]), 0)", [-1, 0, 4], [0, 0, 0.25]),
    ("where(x[i] > 0, log(x[i]), 0)", [-1, 0, 4], [0, 0, 0.25]),
    ("where(x[i] != 0, sin(x[i])/x[i], 1)", [0, math.pi], [0, -1 / math.pi]),
    ("where(x[i] <= 0, 0, 1/x[i])", [-1, 0, 2], [0, 0, -0.25]),
    ("where(x[i] > 0, where(x[i] < 9, sqrt(9 - x[i]), 0)*log(x[i]), 0)", [-1, 0, 9, 11, 1], [0, 0, 0, 0, math.sqrt(8)]),
    ("3*log(where(x[i] > 0, x[i], 0))", [-1, 0, 2], [0, 0, 1.5]),
    ("exp(where(x[i] > 0, -1/x[i], 0))*x[i]", [0, 1], [1, 2 * math.exp(-1)]),
    ("1/where(x[i] > 1, x[i] - 1, 0)", [0, 1, 3], [0, 0, -0.25]),
    ("relu(log(x[i]))", [0, 0.5, 1, 2], [0, 0, 0, 0.5]),
    ("relu(1/x[i] - 1)", [0.5, 1, 2], [-4, 0, 0]),
    ("max(log(x[i]), -5)", [0, 1], [0, 1]),
    ("min(1/x[i], 2)", [0, 1], [0, -1]),
    ("clip(log(x[i]), -1, 1)", [0, 1, 9], [0, 1, 0]),
    ("hardtanh(log(x[i]))", [0, 1, 9], [0, 1, 0]),
    ("leaky_relu(x[i], 0)*log(x[i] + 1)", [0, 1], [0, math.log(2) + 0.5]),
    ("sqrt(where(x[i] > 0, x[i], 0))", [-1, 0, 4], [0, 0, 0.25]),
    ("where(x[i] > 0, x[i]*x[i], 1)/where(x[i] > 1, x[i], 1)", [-1, 0.5, 3], [0, 1, 1]),
]


@pytest.mark.parametrize(("text", "x", "want"), ONE)
def test_slopes(text, x, want, lowered, interpreted) -> None:
    op = sc.operator(f"y[i] = {text}")
    got = interpreted(lowered(op, "x"), {"x": np.array(x, float), "gy": np.ones(len(x))})
    np.testing.assert_allclose(np.array(got, float), want, rtol=1e-12, atol=0)


@pytest.mark.parametrize(("text", "x", "want"), ONE[:12])
def test_slopes_inside_sums(text, x, want, lowered, interpreted) -> None:
    """Weighted and summed over a window, where one tap's infinity would spoil the whole cell."""
    body = text.replace("x[i]", "x[i+p]")
    op = sc.operator(f"y[i] = sum[p](({body})*w[p])")
    values, w = np.array([*x, *x], float), np.array([2.0, -3.0])
    arrays = {"x": values, "w": w, "gy": np.arange(1.0, len(values))}
    got = np.array(interpreted(lowered(op, "x"), arrays), float)
    slopes, total = np.array([*want, *want]), np.zeros(len(values))
    for i, p in itertools.product(range(len(values) - 1), range(2)):
        total[i + p] += arrays["gy"][i] * w[p] * slopes[i + p]
    np.testing.assert_allclose(got, total, rtol=1e-12, atol=1e-14)


def test_a_quotient_by_a_sum(lowered, interpreted) -> None:
    op = sc.operator("y[n] = where(sum[p](x[n,p]) > 0, sum[p](x[n,p]*w[n,p])/sum[p](x[n,p]), 0)")
    x = np.array([[1.0, 3.0], [0.0, 0.0], [-1.0, 1.0]])
    arrays = {"x": x, "w": np.array([[2.0, 6.0], [5.0, 7.0], [1.0, 1.0]]), "gy": np.array([4.0, 1.0, 1.0])}
    # Row 0: y = 20/4 = 5, and ∂y/∂x = (w - y)/4; the other rows take the branch 0.
    assert interpreted(lowered(op), arrays) == [5, 0, 0]
    assert interpreted(lowered(op, "x"), arrays) == [-3, 1, 0, 0, 0, 0]
    assert interpreted(lowered(op, "w"), arrays) == [1, 3, 0, 0, 0, 0]


def test_a_sum_in_the_branch_not_taken(lowered, interpreted) -> None:
    """What the sum's own body does there is not asked for, though the cotangent comes through a buffer."""
    op = sc.operator("y[n] = where(c[n] > 0, sum[p](log(x[n,p])), 0)")
    arrays = {"c": np.array([1.0, -1.0]), "x": np.array([[1.0, 2.0], [0.0, 4.0]]), "gy": np.array([1.0, 1.0])}
    assert interpreted(lowered(op, "x"), arrays) == [1, 0.5, 0, 0]
    op = sc.operator("y[n] = where(sum[q](x[n,q]) > 2, sum[p](log(x[n,p])), 0)")
    assert interpreted(lowered(op, "x"), {k: arrays[k] for k in ("x", "gy")} | {"x": arrays["x"][:, ::-1] * 0.9}) == [
        pytest.approx(1 / 1.8), pytest.approx(1 / 0.9), pytest.approx(1 / 3.6), INF,
    ]  # fmt: skip


def test_the_extreme_of_sums_asks_no_other_sum(lowered, interpreted) -> None:
    op = sc.operator("y[n] = max[p](sum[e](log(x[n,p,e])))")
    x = np.array([[[0.0, 1.0], [2.0, 4.0]]])
    assert interpreted(lowered(op, "x"), {"x": x, "gy": np.ones(1)}) == [0, 0, 0.5, 0.25]


@pytest.mark.parametrize("length", [5, 23])
def test_compiled_with_all_ways_to_differentiate(length: int) -> None:
    op = sc.operator("y[n,i] = sum[p](where(x[n,i+p] > 0, sqrt(x[n,i+p]), 0)*w[p])")
    x = np.arange(-3.0, length - 3) * np.array([[1.0], [-1.0]])
    w, gy, tx = np.array([2.0, -1.0]), np.ones((2, length - 1)), np.ones((2, length))
    slope = np.where(x > 0, 0.5 / np.sqrt(np.where(x > 0, x, 1)), 0)
    share = np.full(length, 1.0)
    share[0], share[-1] = 2.0, -1.0
    with np.errstate(all="raise"):
        got = sc.build(op, dtype="float64").backward(gy, x, w)
        np.testing.assert_allclose(got.x, slope * share, rtol=1e-14, atol=0)
        moved = sc.build(sc.jvp(op, ("x",)), dtype="float64").forward(x, w, tx)
        np.testing.assert_allclose(moved, 2 * slope[:, :-1] - slope[:, 1:], rtol=1e-13, atol=1e-15)
        second = sc.build(sc.derive(sc.derive(op, "x"), "x"), dtype="float64")
        bend = second.forward(np.ones((2, length)), gy, x, w)
        want = np.where(x > 0, -0.25 / np.where(x > 0, x, 1) ** 1.5, 0) * share
        np.testing.assert_allclose(bend, want, rtol=1e-13, atol=1e-15)


def test_a_factor_stands_inside_the_selection() -> None:
    x, c = Read("x", ()), Apply("gt", (Read("c", ()), Read("x", ())))
    zero = sc.operator("y[i] = 0*x[i]").statements[0].expr.arguments[0]
    select = Apply("where", (c, x, zero))
    assert weighted(Read("g", ()), select) == Apply("where", (c, Apply("mul", (Read("g", ()), x)), zero))
    twice = weighted(select, select)
    assert sum(node == c for node in walk(twice)) == 1
    assert hoisted(Apply("neg", (select,))) == Apply("where", (c, Apply("neg", (x,)), zero))
