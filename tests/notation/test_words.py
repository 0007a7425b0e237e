"""Products, softmax and bounds in formulas: values and gradients against loops written out here, exactly."""

from __future__ import annotations

from fractions import Fraction
from math import prod

import numpy as np
import pytest

import symconv as sc
from symconv.derive.borders import resolve_borders
from symconv.verify import reference


def gradient(op, wrt, **arrays):
    """The derived gradient evaluated from its formula."""
    return reference.evaluate(sc.derive(op, wrt).derivation.operator, arrays)


def fractions(rng, shape):
    return np.array([Fraction(int(v)) for v in rng.integers(-2, 3, np.prod(shape))], dtype=object).reshape(shape)


def test_a_product_gives_each_factor_the_product_of_the_others() -> None:
    op = sc.operator("y[n,c,i,j] = prod[p,q](x[n,c,2*i+p-1,j+q]*w[c,p,q])")
    rng = np.random.default_rng(0)
    x, w = fractions(rng, (2, 2, 5, 4)), fractions(rng, (2, 3, 2))
    assert (x == 0).any()
    assert (w == 0).any()
    cells = list(np.ndindex(2, 2, 3, 3))
    taps = list(np.ndindex(3, 2))

    def factor(n, c, i, j, p, q):
        row = 2 * i + p - 1
        return (x[n, c, row, j + q] if 0 <= row < 5 else Fraction(0)) * w[c, p, q]

    y = reference.evaluate(op, {"x": x, "w": w})
    gy = fractions(rng, y.shape) + 1
    gx, gw = np.zeros(x.shape, dtype=object), np.zeros(w.shape, dtype=object)
    for n, c, i, j in cells:
        factors = {tap: factor(n, c, i, j, *tap) for tap in taps}
        assert y[n, c, i, j] == prod(factors.values())
        for p, q in taps:
            rest = gy[n, c, i, j] * prod(f for tap, f in factors.items() if tap != (p, q))
            row = 2 * i + p - 1
            if 0 <= row < 5:
                gx[n, c, row, j + q] += rest * w[c, p, q]
                gw[c, p, q] += rest * x[n, c, row, j + q]
    assert (gradient(op, "x", gy=gy, x=x, w=w) == gx).all()
    assert (gradient(op, "w", gy=gy, x=x, w=w) == gw).all()


def test_a_product_leaves_out_what_its_border_skips_and_is_differentiated_twice() -> None:
    op = sc.operator("y[i] = prod[p<3](x[i+p-1])", border="skip")
    x = np.array([Fraction(v) for v in (2, 0, 3, 5)], dtype=object)
    assert list(reference.evaluate(op, {"x": x})) == [0, 0, 0, 15]
    gy, ggx = (np.array([Fraction(v) for v in several], dtype=object) for several in ((1, 2, 3, 4), (1, -1, 2, 3)))
    once = sc.derive(op, "x")
    twice = gradient(once, "x", ggx=ggx, gy=gy, x=x)
    want = np.zeros(4, dtype=object)
    for i in range(4):
        taps = [u for u in range(i - 1, i + 2) if 0 <= u < 4]
        for u in taps:
            for v in taps:
                if u != v:
                    want[v] += ggx[u] * gy[i] * prod(x[t] for t in taps if t not in {u, v})
    assert (twice == want).all()


def test_kernels_of_a_product_are_proved() -> None:
    op = sc.operator("y[n,c,i] = prod[p](1 - x[n,c,i+p]*w[c,p])")
    assert sc.validate(op)
    assert r"\prod" in sc.derive(op, "x").latex()


@pytest.mark.full
@pytest.mark.parametrize("source", ["y[n,c,i] = prod[p](1 - x[n,c,i+p]*w[c,p])", "y[n,c] = prod[i,j](x[n,c,i,j])"])
def test_kernels_of_a_product_are_right_where_factors_are_zero(source) -> None:
    assert sc.verify(sc.operator(source))


@pytest.mark.parametrize(
    ("source", "extents", "axes"),
    [
        ("y[n,c] = softmax[c](x[n,c])", {}, "nc"),
        ("y[n,i,p] = softmax[p](x[n,2*i+p])", {"p": 3}, "nip"),
        ("y[n,i] = sum[p](softmax[p](x[n,i+p])*w[p])", {}, "ni"),
    ],
)
def test_softmax_keeps_its_index_and_does_not_overflow(source, extents, axes) -> None:
    op = sc.operator(source, extents=extents)
    x = np.array([[700.0, 710, 720, -5, 3], [1, 2, 3, 4, 5]])
    arrays = {"x": x} | ({"w": np.array([1.0, -2, 4])} if "w" in op.tensors else {})

    def soft(values):
        part = np.exp(values - values.max(-1, keepdims=True))
        return part / part.sum(-1, keepdims=True)

    windows = np.stack([x[:, i : i + 3] for i in range(3)], 1)
    want = {"nc": lambda: soft(x), "nip": lambda: soft(windows[:, ::2]), "ni": lambda: soft(windows) @ arrays["w"]}
    assert np.allclose(reference.evaluate(resolve_borders(op), arrays), want[axes](), rtol=1e-12)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("y[n,i] = sum[p=-1..1](x[n,i+p]*w[p+1])", "y[n,i] = sum[p<3](x[n,i+p-1]*w[p])"),
        ("y[n,i] = sum[1 <= p < 4](x[n,i+p])", "y[n,i] = sum[p<3](x[n,i+p+1])"),
        ("y[n,i] = sum[p in 0..2](x[n,i+p])", "y[n,i] = sum[p<3](x[n,i+p])"),
        ("y[n,i] = sum[p: p<3](x[n,i+p])", "y[n,i] = sum[p<3](x[n,i+p])"),
        ("y[n,f,i] == Σ_{c,p}(x[n,c,i+p]*w[f,c,p])", "y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,p])"),
        ("y[n] = ∑_c(x[n,c])", "y[n] = sum[c](x[n,c])"),
        ("y[n] = ∏[c](x[n,c])", "y[n] = prod[c](x[n,c])"),
        ("y[i] = (x[i] > 0)*x[i]", "y[i] = where(x[i] > 0, 1, 0)*x[i]"),
        ("∂L/∂x[n,i] = 2*∂L/∂y[n,i]", "gx[n,i] = 2*gy[n,i]"),
        ("y[i] = log_softmax[i](x[i])", "y[i] = x[i] - logsumexp[j](x[j])"),
    ],
)
def test_spellings_mean_the_same(written, meant) -> None:
    one, other = sc.operator(written), sc.operator(meant)
    assert (one.tensors, one.output.name) == (other.tensors, other.output.name)
    rng = np.random.default_rng(3)
    lengths = {1: (7,), 2: (2, 7), 3: (2, 3, 7)}
    shapes = {t.name: lengths[len(t.axes)] for t in one.inputs}
    if "w" in shapes:
        shapes["w"] = (3,) if len(shapes["w"]) == 1 else (4, 3, 3)
    arrays = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    assert np.allclose(reference.evaluate(one, arrays), reference.evaluate(other, arrays), rtol=1e-12)


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("y[n,(g f),i] = x[n,(g f),i]", "merged axes are written (g,c)"),
        ("y[i] = x[i]²", "a square is written **2"),
        ("y[i] = |x[i]|", "abs(x[i])"),
        ("y[i] = √x[i]", "sqrt(x[i])"),
        ("y[i] = x[i] if x[i] > 0 else 0", "where(x[i] > 0, a, b)"),
        ("y(i) = x[i]", "indices stand in square brackets"),
        ("y[i] += x[i]", "written as a sum"),
        ("y[i] = Σ[p] x[i+p]", "stands in parentheses"),
        ("y[i] = sum(x[i])", "its indices stand in brackets"),
        ("y[i] = product[p<3](x[i+p])", "did you mean prod?"),
        ("y[i] = argmax[p<3](x[i+p])", "no number to differentiate"),
        ("y[n] = softmax[k](x[n,k])", "an index of the output"),
        ("y[i] = ∂x[i]", "∂L/∂x"),
    ],
)
def test_what_is_not_meant_gets_a_hint(source, hint) -> None:
    with pytest.raises(sc.SpecError) as caught:
        sc.operator(source)
    assert hint in str(caught.value)
