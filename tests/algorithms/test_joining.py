"""Axes that nothing tells apart: the definition gives the same numbers on the same memory, seen as one long row."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest

import symconv as sc
from symconv.algorithms.coalescing import coalesced, pointwise
from symconv.algorithms.joining import Joined, joined, stacked
from symconv.notation.operator import Operator
from symconv.verify.reference import evaluate, gradients

GATED = "y[n,f,i,j] = tanh(sum[c,p,q](x[n,c,i+p,j+q]*w[f,c,p,q])) * sigmoid(sum[c,p,q](x[n,c,i+p,j+q]*v[f,c,p,q]))"

JOINED = [
    (sc.conv2d(), {"H": 3, "W": 5, "KH": 1, "KW": 1}),
    (sc.conv2d(bias=True), {"H": 5, "W": 2, "KH": 1, "KW": 1}),
    (sc.conv2d(groups=2, dilation=(3, 2)), {"H": 3, "W": 4, "KH": 1, "KW": 1}),
    (sc.conv2d(layout="NHWC"), {"H": 3, "W": 5, "KH": 1, "KW": 1}),
    (sc.conv3d(), {"D": 2, "H": 3, "W": 5, "KD": 1, "KH": 1, "KW": 1}),
    (sc.conv3d(padding=(1, 0, 0)), {"D": 2, "H": 3, "W": 5, "KD": 3, "KH": 1, "KW": 1}),
    (sc.adder2d(), {"H": 3, "W": 5, "KH": 1, "KW": 1}),
    (sc.operator(GATED), {"I1": 3, "J1": 5}),
    (sc.operator("y[n,f] = sum[c,i,j](x[n,c,i,j]*w[f,c])"), {}),
    (sc.operator("y[n,f] = max[i,j](x[n,f,i,j])"), {}),
    (sc.operator("y[n,f,i,j] = x[n,f,i,j] - mean[k](x[n,f,i,k])"), {}),
    (sc.operator("y[n,f,i,j] = mean[c](x[n,c,i,j]*w[f,c])"), {}),
]

APART = [
    sc.conv1d(),
    sc.conv2d(padding=1),
    sc.conv2d(padding=(1, 0)),
    sc.conv2d(stride=(1, 2)),
    sc.conv2d(padding=1, groups=3),
    sc.avg_pool2d(2),
    sc.operator("y[i,j] = x[i,j]**2"),
    sc.operator("y[n,f,j,i] = sum[c](x[n,c,i,j]*w[f,c])"),
    sc.operator("y[n,f,i,j] = sum[c](x[n,c,i,j]*w[f,c]*b[i])"),
    sc.operator("y[n,f,i,j] = sum[c](x[n,c,i,j]*w[f,c]) + b[j]"),
    sc.operator("y[n,f] = sum[i,j](x[n,f,i,j]*x[n,f,j,i])"),
    sc.operator("y[n,f] = sum[i,j,k](x[n,f,i,j]*z[n,f,k,j])"),
    sc.operator("y[n,f] = max[i](sum[j](x[n,f,i,j]))"),
    sc.operator("y[n,f,i,j] = sum[k](q[n,f,i,k]*r[n,f,k,j])"),
]


def _sizes(op: Operator, some: dict[str, int]) -> dict[str, int]:
    """Small sizes, no two alike, with those that are given."""
    told = {size for tensor in op.inputs for axis in tensor.sizes for size in axis.names()}
    free = sorted(told - {one.name for one in op.definitions})
    sizes = {name: some.get(name, 2 + k % 3) for k, name in enumerate(free)}
    for pair in joined(op):
        sizes.update(dict.fromkeys((name for name in pair.ones if name not in some), 1))
    return sizes


def _shape(op: Operator, name: str, sizes: dict[str, int]) -> tuple[int, ...]:
    return tuple(prod(size.evaluate(sizes) for size in axis) for axis in op.input(name).axes)


@pytest.mark.parametrize(("op", "some"), JOINED, ids=[str(op)[:40] for op, _ in JOINED])
def test_one_long_row_gives_the_same(op: Operator, some: dict[str, int]) -> None:
    pairs, sizes = joined(op), _sizes(op, some)
    held = [pair for pair in pairs if all(sizes[name] == 1 for name in pair.ones)]
    assert held
    flat = dict(sizes)
    for pair in held:
        flat[pair.outer], flat[pair.inner] = 1, flat[pair.outer] * flat[pair.inner]
    assert flat != sizes
    rng = np.random.default_rng(3)
    arrays = {name: rng.integers(-9, 10, _shape(op, name, sizes)).astype(float) for name in op.tensors}
    rows = {name: array.reshape(_shape(op, name, flat)) for name, array in arrays.items()}
    y, long = evaluate(op, arrays), evaluate(op, rows)
    np.testing.assert_allclose(long.reshape(y.shape), y, rtol=1e-12, atol=1e-12)
    gy = rng.integers(-9, 10, y.shape).astype(float)
    wanted, found = gradients(op, arrays, gy), gradients(op, rows, gy.reshape(long.shape))
    for name, want in wanted.items():
        np.testing.assert_allclose(found[name].reshape(want.shape), want, rtol=1e-12, atol=1e-12)


STACKED = [
    ("y[b,n,f] = sum[c](x[b,n,c]*w[f,c])", ["B", "N"]),
    ("y[b,h,n,f] = sum[c](x[b,h,n,c]*w[f,c]) + v[f]", ["B", "H", "N"]),
    ("y[b,n,f] = tanh(sum[c](x[b,n,c]*w[f,c]) + sum[c](x[b,n,c]*u[f,c]))", ["B", "N"]),
    ("y[b,n,c] = x[b,n,c]*w[c]", ["B", "N"]),
    ("y[b,n,f] = softmax[f](sum[c](x[b,n,c]*w[f,c]))", ["B", "N"]),
]
NOT_STACKED = [
    "y[b,n] = relu(x[b,n])",
    "y[b,i,j] = sum[k](q[b,i,k]*r[b,j,k])",
    "y[b,h,i,j] = sum[k](q[b,h,i,k]*r[b,h,j,k])",
    "y[b,n,f] = sum[c](x[b,n,c]*w[f,c]*a[b])",
    "y[b,n,f] = sum[c](x[b,n,c]*w[f,c]) + e[n,f]",
    "y[n,b,f] = sum[c](x[b,n,c]*w[f,c])",
    "y[b,f] = max[n](sum[c](x[b,n,c]*w[f,c]))",
]


@pytest.mark.parametrize(("formula", "rows"), STACKED)
def test_rows_are_stacked_into_the_batch(formula: str, rows: list[str]) -> None:
    op = sc.operator(formula)
    sizes = _sizes(op, {})
    flat = dict(sizes)
    for pair in stacked(op):
        assert pair.stacked and not pair.ones
        flat[pair.outer], flat[pair.inner] = flat[pair.outer] * flat[pair.inner], 1
    assert [flat[name] for name in rows] == [prod(sizes[name] for name in rows), *(1 for _ in rows[1:])]
    rng = np.random.default_rng(3)
    arrays = {name: rng.integers(-2, 3, _shape(op, name, sizes)).astype(float) for name in op.tensors}
    other = {name: array.reshape(_shape(op, name, flat)) for name, array in arrays.items()}
    y, long = evaluate(op, arrays), evaluate(op, other)
    np.testing.assert_allclose(long.reshape(y.shape), y, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("formula", NOT_STACKED)
def test_rows_that_something_tells_apart_or_that_have_no_weights(formula: str) -> None:
    assert stacked(sc.operator(formula)) == ()


@pytest.mark.parametrize("op", APART, ids=[str(op)[:60] for op in APART])
def test_axes_that_something_tells_apart(op: Operator) -> None:
    assert joined(op) == ()


def test_outer_axes_come_first() -> None:
    assert joined(sc.conv3d()) == (Joined("D", "H", ("KD", "KH")), Joined("H", "W", ("KH", "KW")))


@pytest.mark.parametrize(
    ("op", "taps", "cells"),
    [(sc.conv2d(), "pq", "ij"), (sc.conv3d(), "pqr", "ijk"), (sc.conv2d(layout="NHWC"), "pq", "ij")],
)
def test_the_operator_of_merged_axes_is_proved(op: Operator, taps: str, cells: str) -> None:
    """What is joined by sizes is what a rewrite with a certificate of its own merges."""
    assert joined(op)
    assert coalesced(pointwise(op, *taps).after, *cells).certificate.holds
