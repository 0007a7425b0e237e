"""Circular correlations by np.roll in a loop, numbers that nothing says, rows against rows with axes between."""

from __future__ import annotations

import numpy as np
import pytest
from quotients import is_told_apart, right_when_run

import symconv as sc

CIRCULAR = """
import numpy as np
def circ_forward(x, w):
    y = np.zeros_like(x)
    for k in range(len(w)):
        y += w[k] * np.roll(x, -k, axis=-1)
    return y, (x, w)
def circ_backward(dy, cache):
    x, w = cache
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for k in range(len(w)):
        dx += w[k] * np.roll(dy, k, axis=-1)
        dw[k] = np.sum(dy * np.roll(x, -k, axis=-1))
    return dx, dw
"""
KERNEL = """
import numpy as np
def rbf_forward(x, c, gamma=0.5):
    d = ((x[:, None, :] - c[None, :, :]) ** 2).sum(-1)
    k = np.exp(-gamma * d)
    return k, (x, c, k, gamma)
def rbf_backward(dk, cache):
    x, c, k, gamma = cache
    g = -gamma * dk * k
    dx = 2 * (g.sum(1, keepdims=True) * x - g @ c)
    dc = 2 * (g.sum(0)[:, None] * c - g.T @ x)
    return dx, dc
"""
CASES = {
    "circular": (CIRCULAR, ((6,), (3,)), "x", "np.roll(dy, k", "np.roll(dy, -k"),
    "taps of the first element": (CIRCULAR, ((6,), (3,)), "w", "np.sum(dy * np.roll(x, -k, axis=-1))", "dy[0] * x[k]"),
    "rows against rows": (KERNEL, ((3, 4), (2, 4)), "c", "g.T @ x)", "g.T @ x * gamma)"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_is_proved_and_a_slip_of_it_refuted(case: str) -> None:
    is_told_apart(*CASES[case])


def test_a_circular_kernel_goes_round_once() -> None:
    op = sc.check(CIRCULAR, explain=False)["x"].operator
    kernel = sc.build(op, dtype="float64")
    rng = np.random.default_rng(2)
    for length in (2, 3, 4, 7):
        x, w = rng.normal(size=length), rng.normal(size=3)
        wanted = sum(w[k] * np.roll(x, -k) for k in range(3))
        np.testing.assert_allclose(kernel(x, w), wanted, rtol=1e-12, atol=1e-12)
    with pytest.raises(sc.SpecError, match="defined there"):
        kernel(np.ones(2), np.ones(4))


UPSAMPLED = """
import numpy as np
def up_forward(x, fh, fw):
    n, c, h, w = x.shape
    out = np.zeros((n, c, h * fh, w * fw))
    for i in range(h * fh):
        for j in range(w * fw):
            out[:, :, i, j] = x[:, :, i // fh, j // fw]
    return out, (x.shape, fh, fw)
def up_backward(dout, cache):
    shape, fh, fw = cache
    dx = np.zeros(shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            dx[:, :, i // fh, j // fw] += dout[:, :, i, j]
    return dx
"""


def test_factors_of_two_sides_are_looked_at_as_different_numbers() -> None:
    """Exchanged they are right wherever both are one number."""
    assert sc.check(UPSAMPLED, explain=False).holds is True
    slip = UPSAMPLED.replace("i // fh, j // fw] += dout", "i // fw, j // fh] += dout")
    assert slip != UPSAMPLED
    proofs = sc.check(slip)
    assert proofs.holds is False and "i // fh, j // fw" in (proofs["x"].repair or "")


UNSAID = """
import torch
import torch.nn.functional as F
class GroupConv(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding, groups):
        ctx.save_for_backward(x, weight, bias)
        ctx.stride, ctx.padding, ctx.groups = stride, padding, groups
        return F.conv2d(x, weight, bias, stride, padding, 1, groups)
    @staticmethod
    def backward(ctx, grad_out):
        x, weight, bias = ctx.saved_tensors
        dx, dw = torch.zeros_like(x), torch.zeros_like(weight)
        ci, co = weight.shape[1], weight.shape[0] // ctx.groups
        for g in range(ctx.groups):
            xg, wg = x[:, g * ci:(g + 1) * ci], weight[g * co:(g + 1) * co]
            gg = grad_out[:, g * co:(g + 1) * co]
            dx[:, g * ci:(g + 1) * ci] = torch.nn.grad.conv2d_input(xg.shape, wg, gg, ctx.stride, ctx.padding)
            dw[g * co:(g + 1) * co] = torch.nn.grad.conv2d_weight(xg, wg.shape, gg, ctx.stride, ctx.padding)
        return dx, dw, grad_out.sum(dim=(0, 2, 3)), None, None, None
"""


def test_groups_that_nothing_says_are_one_and_two() -> None:
    proofs = sc.check(UNSAID, "GroupConv")
    assert proofs.holds is True
    slip = sc.check(UNSAID.replace("gg = grad_out[:, g * co:(g + 1) * co]", "gg = grad_out[:, :co]"), "GroupConv")
    assert [proof.holds for proof in slip.values()] == [False, False, True]
    assert slip.numbers.startswith("looked at with groups = 2")


POWERS = """
import numpy as np
def lp_forward(x, k=2, p=3):
    N, C, H, W = x.shape
    oh, ow = H // k, W // k
    s = np.zeros((N, C, oh, ow))
    for i in range(k):
        for j in range(k):
            s += np.abs(x[:, :, i:oh*k:k, j:ow*k:k]) ** p
    return s ** (1 / p), (x, s, k, p)
def lp_backward(dy, cache):
    x, s, k, p = cache
    oh, ow = dy.shape[2:]
    dx = np.zeros_like(x)
    for i in range(k):
        for j in range(k):
            xi = x[:, :, i:oh*k:k, j:ow*k:k]
            dx[:, :, i:oh*k:k, j:ow*k:k] = dy * s ** (1 / p) * np.abs(xi) ** (p - 1) * np.sign(xi)
    return (dx,)
"""


def test_numbers_that_overflow_while_code_is_looked_into_are_no_warning() -> None:
    """Edits of a wrong line are tried on numbers, and of powers some are larger than any number."""
    assert right_when_run(POWERS, ((2, 2, 5, 6),)) == [False]
    proof = sc.check(POWERS)["x"]
    assert proof.holds is False and proof.line == 18
