"""Words that other words define, of what is no name: right claims are proved, and wrong ones have a counterexample."""

from __future__ import annotations

import pytest

import symconv as sc

CLAIMS = (
    ("gy*np.greater(2*x, 0)", "gy*np.greater(-x, 0)"),
    ("gy*np.less(-x, 0)", "gy*np.less(x + 1, 0)"),
    ("np.negative(-gy)*(x > 0)", "np.negative(2*gy)*(x > 0)"),
    ("np.multiply(gy*1, x > 0)", "np.multiply(-gy, x > 0)"),
    ("np.subtract(2*gy, gy)*(x > 0)", "np.subtract(gy - 1, gy)*(x > 0)"),
    ("np.divide(gy*3, 3)*(x > 0)", "np.divide(-gy, 2)"),
    ("gy*np.heaviside(x*3, 0)", "gy*np.heaviside(-x, 1)"),
    ("gy*(x > 0)*np.power(gy + 2, 0)", "gy*np.power(-x, 2)"),
    ("gy*(x > 0)*np.square(x - x + 1)", "gy*np.square(-x)"),
    ("gy*(x > 0)*np.equal(x - x, 0)", "gy*np.equal(-x, x)"),
    ("gy*(np.clip(x*2, 0, 1) > 0)", "gy*np.clip(-x, 0, 1)"),
)


@pytest.mark.parametrize(("right", "wrong"), CLAIMS, ids=[right for right, _ in CLAIMS])
def test_a_word_of_an_expression(right: str, wrong: str) -> None:
    op = sc.operator("y[n,c] = relu(x[n,c])")
    assert sc.prove(op, f"gx = {right}").holds is True
    proof = sc.prove(op, f"gx = {wrong}")
    assert proof.holds is False
    assert proof.counterexample is not None
