"""Declared derivatives: AdderNet's shipped backward, which is not the derivative of its forward, and says so."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv.views.show import show

ADDERNET = {"w": "x - w", "x": "max(-1, min(1, w - x))"}


@pytest.fixture(scope="module")
def adder():
    return sc.operator("y[n,f,i] = -sum[c,p](abs(x[n,c,2*i+p-1] - w[f,c,p]))", surrogate=ADDERNET)


def declared(x, w, gy):
    """AdderNet's rule, written as loops over what the layer reads; zeros are read beyond the ends."""
    gx, gw = np.zeros_like(x), np.zeros_like(w)
    for n, f, i in np.ndindex(*gy.shape):
        for c, p in np.ndindex(*w.shape[1:]):
            at = 2 * i + p - 1
            inside = 0 <= at < x.shape[2]
            value = x[n, c, at] if inside else 0.0
            gw[f, c, p] += gy[n, f, i] * (value - w[f, c, p])
            if inside:
                gx[n, c, at] += gy[n, f, i] * np.clip(w[f, c, p] - value, -1, 1)
    return gx, gw


def test_the_kernel_computes_what_is_declared(adder):
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-3, 4, shape).astype(float) for shape in ((2, 3, 8), (4, 3, 3)))
    kernel = sc.build(adder, dtype="float64")
    y = kernel.forward(x, w)
    gy = rng.integers(-3, 4, y.shape).astype(float)
    found = kernel.backward(gy, x, w)
    gx, gw = declared(x, w, gy)
    assert (found.x == gx).all()
    assert (found.w == gw).all()


def test_it_is_not_the_derivative(adder):
    true = sc.operator(adder.source)
    x, w = np.full((1, 1, 5), 3.0), np.full((1, 1, 3), 1.0)
    gy = np.ones((1, 1, 3))
    one, other = (sc.build(op, dtype="float64").backward(gy, x, w).w for op in (adder, true))
    assert not (one == other).all()


def test_everything_says_that_it_is_declared(adder, tmp_path):
    gradient = sc.derive(adder, "w")
    assert "surrogate" in str(gradient)
    assert any("surrogate" in f"{step.rule} {step.note} {step.check}" for step in gradient.steps)
    page = show(gradient, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "surrogate" in page
    verdict = sc.verify(adder)
    assert verdict
    assert "surrogate: declared, not the derivative" in str(verdict)
