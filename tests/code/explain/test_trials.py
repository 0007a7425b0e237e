"""Functions are tried many times on what their forward function keeps: as if it were run anew each time."""

from __future__ import annotations

import pytest

import symconv as sc

CHANGING = """
def square_forward(x):
    kept = {"x": x, "rows": [x[::-1]]}
    return x * x, kept


def square_backward(dy, kept):
    rows = kept["rows"]
    rows[0] *= 3
    dy *= rows.pop()[::-1]
    return dy * 2
"""


@pytest.mark.parametrize("text", [CHANGING, CHANGING.replace("x[::-1]", "x.copy()[::-1]")])
def test_what_a_trial_changes_is_there_again_for_the_next(text: str) -> None:
    proof = sc.check(text)["x"]
    assert proof.holds is False
    assert proof.line == 9
    assert proof.repair == "line 9: pass"
    assert sc.check(text.replace("rows[0] *= 3", "pass"))["x"].holds is True
