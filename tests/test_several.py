"""Several outputs of one operator: what kernels return and take, against loops written out, with integers by ==."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import symconv as sc
from symconv.errors import SpecError

SOURCE = """
s[n,f,i] = sum[c,p](x[n,c,2*i+p-1]*w[f,c,p])
y[n,f,i] = max(s[n,f,i], 0)
t[n,f] = sum[i](s[n,f,i]**2*v[f])
"""
SHAPES = {"x": (2, 3, 8), "w": (4, 3, 3), "v": (4,)}
NAMES = ("s", "y", "t")


@pytest.fixture(scope="module")
def op():
    return sc.operator(SOURCE, outputs=NAMES, name="three")


@pytest.fixture(scope="module")
def kernel(op):
    return sc.build(op, dtype="float64")


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(3)
    return {name: rng.integers(-4, 5, shape).astype(float) for name, shape in SHAPES.items()}


@pytest.fixture(scope="module")
def cotangents(op):
    rng = np.random.default_rng(4)
    return tuple(rng.integers(-4, 5, shape).astype(float) for shape in op.output_shapes(**SHAPES).values())


def forward(x, w, v):
    s = np.zeros((2, 4, 4))
    for n, f, i, c, p in np.ndindex(2, 4, 4, 3, 3):
        if 0 <= 2 * i + p - 1 < 8:
            s[n, f, i] += x[n, c, 2 * i + p - 1] * w[f, c, p]
    return s, np.maximum(s, 0), (s**2).sum(axis=2) * v


def backward(gs, gy, gt, x, w, v):
    s, _, _ = forward(x, w, v)
    total = gs + gy * (s >= 0) + 2 * s * (gt * v)[:, :, None]
    gx, gw = np.zeros_like(x), np.zeros_like(w)
    for n, f, i, c, p in np.ndindex(2, 4, 4, 3, 3):
        if 0 <= 2 * i + p - 1 < 8:
            gx[n, c, 2 * i + p - 1] += total[n, f, i] * w[f, c, p]
            gw[f, c, p] += total[n, f, i] * x[n, c, 2 * i + p - 1]
    return gx, gw, (gt * (s**2).sum(axis=2)).sum(axis=0)


def test_shapes(op) -> None:
    assert [one.name for one in op.outputs] == list(NAMES)
    assert op.output_shapes(**SHAPES) == {"s": (2, 4, 4), "y": (2, 4, 4), "t": (2, 4)}
    with pytest.raises(SpecError, match="has the outputs s and y and t, and this is for operators of one"):
        op.output_shape(**SHAPES)


def test_forward_returns_the_outputs_in_the_order_of_their_equations(kernel, arrays) -> None:
    found = kernel(**arrays)
    assert found._fields == NAMES
    for name, got, want in zip(NAMES, found, forward(**arrays), strict=True):
        assert (got == want).all(), name
    assert (pickle.loads(pickle.dumps(found)).t == found.t).all()


def test_backward_sums_what_each_output_hands_on(kernel, arrays, cotangents) -> None:
    wanted = backward(*cotangents, **arrays)
    named = dict(zip(NAMES, cotangents, strict=True))
    for found in (
        kernel.backward(cotangents, *arrays.values()),
        kernel.backward(*cotangents, *arrays.values()),
        kernel.backward(named, **arrays),
        kernel.backward(
            {f"g{name}": value for name, value in named.items()}, arrays["x"], w=arrays["w"], v=arrays["v"]
        ),
    ):
        for got, want in zip(found, wanted, strict=True):
            assert (got == want).all()
    assert kernel.backward(cotangents, *arrays.values(), wrt="v").x is None


@pytest.mark.parametrize("kept", NAMES)
def test_what_is_left_out_is_zero(kernel, arrays, cotangents, kept) -> None:
    given = tuple(g if name == kept else None for name, g in zip(NAMES, cotangents, strict=True))
    zeros = tuple(g if name == kept else 0 * g for name, g in zip(NAMES, cotangents, strict=True))
    for got, want in zip(kernel.backward(given, *arrays.values()), backward(*zeros, **arrays), strict=True):
        assert (got == want).all()
    found = kernel.backward({kept: given[NAMES.index(kept)]}, *arrays.values())
    assert (found.w == backward(*zeros, **arrays)[1]).all()


def test_arrays_to_write_into(kernel, arrays, cotangents) -> None:
    t, every = np.empty((2, 4)), [np.empty(g.shape) for g in cotangents]
    found = kernel.forward(*arrays.values(), out={"t": t})
    assert found.t is t
    assert all(a is b for a, b in zip(kernel.forward(*arrays.values(), out=every), every, strict=True))
    for got, want in zip((*every, t), (*forward(**arrays), forward(**arrays)[2]), strict=True):
        assert (got == want).all()
    with pytest.raises(SpecError, match="overlaps another array"):
        kernel.forward(*arrays.values(), out={"s": every[0], "y": every[0]})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda g: (g[:2],), r"backward takes \(gs, gy, gt\) and then x, w, v; given 2"),
        (lambda g: ({"q": g[0]},), "cotangents by name are those of s, y, t; given q"),
        (lambda g: ({"s": g[0], "gs": g[0]},), "cotangents by name are those of s, y, t; given s, gs"),
        (lambda g: ((g[0], g[1], g[2][:1]),), r"gt has shape \(1, 4\), wanted \(2, 4\), the shape of the output t"),
        (lambda g: ((g[0], g[1], g[2].astype(np.float32)),), "gt is float32, this kernel takes float64"),
        (lambda g: (g[0],), "takes 3 arrays"),
    ],
)
def test_wrong_cotangents_are_said(kernel, arrays, cotangents, change, words) -> None:
    with pytest.raises(SpecError, match=words):
        kernel.backward(*change(cotangents), *list(arrays.values())[: 3 if "takes 3" not in words else 2])


@pytest.mark.parametrize("out", [np.empty((2, 4, 4)), {"q": np.empty((2, 4))}, [np.empty((2, 4))]])
def test_wrong_places_to_write_into_are_said(kernel, arrays, out) -> None:
    with pytest.raises(SpecError, match="has the outputs s, y, t: out is a tuple of an array for each, or maps"):
        kernel.forward(*arrays.values(), out=out)


def test_one_of_them(op) -> None:
    one = op.only("t")
    assert (one.output.name, one.tensors, one.several) == ("t", op.tensors, ())
    assert [s.target.name for s in one.statements] == ["s", "t"]
    with pytest.raises(SpecError, match="has no output 'x'; it has s, y, t"):
        op.only("x")


@pytest.mark.full
def test_calls_with_much_work_compute_what_is_shared_once(op) -> None:
    from symconv import pipeline
    from symconv.options import Options

    entries = pipeline.unit(op, Options(), every=True).entries
    stages = [[ways[0].kernel.result.name for ways in entry.stages] for entry in entries]
    assert stages[0] == ["s2"]
    assert entries[0].masks == (7, 1, 2, 4)
    kernel, small = sc.build(op, dtype="float64"), {"x": (3, 16, 400), "w": (32, 16, 3), "v": (32,)}
    rng = np.random.default_rng(5)
    arrays = {name: rng.integers(-3, 4, shape).astype(float) for name, shape in small.items()}
    padded = np.pad(arrays["x"], ((0, 0), (0, 0), (1, 1)))
    s = sum(np.einsum("nci,fc->nfi", padded[:, :, p : p + 399 : 2], arrays["w"][:, :, p]) for p in range(3))
    found = kernel.forward(**arrays)
    assert "packed" in str(kernel.schedule)
    assert np.allclose(found.s, s, atol=1e-8)
    assert np.allclose(found.y, np.maximum(s, 0), atol=1e-8)
    assert np.allclose(found.t, (s**2).sum(axis=2) * arrays["v"], rtol=1e-9)
    given = tuple(rng.integers(-3, 4, one.shape).astype(float) for one in found)
    total = given[0] + given[1] * (found.s >= 0) + 2 * s * (given[2] * arrays["v"])[:, :, None]
    gw = kernel.backward(given, **arrays).w
    want = np.stack([np.einsum("nfi,nci->fc", total, padded[:, :, p : p + 399 : 2]) for p in range(3)], axis=2)
    assert np.allclose(gw, want, rtol=1e-9, atol=1e-6)
