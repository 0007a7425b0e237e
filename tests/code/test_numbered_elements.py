"""Elements at fixed places of an axis: sizes at which there are none are left out, as the function raises there."""

from __future__ import annotations

import pytest

import symconv as sc

PAIR = """
import numpy as np
def pair_forward(x):
    "x: (N, C)"
    return x[:, 0] * x[:, 1], x
def pair_backward(dout, x):
    dx = np.zeros_like(x)
    dx[:, 0] = dout * x[:, 1]
    dx[:, 1] = dout * x[:, 0]
    return dx
"""


def test_two_elements_of_a_longer_axis_are_read() -> None:
    proof = sc.check(PAIR, explain=False)["x"]
    assert proof.holds is True
    assert proof.operator.output_shape(x=(3, 2)) == (3,)
    with pytest.raises(sc.SymconvError):
        proof.operator.output_shape(x=(3, 1))


@pytest.mark.parametrize(("right", "other", "where"), [
    ("dx[:, 1]", "dx[:, -1]", "C ≥ 3"), ("dx[:, 1]", "dx[:, 0]", "always"), ("* x[:, 0]\n", "* x[:, 1]\n", "always"),
])  # fmt: skip
def test_another_element_is_wrong(right: str, other: str, where: str) -> None:
    assert PAIR.count(right) == 1
    proof = sc.check(PAIR.replace(right, other), explain=False)["x"]
    assert proof.holds is False
    assert where in {"always", proof.fails_when}
