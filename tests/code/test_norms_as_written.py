"""Normalisations that people write: Bessel's correction, lengths of weights, groups of channels; against quotients."""

from __future__ import annotations

import pytest
from quotients import is_told_apart, right_when_run

import symconv as sc

BESSEL = """
import numpy as np
def bn_forward(h, gain, bias):
    n = h.shape[0]
    mean = h.mean(0, keepdims=True)
    var = ((h - mean)**2).sum(0, keepdims=True) / (n - 1)
    inv = (var + 1e-5)**-0.5
    raw = (h - mean) * inv
    return gain * raw + bias, (gain, inv, raw, n)
def bn_backward(dout, cache):
    gain, inv, raw, n = cache
    dgain = (dout * raw).sum(0)
    dbias = dout.sum(0)
    dh = gain * inv / n * (n * dout - dout.sum(0) - n / (n - 1) * raw * (dout * raw).sum(0))
    return dh, dgain, dbias
"""
LENGTHS = """
import numpy as np
def wn_forward(x, v, g):
    n = np.sqrt((v**2).sum(axis=1, keepdims=True))
    w = g[:, None] * v / n
    return x @ w.T, (x, v, g, n, w)
def wn_backward(dout, cache):
    x, v, g, n, w = cache
    dx = dout @ w
    dw = dout.T @ x
    dg = (dw * v / n).sum(axis=1)
    dv = g[:, None] / n * (dw - (dw * v).sum(axis=1, keepdims=True) * v / n**2)
    return dx, dv, dg
"""
GROUPS = """
import numpy as np
def gn_forward(x, gamma, beta, G=2, eps=1e-5):
    N, C, H, W = x.shape
    xg = x.reshape(N * G, C // G * H * W)
    mu = xg.mean(axis=1, keepdims=True)
    var = xg.var(axis=1, keepdims=True)
    xh = ((xg - mu) / np.sqrt(var + eps)).reshape(N, C, H, W)
    return gamma.reshape(1, C, 1, 1) * xh + beta.reshape(1, C, 1, 1), (xh, gamma, var, G, eps)
def gn_backward(dout, cache):
    xh, gamma, var, G, eps = cache
    N, C, H, W = dout.shape
    dgamma = (dout * xh).sum(axis=(0, 2, 3))
    dbeta = dout.sum(axis=(0, 2, 3))
    dxh = (dout * gamma.reshape(1, C, 1, 1)).reshape(N * G, C // G * H * W)
    xg = xh.reshape(N * G, C // G * H * W)
    dx = (dxh - dxh.mean(axis=1, keepdims=True) - xg * (dxh * xg).mean(axis=1, keepdims=True)) / np.sqrt(var + eps)
    return dx.reshape(N, C, H, W), dgamma, dbeta
"""
RMS = """
import numpy as np
def rms_forward(x, w, eps=1e-6):
    rstd = 1 / np.sqrt((x**2).mean(-1, keepdims=True) + eps)
    return x * rstd * w, (x, w, rstd)
def rms_backward(dy, cache):
    x, w, rstd = cache
    xn = x * rstd
    wdy = w * dy
    c = (xn * wdy).mean(-1, keepdims=True)
    dx = (wdy - xn * c) * rstd
    dw = (dy * xn).reshape(-1, w.shape[0]).sum(0)
    return dx, dw
"""


def grouped(to: str, axis: int) -> str:
    return GROUPS.replace("(N * G, C // G * H * W)", to).replace("axis=1", f"axis={axis}")


ASSERTED = grouped("(N, G, -1)", 2).replace("shape\n    xg", "shape\n    assert C % G == 0\n    xg")
VECTORS = ((4, 3), (3,), (3,))
ROWS = ((2, 3, 4), (4,))
CASES: dict[str, tuple[str, tuple[tuple[int, ...], ...], str, str, str]] = {
    "Bessel": (BESSEL, VECTORS, "h", "n / (n - 1) * raw", "raw"),
    "lengths of weights": (LENGTHS, ((4, 3), (2, 3), (2,)), "v", "v / n**2", "v / n"),
    "rows of groups": (GROUPS, ((2, 4, 3, 2), (4,), (4,)), "x", "(dxh * xg).mean", "(dxh * xg).sum"),
    "groups and one axis": (
        grouped("(N, G, C // G * H * W)", 2), ((2, 4, 3, 2), (4,), (4,)), "x", "np.sqrt(var + eps)\n    return dx",
        "(var + eps)\n    return dx",
    ),
    "roots of means of squares": (RMS, ROWS, "x", "xn * c", "x * c"),
    "what is left": (ASSERTED, ((2, 4, 3, 2), (4,), (4,)), "x", "- xg * (dxh", "+ xg * (dxh"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_is_proved_and_a_slip_of_it_refuted(case: str) -> None:
    is_told_apart(*CASES[case])


def test_a_weight_that_is_a_vector_stands_beside_rows() -> None:
    proofs = sc.check(RMS, explain=False)
    assert [len(one.axes) for one in proofs["x"].operator.inputs] == [4, 1]


THRESHOLD = """
import numpy as np
def ffn_forward(x, v, b, w):
    h = x @ v + b
    return np.maximum(0, h) @ w, (x, v, w, h)
def ffn_backward(dout, cache):
    x, v, w, h = cache
    dh = (dout @ w.T) * (h > 0)
    return dh @ v.T, x.T @ dh, dh.sum(0), np.maximum(0, h).T @ dout
"""


def test_a_threshold_that_whole_numbers_do_not_tell_from_0_is_refuted() -> None:
    shapes = ((4, 3), (3, 2), (2,), (2, 3))
    assert all(right_when_run(THRESHOLD, shapes)) and sc.check(THRESHOLD, explain=False).holds is True
    slip = THRESHOLD.replace("h > 0", "h >= 1")
    assert right_when_run(slip, shapes) == [False, False, False, True]
    assert [proof.holds for proof in sc.check(slip, explain=False).values()] == [False, False, False, True]


def test_the_length_of_what_is_left_says_which_size_is_cut() -> None:
    with pytest.raises(sc.SpecError, match=r"say which size is cut, as in C // groups"):
        sc.check(grouped("(N, G, -1)", 2))
