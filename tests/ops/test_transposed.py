"""The transposed convolution against torch, exact on integers, and as the adjoint of conv; compiled once."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import symconv as sc
from symconv.verify.reference import evaluate, gradients

Array = np.ndarray[Any, Any]

# rank, stride, padding, output_padding, dilation, groups, spatial, kernel
CASES = [
    (1, (1,), (0,), (0,), (1,), 1, (5,), (3,)),
    (1, (3,), (2,), (2,), (2,), 1, (4,), (3,)),
    (1, (2,), (1,), (2,), (3,), 3, (5,), (2,)),
    (2, (1, 1), (1, 0), (0, 0), (1, 1), 1, (4, 5), (3, 2)),
    (2, (2, 3), (1, 2), (1, 0), (1, 2), 1, (4, 3), (3, 4)),
    (2, (2, 2), (0, 1), (1, 1), (1, 1), 2, (3, 4), (2, 2)),
    (2, (4, 1), (3, 1), (2, 0), (1, 2), 3, (2, 5), (2, 3)),
    (3, (2, 1, 3), (1, 0, 1), (1, 0, 2), (1, 2, 1), 1, (3, 4, 2), (2, 2, 3)),
    (3, (1, 2, 2), (0, 1, 1), (0, 1, 0), (2, 1, 3), 2, (2, 3, 3), (3, 2, 1)),
]


def integers(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float64)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_torch_agrees_exactly_gradients_included(case, layout, lowered, interpreted) -> None:
    torch = pytest.importorskip("torch")
    rank, stride, padding, extra, dilation, groups, spatial, kernel = case
    c, f = 2 * groups, 3 * groups
    x, w, b = integers(0, 2, c, *spatial), integers(1, c, f // groups, *kernel), integers(2, f)
    leaves = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
    call = getattr(torch.nn.functional, f"conv_transpose{rank}d")
    y = call(*leaves, stride=stride, padding=padding, output_padding=extra, groups=groups, dilation=dilation)
    gy = integers(3, *y.shape)
    wanted = dict(zip("xwb", torch.autograd.grad((y * torch.tensor(gy)).sum(), leaves), strict=True))
    op = getattr(sc, f"conv_transpose{rank}d")(stride, padding, extra, dilation, groups, bias=True, layout=layout)
    last = layout == "NHWC"
    moved = {
        "x": np.moveaxis(x, 1, -1) if last else x,
        "w": np.moveaxis(w, (0, 1), (-1, -2)) if last else w,
        "b": b,
        "gy": np.moveaxis(gy, 1, -1) if last else gy,
    }
    inputs = {name: moved[name] for name in "xwb"}
    want = y.detach().numpy()
    np.testing.assert_array_equal(evaluate(op, inputs), np.moveaxis(want, 1, -1) if last else want)
    brute = gradients(op, inputs, moved["gy"])
    for name in "xwb":
        got = np.array([float(v) for v in interpreted(lowered(op, name), moved)]).reshape(moved[name].shape)
        np.testing.assert_array_equal(got, brute[name])
        if last and name != "b":
            got = np.moveaxis(got, -1, 1) if name == "x" else np.moveaxis(got, (-1, -2), (0, 1))
        np.testing.assert_array_equal(got, wanted[name].numpy())


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_it_is_the_adjoint_of_conv(data) -> None:
    s, d, lo, hi = (data.draw(st.integers(low, 4)) for low in (1, 1, 0, 0))
    size, k, more = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 4)), data.draw(st.integers(0, 3))
    assume(more < max(s, d))
    up, down = sc.conv_transpose1d(s, ((lo, hi),), more, d), sc.conv1d(s, ((lo, hi),), d)
    w = integers(0, 2, 3, k)
    out = (size - 1) * s - lo - hi + d * (k - 1) + more + 1
    assume(out >= 1)
    assume((out + lo + hi - d * (k - 1) - 1) // s + 1 == size)
    x, z = integers(1, 2, 2, size), integers(2, 2, 3, out)
    assert np.sum(evaluate(up, {"x": x, "w": w}) * z) == np.sum(evaluate(down, {"x": z, "w": w}) * x)


def test_the_extent_is_the_documented_one() -> None:
    for s, d, k, lo, hi in itertools.product((1, 2, 3), (1, 2), (1, 2, 3), (0, 1), (0, 2)):
        for more in range(max(s, d)):
            op = sc.conv_transpose1d(s, ((lo, hi),), more, d)
            want = 4 * s - lo - hi + d * (k - 1) + more + 1
            if want >= 1:
                assert op.output_shape(x=(1, 1, 5), w=(1, 1, k)) == (1, 1, want)


def test_a_division_by_one_reads_nothing_outside() -> None:
    full = sc.operator("y[i] = sum[p](x[(i-p)/1]*w[p])")
    x, w = np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0])
    np.testing.assert_array_equal(evaluate(full, {"x": x, "w": w}), np.convolve(x, w))


def test_compiled() -> None:
    op = sc.conv_transpose2d(stride=(2, 3), padding=(1, 0), output_padding=(1, 2), dilation=(1, 2), groups=2)
    verdict = sc.verify(op)
    assert verdict, str(verdict)
