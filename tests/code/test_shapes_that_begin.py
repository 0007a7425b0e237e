"""Biases of 1 x 1 x 1 x F that are read as ``b[..., f]``, and gradients that lines of others do not touch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

LAYER = """
import numpy as np
def scores_forward(x, W, b):
    N, C = x.shape
    C, F = W.shape
    Z = np.zeros((N, F))
    for n in range(N):
        for f in range(F):
            Z[n, f] = np.sum(x[n] * W[:, f]) + np.sum(b[..., f])
    return Z, (x, W, b)
def scores_backward(dZ, cache):
    x, W, b = cache
    N, C = x.shape
    C, F = W.shape
    dx, dW, db = np.zeros((N, C)), np.zeros((C, F)), np.zeros((1, 1, 1, F))
    for n in range(N):
        for f in range(F):
            dx[n] += W[:, f] * dZ[n, f]
            dW[:, f] += x[n] * dZ[n, f]
            db[:, :, :, f] += dZ[n, f]
    return dx, dW, db
"""


def right_when_run(text: str) -> tuple[bool, ...]:
    space: dict[str, Any] = {}
    exec(compile(text, "layer", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(4)
    given = [rng.normal(size=shape) for shape in ((3, 2), (2, 4), (1, 1, 1, 4))]
    d = rng.normal(size=(3, 4))
    found = []
    for k, gradient in enumerate(space["scores_backward"](d, space["scores_forward"](*given)[1])):
        step = rng.normal(size=given[k].shape)
        ahead, behind = (
            space["scores_forward"](*[a + s * step if j == k else a for j, a in enumerate(given)])[0]
            for s in (1e-6, -1e-6)
        )
        slope = ((ahead - behind) * d).sum() / 2e-6
        found.append(gradient.shape == given[k].shape and bool(np.isclose(slope, (gradient * step).sum(), rtol=1e-6)))
    return tuple(found)


@pytest.mark.parametrize(
    ("old", "new", "truth"),
    [
        ("", "", (True, True, True)),
        ("db[:, :, :, f] +=", "db[:, :, :, f] =", (True, True, False)),
        ("dW[:, f] +=", "dW[:, f] =", (True, False, True)),
    ],
)
def test_each_gradient_by_its_own_lines(old: str, new: str, truth: tuple[bool, ...]) -> None:
    text = LAYER.replace(old, new) if old else LAYER
    assert right_when_run(text) == truth
    assert tuple(one.holds for one in sc.check(text, "scores").values()) == truth
