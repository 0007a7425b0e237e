"""NaN wins in max and min and takes the gradient, the first one among several: everywhere and in both directions."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.verify.reference import evaluate, gradients

Array = np.ndarray[Any, Any]
NAN = math.nan


def pooled(x: Array, gy: Array, kind: str, kernel: tuple[int, int], stride: tuple[int, int]) -> tuple[Array, Array]:
    """The extreme of every window and the gradient, written out: NaN before all, the first of equals."""
    y, gx = np.zeros(gy.shape), np.zeros(x.shape)
    for n, c, i, j in np.ndindex(*gy.shape):
        places = [(i * stride[0] + p, j * stride[1] + q) for p, q in itertools.product(*map(range, kernel))]
        best = places[0]
        for place in places[1:]:
            old, new = x[(n, c, *best)], x[(n, c, *place)]
            if math.isnan(old):
                break
            if math.isnan(new) or (new > old if kind == "max" else new < old):
                best = place
        y[n, c, i, j] = x[(n, c, *best)]
        gx[(n, c, *best)] += gy[n, c, i, j]
    return y, gx


@pytest.mark.parametrize("kind", ["max", "min"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_place_of_a_window_of_three(kind: str, dtype: str) -> None:
    op = sc.max_pool1d(3, 3) if kind == "max" else sc.operator("y[n,c,i] = min[p](x[n,c,3*i+p])", extents={"p": 3})
    kernel = sc.build(op, dtype=dtype)
    rows = [[NAN, 1, 2], [1, NAN, 2], [1, 2, NAN], [NAN, NAN, 1], [1, NAN, NAN], [NAN] * 3, [NAN, math.inf, -math.inf]]
    x = np.array([rows], dtype)
    gy = np.arange(1, 8, dtype=dtype).reshape(1, 7, 1)
    assert np.isnan(kernel.forward(x)).all()
    first = [0, 1, 2, 0, 1, 0, 0]
    want = np.zeros((1, 7, 3), dtype)
    for row, place in enumerate(first):
        want[0, row, place] = row + 1
    np.testing.assert_array_equal(kernel.backward(gy, x).x, want)


WINDOWS = [((2, 3), (1, 2)), ((3, 2), (2, 3)), ((1, 4), (1, 1))]


def test_windows_of_two_axes(compiled) -> None:
    """Several windows and strides in lanes and scalars, the oracle beside them."""
    cases = [(kind, window, stride) for kind in ("max", "min") for window, stride in WINDOWS]
    ops = [
        sc.operator(
            f"y[n,c,i,j] = {kind}[p,q](x[n,c,{stride[0]}*i+p,{stride[1]}*j+q])",
            extents={"p": window[0], "q": window[1]},
        )
        for kind, window, stride in cases
    ]
    rng = np.random.default_rng(3)
    for unit, (kind, window, stride) in zip(compiled(ops), cases, strict=True):
        x = rng.integers(-3, 4, (2, 3, 7, 21)).astype(float)
        x[rng.random(x.shape) < 0.15] = NAN
        gy = rng.integers(-4, 5, unit.operator.output_shape(x=x.shape)).astype(float)
        y, gx = pooled(x, gy, kind, window, stride)
        np.testing.assert_array_equal(unit.forward(x), y)
        np.testing.assert_array_equal(unit.backward(gy, x).x, gx)
        np.testing.assert_array_equal(evaluate(unit.operator, {"x": x}), y)
        np.testing.assert_array_equal(gradients(unit.operator, {"x": x}, gy)["x"], gx)


@pytest.mark.parametrize("kind", ["max", "min"])
@pytest.mark.parametrize("choice", ["first", "share"])
def test_interpreter_and_oracle_agree_on_every_window(kind, choice, lowered, interpreted) -> None:
    """All windows of three over NaN, two numbers and an infinity."""
    op = sc.operator(f"y[n] = {kind}[p](x[n,p])", kinks={kind: choice})
    x = np.array(list(itertools.product([NAN, 1.0, 2.0, math.inf], repeat=3)))
    gy = np.full(len(x), 6.0)
    wanted = gradients(op, {"x": x}, gy)["x"]
    got = np.array(interpreted(lowered(op, "x"), {"x": x, "gy": gy}), float).reshape(x.shape)
    np.testing.assert_array_equal(got, wanted)
    assert (wanted.sum(axis=1) == 6).all()
    np.testing.assert_array_equal(np.array(interpreted(lowered(op), {"x": x}), float), evaluate(op, {"x": x}))
    holds = np.isnan(x)
    assert (wanted[holds.any(axis=1)][~holds[holds.any(axis=1)]] == 0).all()


@pytest.mark.parametrize("text", ["max(x[i], 0) + relu(x[i])", "min(x[i], 9)", "min(9, x[i])", "max(1, x[i])", "abs(x[i])",
                                  "clip(x[i], -1, 1)", "hardtanh(x[i])", "leaky_relu(x[i], 0.1)", "elu(x[i])",
                                  "silu(x[i])", "sign(x[i])", "floor(x[i])"])  # fmt: skip
def test_functions_pass_nan_on(text, lowered, interpreted) -> None:
    op = sc.operator(f"y[i] = {text}")
    x, gy = np.array([NAN, 0.5]), np.ones(2)
    for values in (interpreted(lowered(op), {"x": x}), evaluate(op, {"x": x})):
        assert math.isnan(values[0])
        assert not math.isnan(values[1])
    got = interpreted(lowered(op, "x"), {"x": x, "gy": gy})
    np.testing.assert_allclose(np.array(got, float), gradients(op, {"x": x}, gy)["x"], rtol=1e-14)


def test_lanes_pass_nan_on() -> None:
    op = sc.operator("y[n,i] = sum[p](relu(x[n,i+p]) + max(x[n,i+p], w[p]) + clip(x[n,i+p], -1, 1)*w[p])")
    x = np.ones((1, 40), "float32")
    x[0, [3, 22]] = NAN
    y = sc.build(op).forward(x, np.array([0.5, 2.0], "float32"))
    assert set(np.flatnonzero(np.isnan(y))) == {2, 3, 21, 22}


def test_torch_agrees() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(5)
    x = rng.standard_normal((2, 3, 9, 11))
    x[rng.random(x.shape) < 0.1] = NAN
    op = sc.max_pool2d((2, 3), (2, 1))
    held = torch.tensor(x, requires_grad=True)
    y = torch.nn.functional.max_pool2d(held, (2, 3), (2, 1))
    gy = rng.standard_normal(tuple(y.shape))
    y.backward(torch.tensor(gy))
    kernel = sc.build(op, dtype="float64")
    np.testing.assert_array_equal(kernel.forward(x), y.detach().numpy())
    # torch's own gradient goes to the last NaN of a window: compared where a window has at most one.
    counts = torch.nn.functional.avg_pool2d(torch.tensor(np.isnan(x) * 6.0), (2, 3), (2, 1)).numpy()
    alone = np.where(counts < 1.5, gy, 0)
    held.grad = None
    torch.nn.functional.max_pool2d(held, (2, 3), (2, 1)).backward(torch.tensor(alone))
    np.testing.assert_allclose(kernel.backward(alone, x).x, held.grad.numpy(), rtol=1e-14)
    relu = sc.build(sc.operator("y[i] = relu(x[i])"), dtype="float64")
    one = torch.tensor([NAN, -1.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
    torch.relu(one).sum().backward()
    np.testing.assert_array_equal(relu.backward(np.ones(4), one.detach().numpy()).x, one.grad.numpy())


def test_beside_a_zero_border_a_nan_weight_is_not_met(lowered, interpreted) -> None:
    """The stated deviation: what is 0 outside its tensor is no term, so 0·NaN is not computed there."""
    op = sc.operator("y[i] = sum[p](x[i+p-1]*w[p])")
    x, w = np.array([1.0, 2.0, 3.0]), np.array([NAN, 1.0, 10.0])
    got = np.array(interpreted(lowered(op), {"x": x, "w": w}), float)
    np.testing.assert_array_equal(got, [21, NAN, NAN])
    assert np.isnan(evaluate(op, {"x": x, "w": w})).all(), "the definition itself, where x is 0 outside"


def test_a_choice_of_0_times_what_is_no_number(compiled) -> None:
    """0·NaN and 0·∞ are no numbers, also where a compiler knows the 0 and computes many cells at once."""
    masks = {
        "where(0<x[i],1,0)": lambda a: 1.0 * (a > 0),
        "(0<x[i]<1)": lambda a: 1.0 * ((a > 0) & (a < 1)),
        "where(0<x[i],1,0)*where(x[i]<1,1,0)": lambda a: 1.0 * ((a > 0) & (a < 1)),
        "where(x[i]<1,0,-2)": lambda a: np.where(a < 1, 0.0, -2.0),
        "(-where(0<x[i],1,0))": lambda a: -1.0 * (a > 0),
        "(where(0<x[i],1,0)/2)": lambda a: 0.5 * (a > 0),
        "abs(where(0<x[i],-1,0))": lambda a: 1.0 * (a > 0),
        "max(where(0<x[i],1,0),0)": lambda a: 1.0 * (a > 0),
    }
    x = np.array([NAN, math.inf, -math.inf, 0.5, -0.5, 2.0, 0.0] * 6)
    units = compiled([sc.operator(f"y[i] = {mask}*x[i]") for mask in masks], entries=("forward",))
    for unit, mask in zip(units, masks.values(), strict=True):
        with np.errstate(invalid="ignore"):
            want = mask(x) * x
        np.testing.assert_array_equal(unit.forward(x), want)
        np.testing.assert_array_equal(evaluate(unit.operator, {"x": x}), want)


@pytest.mark.parametrize(
    "formula", ["y[i] = x[i]*b[i] + b[i]", "y[i] = b[i]*c[i] - x[i]*b[i]", "y[i] = x[i]*b[] + b[]"]
)
def test_a_common_factor_of_addends_is_not_taken_out(formula: str) -> None:
    """``0*b + b`` is NaN where b is infinite; ``(0 + 1)*b`` is infinite."""
    kernel = sc.build(sc.operator(formula), dtype="float64")
    x = np.array([0.0, -2.0, 1.0] * 9)
    given: dict[str, Any] = {"x": x, "b": np.full(27, math.inf), "c": np.full(27, 1.0)}
    if "b[]" in formula:
        given["b"] = np.array(math.inf)
    given = {name: given[name] for name in kernel.operator.tensors}
    with np.errstate(invalid="ignore"):
        wanted = given["b"] * given["c"] - x * given["b"] if "c" in given else x * given["b"] + given["b"]
    np.testing.assert_array_equal(kernel(**given), wanted)
