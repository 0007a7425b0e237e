"""Windows whose height and width nothing says: code that is right for square ones alone is not right.

The truth is that of difference quotients with a window of 2 x 3, which the texts are run with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

STEP = 1e-6
POOL = """
import numpy as np
def avg_pool_forward_naive(x, pool_param):
    N, C, H, W = x.shape
    ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    rows, columns = 1 + (H - ph) // s, 1 + (W - pw) // s
    out = np.zeros((N, C, rows, columns))
    for i in range(rows):
        for j in range(columns):
            out[:, :, i, j] = x[:, :, i*s:i*s+ph, j*s:j*s+pw].mean(axis=(2, 3))
    return out, (x, pool_param)
def avg_pool_backward_naive(dout, cache):
    x, pool_param = cache
    ph, pw, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, rows, columns = dout.shape
    dx = np.zeros_like(x)
    for i in range(rows):
        for j in range(columns):
            dx[:, :, i*s:i*s+ph, j*s:j*s+pw] += dout[:, :, i, j][:, :, None, None] / (ph * pw)
    return dx
"""
WRONG = (
    ("dx[:, :, i*s:i*s+ph, j*s:j*s+pw]", "dx[:, :, i*s:i*s+ph, j*s:j*s+ph]"),
    ("/ (ph * pw)", "/ (ph * ph)"),
    ("] += dout", "] = dout"),
)


def right_when_run(text: str) -> bool:
    space: dict[str, Any] = {}
    exec(compile(text, "pool", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(3)
    x, d = rng.normal(size=(2, 2, 2, 5, 8))
    asked = {"pool_height": 2, "pool_width": 3, "stride": 2}
    y, cache = space["avg_pool_forward_naive"](x, asked)
    g = rng.normal(size=y.shape)
    ahead, behind = (space["avg_pool_forward_naive"](x + s * d, asked)[0] for s in (STEP, -STEP))
    dx = space["avg_pool_backward_naive"](g, cache)
    return bool(np.isclose(((ahead - behind) * g).sum() / (2 * STEP), (dx * d).sum(), rtol=1e-5))


def test_a_window_of_a_height_and_a_width_is_proved() -> None:
    assert right_when_run(POOL)
    assert sc.check(POOL, "avg_pool").holds is True


@pytest.mark.parametrize(("old", "new"), WRONG)
def test_what_is_right_for_square_windows_alone_is_wrong(old: str, new: str) -> None:
    text = POOL.replace(old, new)
    assert text != POOL and not right_when_run(text)
    proofs = sc.check(text, "avg_pool")
    assert proofs["x"].holds is False
    if "*s+ph] +=" in text:
        assert proofs["x"].repair.endswith("dx[:, :, i * s:i * s + ph, j * s:j * s + pw] += "
                                           "dout[:, :, i, j][:, :, None, None] / (ph * pw)")  # fmt: skip
        assert "pool_width = 3" in proofs.numbers
