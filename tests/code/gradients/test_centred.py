"""Norms in code keep the order of operations that keeps digits: means are taken off before squares are summed."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv.verify import reference


def layer(x, g):
    m = x.mean(axis=-1, keepdims=True)
    v = ((x - m) ** 2).mean(axis=-1, keepdims=True)
    return g * (x - m) / np.sqrt(v + 1e-5)


def batch(x):
    n, _ = x.shape
    return (x - x.sum(axis=0) / n) / np.sqrt(x.var(axis=0) + 1e-5)


def spread(x):
    _, d = x.shape
    m = x.sum(axis=1, keepdims=True) / d
    return ((x - m) ** 2).sum(axis=1) / (d - 1)


def images(x):
    n, _, h, w = x.shape
    m = x.sum(axis=(0, 2, 3), keepdims=True) / (n * h * w)
    return (x - m) / np.sqrt(np.mean((x - m) ** 2, axis=(0, 2, 3), keepdims=True) + 1e-5)


def weighted(x, w):
    n, _ = x.shape
    (_,) = w.shape
    z = x * w
    return ((z - z.sum(axis=0) / n) ** 2).mean(axis=0)


CASES = [
    (layer, {"x": (4, 6), "g": (6,)}),
    (batch, {"x": (4, 6)}),
    (spread, {"x": (4, 6)}),
    (images, {"x": (2, 3, 4, 5)}),
    (weighted, {"x": (4, 6), "w": (6,)}),
]


@pytest.mark.parametrize(("function", "shapes"), CASES, ids=[one[0].__name__ for one in CASES])
def test_far_from_zero_no_digits_are_lost(function, shapes) -> None:
    op = sc.operator(function)
    rng = np.random.default_rng(2)
    given = {name: rng.standard_normal(shape) + (1e6 if name == "x" else 2) for name, shape in shapes.items()}
    # Squares of 1e6 would lose 12 of 16 digits.
    np.testing.assert_allclose(reference.evaluate(op, given), function(**given), rtol=1e-8, atol=1e-8)


def test_what_is_no_variance_is_left_as_it_is() -> None:
    def moments(x):
        n, _ = x.shape
        return (x**2).sum(axis=0) / n - 2 * x.mean(axis=0) ** 2

    op = sc.operator(moments)
    x = np.arange(12.0).reshape(3, 4)
    np.testing.assert_allclose(reference.evaluate(op, {"x": x}), moments(x), rtol=1e-12)
    assert "pow" not in str(op)


def test_a_kernel_of_a_norm_keeps_its_digits() -> None:
    kernel = sc.build(sc.operator(layer))
    x, g = np.random.default_rng(0).standard_normal((4, 64)) + 300, np.ones(64)
    got = kernel.forward(x.astype(np.float32), g.astype(np.float32))
    assert np.abs(got - layer(x.astype(np.float32).astype(float), g)).max() < 2e-4
