"""Words whose meaning differs between libraries or is made of others: unbiased variances, arrays filled with a value."""

from __future__ import annotations

import pytest

import symconv as sc

SPREAD = """
import {library}

class Spread({base}):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.{word}

    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        D = x.shape[1]
        xc = x - x.mean(1)[:, None]
        return {slope} * g[:, None]
"""
OF_VAR, OF_STD = "2 * xc / {}", "xc / ({} * x.std(1)[:, None])"


@pytest.mark.parametrize(
    ("library", "word", "less"),
    [
        ("torch", "var(dim=1)", 1), ("torch", "var(1, unbiased=False)", 0),
        ("torch", "std(dim=1)", 1), ("numpy", "var(axis=1)", 0), ("numpy", "var(axis=1, ddof=1)", 1),
    ],
)  # fmt: skip
def test_variances_are_divided_as_their_library_says(library: str, word: str, less: int) -> None:
    slope = OF_VAR if "var" in word else OF_STD
    base = "torch.autograd.Function" if library == "torch" else "object"
    for other in (0, 1, 2):
        text = SPREAD.format(library=library, base=base, word=word, slope=slope.format(f"(D - {other})"))
        assert sc.check(text, explain=False)["x"].holds is (other == less), (word, other)


MEAN = """
import numpy as np

def mean_forward(x):
    \"\"\"x: (N, D)\"\"\"
    return x.mean(), x.shape

def mean_backward(dout, shape):
    return np.full(shape, dout / {})
"""


@pytest.mark.parametrize(("count", "right"), [("np.prod(shape)", True), ("shape[0]", False), ("len(shape)", False)])
def test_arrays_are_filled_with_a_cotangent(count: str, right: bool) -> None:
    assert sc.check(MEAN.format(count), explain=False)["x"].holds is right


def test_arrays_filled_with_an_array_are_refused() -> None:
    text = MEAN.replace("x.mean()", "x.sum(0)").format("1")
    assert "write np.broadcast_to" in sc.check(text, explain=False)["x"].reason
