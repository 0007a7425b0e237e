"""Gradients with declared slopes as NumPy text, against the declaration written out as loops."""

from __future__ import annotations

from itertools import product

import numpy as np

import symconv as sc

CLIPPED = {"w": "x - w", "x": "max(min(w - x, 1), -1)"}


def written(g):
    names: dict[str, object] = {}
    exec(compile(g.code("numpy"), "written", "exec"), names)  # noqa: S102
    (function,) = (value for name, value in names.items() if "_grad_" in name)
    return function


def test_declared_slopes_beside_a_border_of_zeros() -> None:
    op = sc.adder2d(padding=(1, 0), stride=(1, 2), surrogate=CLIPPED)
    rng = np.random.default_rng(3)
    x, w = (rng.integers(-3, 4, shape).astype(float) for shape in ((2, 2, 3, 5), (3, 2, 2, 3)))
    gy = rng.integers(-3, 4, op.output_shape(x=x.shape, w=w.shape)).astype(float)
    gx, gw = np.zeros_like(x), np.zeros_like(w)
    for n, f, i, j, c, p, q in product(*map(range, (*gy.shape, *w.shape[1:]))):
        u, v = i + p - 1, 2 * j + q
        inside = 0 <= u < x.shape[2]
        apart = (x[n, c, u, v] if inside else 0.0) - w[f, c, p, q]
        gw[f, c, p, q] += gy[n, f, i, j] * apart
        if inside:
            gx[n, c, u, v] += gy[n, f, i, j] * max(min(-apart, 1.0), -1.0)
    assert (written(sc.derive(op, "w"))(gy, x, w) == gw).all()
    assert (written(sc.derive(op, "x"))(gy, x, w) == gx).all()
