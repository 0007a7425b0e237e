"""Biases that are rows or columns beside matrices, where backward keeps the axis that it sums over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

LAYER = """
import numpy as np
def layer_forward(x, w, b):
    return {product} + b, (x, w, b)
def layer_backward(dout, cache):
    x, w, b = cache
    return {dx}, {dw}, {db}
"""
SAMPLES_FIRST = {"product": "x @ w", "dx": "dout @ w.T", "dw": "x.T @ dout"}
SAMPLES_LAST = {"product": "w @ x", "dx": "w.T @ dout", "dw": "dout @ x.T"}
CASES: dict[str, tuple[dict[str, str], str, tuple[int, int], bool]] = {
    "row": (SAMPLES_FIRST, "dout.sum(axis=0, keepdims=True)", (1, 5), True),
    "row, mean": (SAMPLES_FIRST, "dout.mean(axis=0, keepdims=True)", (1, 5), False),
    "row, other axis": (SAMPLES_FIRST, "dout.sum(axis=1, keepdims=True)", (1, 5), False),
    "column": (SAMPLES_LAST, "np.sum(dout, axis=1, keepdims=True)", (4, 1), True),
    "column, twice": (SAMPLES_LAST, "2 * np.sum(dout, axis=1, keepdims=True)", (4, 1), False),
    "column, other axis": (SAMPLES_LAST, "np.sum(dout, axis=0, keepdims=True)", (4, 1), False),
}


def space_of(text: str) -> dict[str, Any]:
    space: dict[str, Any] = {}
    exec(text, space)  # noqa: S102
    return space


@pytest.mark.parametrize("case", CASES)
def test_biases_are_lines_as_difference_quotients_say(case: str) -> None:
    layer, db, shape, right = CASES[case]
    text, rng = LAYER.format(**layer, db=db), np.random.default_rng(0)
    proofs = sc.check(text, explain=False)
    assert [proofs[name].holds for name in "xwb"] == [True, True, right]
    assert [len(tensor.axes) for tensor in proofs["b"].operator.inputs] == [2, 2, 2]
    space = space_of(text)
    x, w = rng.normal(size=(3, 4)), rng.normal(size=(4, 5))
    x, w = (x, w) if layer is SAMPLES_FIRST else (w, rng.normal(size=(4, 4)))
    b, step = rng.normal(size=shape), 1e-6 * rng.normal(size=shape)
    y, kept = space["layer_forward"](x, w, b)
    dout = rng.normal(size=y.shape)
    got = space["layer_backward"](dout, kept)[2]
    slope = np.sum(dout * (space["layer_forward"](x, w, b + step)[0] - space["layer_forward"](x, w, b - step)[0])) / 2
    assert (got.shape == shape and bool(np.isclose(slope, np.sum(got * step), rtol=1e-6))) is right


def test_a_vector_stays_one_where_no_axis_is_kept() -> None:
    proof = sc.check(LAYER.format(**SAMPLES_FIRST, db="dout.sum(axis=0)"), explain=False)["b"]
    assert proof.holds is True
    assert len(proof.operator.inputs[2].axes) == 1


def test_a_bias_for_each_sample_is_not_made_up() -> None:
    proof = sc.check(LAYER.format(**SAMPLES_FIRST, db="dout.sum(axis=1, keepdims=True)"))["b"]
    assert proof.holds is False
    assert proof.repair.endswith("dout.sum(axis=0, keepdims=True)")
