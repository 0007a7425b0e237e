"""Windows that are cut off at the ends of an axis by max and min, as blogs write local response normalisation."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc

WINDOW = """
import numpy as np
def window_forward(x, n=5):
    N, C = x.shape
    h = n // 2
    s = np.zeros_like(x)
    for c in range(C):
        lo, hi = max(0, c - h), min(C, c + h + 1)
        s[:, c] = (x[:, lo:hi] ** 2).sum(axis=1)
    return OUT, (x, s, n)
def window_backward(dy, cache):
    x, s, n = cache
    N, C = x.shape
    h = n // 2
    t = dy * SLOPE
    acc = np.zeros_like(x)
    for c in range(C):
        lo, hi = max(0, c - h), min(C, c + h + 1)
        acc[:, c] = t[:, lo:hi].sum(axis=1)
    return (REST2 * x * acc,)
"""


def layer(out: str, slope: str, rest: str = "") -> str:
    return WINDOW.replace("OUT", out).replace("SLOPE", slope).replace("REST", rest)


@pytest.mark.parametrize(("out", "sums"), [
    ("s", lambda x, s: s),
    ("np.tanh(1 + s)", lambda x, s: np.tanh(1 + s)),
    ("x / (2 + s)", lambda x, s: x / (2 + s)),
    ("x / (2 + 1e-4 * s) ** 0.75", lambda x, s: x / (2 + 1e-4 * s) ** 0.75),
])  # fmt: skip
def test_they_are_read_for_all_lengths(out: str, sums) -> None:
    op = sc.check(layer(out, "x"), explain=False)["x"].operator
    kernel = sc.build(op, dtype="float64")
    for length in (1, 2, 3, 7):
        x = np.random.default_rng(length).normal(size=(2, length))
        s = np.stack([(x[:, max(0, c - 2) : c + 3] ** 2).sum(1) for c in range(length)], axis=1)
        np.testing.assert_allclose(kernel(x), sums(x, s), rtol=1e-13)


@pytest.mark.parametrize(("slope", "right"), [("1", True), ("s", False)])
def test_gradients_of_sums_over_them(slope: str, right: bool) -> None:
    proof = sc.check(layer("s", slope), explain=False)["x"]
    assert proof.holds is right


def test_powers_of_sums_over_them_are_printed_as_formulas_are_written() -> None:
    op = sc.check(layer("x / (2 + s) ** 0.75", "x"), explain=False)["x"].operator
    assert "**(3/4)" in op.source and "pow" not in op.source
