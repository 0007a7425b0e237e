"""What comments, loggers, places and first lines of gradients say of a layer."""

from __future__ import annotations

import pytest

import symconv as sc

SCALED = """
import logging
import torch
log = logging.getLogger(__name__)
class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, feat, scale, shift):
        # feat: (N, C, H); scale, shift: (N, C)
        ctx.save_for_backward(feat, scale)
        log.debug("feat %s", feat.shape)
        return feat * (1 + scale[:, :, None]) + shift.unsqueeze(2)
    @staticmethod
    def backward(ctx, v):
        feat, scale = ctx.saved_tensors
        return v * (1 + scale[:, :, None]), (v * feat).flatten(2).sum(-1), v.sum(2)
"""

ROWS = """
import numpy as np
def rows_forward(x, w, b):
    N, D = x.shape
    F, _ = w.shape
    y = np.zeros((N, F))
    for f in range(F):
        y[:, f] = x @ w[f] + b[0, f]
    return y, (x, w, b)
def rows_backward(dy, cache):
    x, w, b = cache
    F = w.shape[0]
    dx, dw, db = dy @ w, dy.T @ x, np.zeros((1, F))
    for f in range(F):
        db[0, f] += dy[:, f].sum()
    return dx, dw, db
"""


@pytest.mark.parametrize(
    "old",
    ["# feat: (N, C, H); scale, shift: (N, C)", "# scale (N, C), shift (N, C)"],
)
def test_shapes_in_comments_and_what_follows_ctx_are_read(old: str) -> None:
    text = SCALED.replace("# feat: (N, C, H); scale, shift: (N, C)", old)
    assert sc.check(text, explain=False).holds
    assert sc.check(text.replace("v.sum(2)", "v.sum(0)"), explain=False).holds is False


def test_shapes_behind_arguments_are_read() -> None:
    text = """
def gate_forward(
    x,  # (N, C, L)
    s,  # (N, L)
):
    return x * s[:, None], (x, s)
def gate_backward(dy, cache):
    x, s = cache
    return dy * s[:, None], (dy * x).sum(1)
"""
    assert sc.check(text, explain=False).holds


def test_axes_that_a_gradient_begins_with_are_those_of_its_tensor() -> None:
    found = sc.check(ROWS, explain=False)
    assert found.holds, str(found)
    assert not sc.check(ROWS.replace("np.zeros((1, F))", "np.zeros((2, F))"), explain=False).holds


def test_a_gradient_that_is_none_is_said() -> None:
    found = sc.check(SCALED.replace("v.sum(2)", "None"), explain=False)
    assert found.unread == ("gshift: backward returns None for it",)


def test_a_logger_that_is_changed_elsewhere_is_refused() -> None:
    text = SCALED.replace("class Scaled", "log = print\nclass Scaled")
    with pytest.raises(sc.SpecError, match=r"print\.debug"):
        sc.check(text, explain=False)


PICKED = """
import numpy as np
def nll_forward(x, t):
    logp = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    return -logp[range(len(t)), t].mean(), (logp, t)
def nll_backward(dout, cache):
    logp, t = cache
    p = np.exp(logp)
    p[range(len(t)), t] -= 1
    return dout * p / len(t)
"""


def test_labels_pick_one_of_each_row() -> None:
    assert sc.check(PICKED, explain=False).holds


@pytest.mark.parametrize(("slope", "holds"), [("A * S", True), ("A", False)])
def test_several_constants_in_one_line(slope: str, holds: bool) -> None:
    text = f"""
import numpy as np
A, S = 1.5, 2.0 / 3.0
def bent_forward(v):
    return A * np.sin(S * v), v
def bent_backward(dy, v):
    return dy * {slope} * np.cos(S * v)
"""
    assert sc.check(text, explain=False).holds is holds
