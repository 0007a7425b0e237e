"""``max`` and ``min`` of more than two, and what is said of powers of e."""

from __future__ import annotations

import pytest

import symconv as sc


@pytest.mark.parametrize(("formula", "right", "wrong"), [
    ("y[i] = max(x[i], w[i], 0)", "y = np.maximum(np.maximum(x, w), 0)", "y = np.maximum(x, w)"),
    ("y[i] = min(x[i], 1, w[i])", "y = np.minimum(np.minimum(x, w), 1)", "y = np.minimum(np.minimum(x, w), 0)"),
    ("y[i] = max(x[i], 2*x[i], w[i], -1)", "y[i] = max(max(x[i], 2*x[i]), max(w[i], -1))", "y[i] = max(x[i], w[i])"),
    ("y[i] = max(x[i], w[i], 0)", "gw = gy*(w > x)*(np.maximum(x, w) >= 0)", "gw = gy*(w > 0)"),
    ("y[i] = max(x[i], w[i], 0)", "gx = gy*(x >= w)*(np.maximum(x, w) >= 0)", "gx = gy*(x > w)"),
])  # fmt: skip
def test_max_and_min_of_several(formula: str, right: str, wrong: str) -> None:
    op = sc.operator(formula)
    assert sc.prove(op, right, explain=False).holds is True
    assert sc.prove(op, wrong, explain=False).holds is False


@pytest.mark.parametrize("formula", ["y[i] = max(x[i])", "y[i] = abs(x[i], w[i], 1)"])
def test_one_argument_is_too_few_and_three_are_too_many_elsewhere(formula: str) -> None:
    with pytest.raises(sc.SpecError):
        sc.operator(formula)


def test_e_to_a_power_is_exp() -> None:
    with pytest.raises(sc.SpecError, match=r"e\*\*u is written exp\(u\)"):
        sc.operator("y[i] = e**x[i]")
    assert "exp" in str(sc.operator("y[i] = e[i]**x[i]*exp(x[i])"))
