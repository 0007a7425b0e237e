"""Where parts of a formula have kinks and the whole has none, a claim is the derivative, as difference quotients say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import symconv as sc

STABLE = "y[i] = max(x[i],0) - x[i]*w[i] + log(1 + exp(-abs(x[i])))"


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


RIGHT: list[tuple[str, str, Callable[..., np.ndarray], Callable[..., np.ndarray]]] = [
    (STABLE, "gx = gy*(1/(1 + exp(-x)) - w)",
     lambda x, w: relu(x) - x * w + np.log1p(np.exp(-abs(x))), lambda x, w: 1 / (1 + np.exp(-x)) - w),
    (STABLE, "gx = gy*(sigmoid(x) - w)",
     lambda x, w: relu(x) - x * w + np.log1p(np.exp(-abs(x))), lambda x, w: 1 / (1 + np.exp(-x)) - w),
    ("y[i] = relu(x[i]) - relu(-x[i])", "gx = gy", lambda x, w: relu(x) - relu(-x), lambda x, w: 1 + 0 * x),
    ("y[i] = max(x[i], w[i]) + min(x[i], w[i])", "gx = gy", lambda x, w: x + w, lambda x, w: 1 + 0 * x),
    ("y[i] = where(x[i] > 0, x[i], 0) + where(x[i] < 0, x[i], 0)", "gx = gy", lambda x, w: x, lambda x, w: 1 + 0 * x),
    ("y[i] = (relu(x[i]) - relu(-x[i]))/(1 + abs(w[i]))", "gx = gy/(1 + abs(w))",
     lambda x, w: x / (1 + abs(w)), lambda x, w: 1 / (1 + abs(w))),
    ("y[i] = relu(x[i]) - relu(-x[i]) + relu(w[i])*x[i]", "gx = gy*(1 + relu(w))",
     lambda x, w: x * (1 + relu(w)), lambda x, w: 1 + relu(w)),
    ("y[i] = where(x[i] > 0, x[i], 0) + where(x[i] < 0, exp(x[i]) - 1, 0)", "gx = gy*where(x > 0, 1, exp(x))",
     lambda x, w: np.where(x > 0, x, np.expm1(x)), lambda x, w: np.where(x > 0, 1, np.exp(x))),
    ("y[i] = max(x[i], 0) + min(exp(x[i]) - 1, 0)", "gx = gy*where(x > 0, 1, exp(x))",
     lambda x, w: np.where(x > 0, x, np.expm1(x)), lambda x, w: np.where(x > 0, 1, np.exp(x))),
]  # fmt: skip
WRONG = [
    (STABLE, "gx = gy*(1/(1 + exp(-x)) + w)"),
    ("y[i] = relu(x[i]) + relu(-x[i])", "gx = gy"),
    ("y[i] = relu(x[i])", "gx = gy*(x >= 0)"),
    ("y[i] = max(x[i], w[i]) - min(x[i], w[i])", "gx = gy"),
    # They jump at 0.
    ("y[i] = where(x[i] > 0, x[i], 0) + where(x[i] < 0, exp(x[i]) - 2, 0)", "gx = gy*where(x > 0, 1, exp(x))"),
    ("y[i] = where(x[i] > 0, x[i], 0) + where(x[i] < 0, x[i], 0) + where(x[i] == 0, 1, 0)", "gx = gy"),
]
OPEN = [
    # What is cut is w·x: for w = 0 there is no side of the kink.
    ("y[i] = relu(w[i]*x[i]) - relu(-w[i]*x[i])", "gx = gy*w"),
    # x[0] itself is in every argument twice.
    ("y[i] = relu(x[i] - x[0]) - relu(x[0] - x[i]) + x[0]", "gx[i] = gy[i]"),
]


@pytest.mark.parametrize(("formula", "claim", "function", "slope"), RIGHT, ids=[f"{a} {b}" for a, b, _, _ in RIGHT])
def test_the_derivative_of_the_whole_is_proved(formula: str, claim: str, function: object, slope: object) -> None:
    assert callable(function) and callable(slope)
    proof = sc.prove(sc.operator(formula), claim)
    assert proof.holds is True, str(proof)
    assert "continuous" in proof.proved[0] and proof.fails_when == "never"
    x, w = np.array([0.0, 0.0, 1.5, -2.0, 0.7]), np.array([0.0, 1.3, 1.5, 0.4, -0.7])
    step = 1e-6
    ahead, behind = (s * (function(x + s * step, w) - function(x, w)) / step for s in (1, -1))
    np.testing.assert_allclose(ahead, slope(x, w), atol=1e-5)
    np.testing.assert_allclose(behind, slope(x, w), atol=1e-5)


@pytest.mark.parametrize(("formula", "claim"), WRONG)
def test_what_is_no_derivative_is_not(formula: str, claim: str) -> None:
    assert sc.prove(sc.operator(formula), claim).holds is False


@pytest.mark.parametrize(("formula", "claim"), OPEN)
def test_what_no_element_crosses_is_not_proved(formula: str, claim: str) -> None:
    assert sc.prove(sc.operator(formula), claim).holds is not True


def test_slopes_of_exact_numbers_are_exact() -> None:
    """A slope of 1.0 made floats of fractions, and 5/7 differed from them."""
    assert sc.prove(sc.operator("y[i] = max(x[i], 0)/(2 + w[i]*w[i])"), "gx = gy*(x >= 0)/(2 + w*w)").holds is True
    assert sc.prove(sc.operator("y[i] = hardtanh(x[i])/(2 + w[i])"), "gw = -gy*y/(2 + w)").holds is True
