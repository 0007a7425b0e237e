"""Circular correlations by np.roll in a loop, windows of a height and a width, rows against rows with axes between."""

from __future__ import annotations

import numpy as np
import pytest
from test_norms_as_written import right_when_run

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
    text, shapes, wrong, before, after = CASES[case]
    assert all(right_when_run(text, shapes))
    assert sc.check(text, explain=False).holds is True
    slip = text.replace(before, after)
    assert slip != text and right_when_run(slip, shapes).count(False) == 1
    proofs = sc.check(slip, explain=False)
    assert {name for name, proof in proofs.items() if proof.holds is False} == {wrong}


def test_a_circular_kernel_is_no_longer_than_its_axis() -> None:
    op = sc.check(CIRCULAR, explain=False)["x"].operator
    assert any("roll of an axis by more than its length" in str(one) or "defined there" in str(one)
               for one in op.assumptions)  # fmt: skip
    kernel = sc.build(op, dtype="float64")
    rng = np.random.default_rng(2)
    for length in (3, 4, 7):
        x, w = rng.normal(size=length), rng.normal(size=3)
        wanted = sum(w[k] * np.roll(x, -k) for k in range(3))
        np.testing.assert_allclose(kernel(x, w), wanted, rtol=1e-12, atol=1e-12)


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
