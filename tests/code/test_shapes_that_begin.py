"""Biases of 1 x 1 x 1 x F that are read as ``b[..., f]``, and gradients that lines of others do not touch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.code.gradients import compared

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


CONV = """
import numpy as np
def conv_forward(A, W, b):
    (m, n, C) = A.shape
    (f, C, F) = W.shape
    Z = np.zeros((m, n - f + 1, F))
    for i in range(m):
        for h in range(n - f + 1):
            for c in range(F):
                Z[i, h, c] = np.sum(A[i, h:h+f, :] * W[..., c]) + np.sum(b[..., c])
    return Z, (A, W, b)
def conv_backward(dZ, cache):
    A, W, b = cache
    dA, dW, db = np.zeros(A.shape), np.zeros(W.shape), np.zeros((1, 1, dZ.shape[2]))
    for i in range(dZ.shape[0]):
        for h in range(dZ.shape[1]):
            for c in range(dZ.shape[2]):
                dA[i, h:h+W.shape[0], :] += W[:, :, c] * dZ[i, h, c]
                dW[:, :, c] += A[i, h:h+W.shape[0], :] * dZ[i, h, c]
                db[:, :, c] += dZ[i, h, c]
    return dA, dW, db
"""
SHAPES = {"scores": ((3, 2), (2, 4), (1, 1, 1, 4)), "conv": ((2, 5, 3), (2, 3, 4), (1, 1, 4))}


def right_when_run(text: str, name: str = "scores") -> tuple[bool, ...]:
    space: dict[str, Any] = {}
    exec(compile(text, "layer", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(4)
    given = [rng.normal(size=shape) for shape in SHAPES[name]]
    forward = space[f"{name}_forward"]
    y, cache = forward(*given)
    d = rng.normal(size=y.shape)
    found = []
    for k, gradient in enumerate(space[f"{name}_backward"](d, cache)):
        step = rng.normal(size=given[k].shape)
        ahead, behind = (
            forward(*[a + s * step if j == k else a for j, a in enumerate(given)])[0] for s in (1e-6, -1e-6)
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


@pytest.mark.parametrize(
    ("old", "new", "truth"),
    [
        ("", "", (True, True, True)),
        ("db[:, :, c] +=", "db[:, :, c] =", (True, True, False)),
        ("np.zeros((1, 1, dZ.shape[2]))", "np.zeros((1, dZ.shape[2], 1))", (True, True, False)),
    ],
)
def test_a_row_is_no_vector(old: str, new: str, truth: tuple[bool, ...]) -> None:
    text = CONV.replace(old, new).replace("db[:, :, c] +=", "db[:, c] +=" if "[2], 1" in new else "db[:, :, c] +=")
    assert right_when_run(text, "conv") == truth
    assert tuple(one.holds for one in sc.check(text, "conv", explain=False).values()) == truth


def test_no_operator_is_compared_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, decided = [], compared._compared

    def counted(candidate, forward):
        asked.append((candidate, forward.other_ties, forward.equal_parts))
        return decided(candidate, forward)

    monkeypatch.setattr(compared, "_compared", counted)
    assert sc.check(CONV, "conv").holds
    assert asked
    assert len(asked) == len(set(asked))
