"""Functions whose parts have kinks: verdicts are what difference quotients from both sides say."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc

SIGMOID = "1/(1 + np.exp(-x))"
SMOOTH = {
    "softplus": ("np.maximum(x, 0) + np.log(1 + np.exp(-np.abs(x)))", f"g*{SIGMOID}"),
    "softplus_log1p": ("np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))", f"g*{SIGMOID}"),
    "steep": ("np.maximum(x, 0) + np.log(1 + np.exp(-2*np.abs(x)))/2", "g/(1 + np.exp(-2*x))"),
    "parts": ("np.maximum(x, 0) - np.maximum(-x, 0)", "g"),
    "both": ("np.maximum(x, 0) + np.minimum(x, 0)", "g"),
    "square_of_abs": ("x*np.abs(x)", "2*g*np.abs(x)"),
    "times_relu": ("x*np.maximum(x, 0)", "2*g*np.maximum(x, 0)"),
    "huber": ("np.where(np.abs(x) < 1, 0.5*x*x, np.abs(x) - 0.5)", "g*np.where(np.abs(x) < 1, x, np.sign(x))"),
    "pieces": ("np.where(x > 0, x*x, 0)", "2*g*x*(x > 0)"),
    "cubic": ("np.where(x > 1, 2*x - 1, x*x)", "g*np.where(x > 1, 2, 2*x)"),
}
WRONG = {
    "softplus_step": ("np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))", "g*(x > 0)"),
    "softplus_at_0": (SMOOTH["softplus"][0], f"g*np.where(x == 0, 1.0, {SIGMOID})"),
    "parts_at_0": (SMOOTH["parts"][0], "g*np.where(x == 0, 2, 1)"),
    "square_at_0": ("x*np.abs(x)", "2*g*np.abs(x) + g*(x == 0)"),
    "pieces_at_0": ("np.where(x > 0, x*x, 0)", "2*g*x*(x > 0) + g*(x == 0)"),
    "cubic_at_1": (SMOOTH["cubic"][0], "g*np.where(x > 1, 2, 2*x)*(x != 1)"),
    "elsewhere": (SMOOTH["parts"][0], "g*(x < 2)"),
}


MISSED = {
    "parts": (SMOOTH["parts"][0], "g*(x != 0)"),
    "softplus": (SMOOTH["softplus"][0], "g*((x > 0) - np.sign(x)*np.exp(-np.abs(x))/(1 + np.exp(-np.abs(x))))"),
    "hole": ("np.where(x == 1, 2, 2*x)", "2*g*(x != 1)"),
}
"""What the rules for the parts give, and the whole has another derivative at one place."""
TWO = {
    "all right": ("np.maximum(x, 0)", SMOOTH["parts"][0], "(x > 0)", "1"),
    "none at 0": ("np.maximum(x, 0)", SMOOTH["parts"][0], "(x > 0)", "(x != 0)"),
    "smooth alone": ("np.maximum(x, 0)", "x", "(x > 0)", "1"),
    "other way": ("np.maximum(x, 0)", "x", "(x >= 0)", "1"),
    "wrong at 0": ("np.maximum(x, 0)", "x", "(x > 0)", "(x != 0)"),
    "both wrong at 0": ("np.maximum(x, 0)", SMOOTH["parts"][0], "(x >= 0)", "(x != 0)"),
    "first wrong": ("np.maximum(x, 0)", SMOOTH["parts"][0], "(x > 1)", "1"),
    "half": ("np.abs(x)", SMOOTH["parts"][0], "(2.0*(x > 0) - 1)", "1"),
    "square": ("x*np.abs(x)", "np.abs(x)", "2*np.abs(x)", "np.sign(x)"),
    "square off": ("x*np.abs(x)", "np.abs(x)", "(2*np.abs(x) + (x == 0))", "np.sign(x)"),
}
"""Two outputs, and what each cotangent is multiplied by."""


def code(forward: str, backward: str) -> str:
    return (
        f"import numpy as np\ndef layer_forward(x):\n    return {forward}, x\n"
        f"def layer_backward(g, x):\n    return {backward}\n"
    )


def is_derivative(forward: str, backward: str, where_smooth: bool = False) -> bool:
    """Whether quotients from the right and from the left give the claimed slope, at -3, -2.75, ..., 3.

    With ``where_smooth`` at those of them where both are the same.
    """
    x = np.arange(-3, 3.25, 0.25)
    step = 1e-7

    def at(text: str, points: np.ndarray) -> np.ndarray:
        return np.broadcast_to(eval(text, {"np": np, "g": 1.0}, {"x": points}), points.shape)  # noqa: S307

    quotients = [(at(forward, x + h) - at(forward, x)) / h for h in (step, -step)]
    asked = np.isclose(*quotients, rtol=1e-5, atol=1e-5) if where_smooth else np.full(x.shape, True)
    return all(np.allclose(one[asked], at(backward, x)[asked], rtol=1e-5, atol=1e-5) for one in quotients)


@pytest.mark.parametrize("name", SMOOTH)
def test_a_right_derivative_is_never_called_wrong(name: str) -> None:
    assert is_derivative(*SMOOTH[name])
    found = sc.check(code(*SMOOTH[name]))["x"]
    assert found.holds is not False, str(found)
    assert found.holds or (found.reason and found.leaning.startswith("true")), str(found)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_slope_where_only_parts_have_kinks_is_found(name: str) -> None:
    assert not is_derivative(*WRONG[name])
    found = sc.check(code(*WRONG[name]))["x"]
    assert found.holds is False, str(found)
    assert "right but at kinks" not in found.cause, str(found)


@pytest.mark.parametrize("explain", [True, False])
def test_a_claim_about_a_whole_without_kinks(explain: bool) -> None:
    op = sc.operator("y[i] = relu(x[i]) - relu(-x[i])")
    right = sc.prove(op, "gx = gy", explain=explain)
    assert right.holds is True and "continuous" in right.proved[0]
    assert sc.prove(op, "gx = 2*gy", explain=explain).holds is False


def test_a_real_kink_keeps_its_convention() -> None:
    op = sc.operator("y[i] = relu(x[i])")
    assert sc.prove(op, code="def backward(g, x):\n    return g * (x >= 0)\n")["x"].holds is False


@pytest.mark.parametrize("name", MISSED)
def test_what_only_the_rules_for_the_parts_give_is_not_proved(name: str) -> None:
    assert not is_derivative(*MISSED[name], where_smooth=True)
    found = sc.check(code(*MISSED[name]))["x"]
    assert found.holds is None and "they miss the derivative that the whole has" in found.reason, str(found)


@pytest.mark.parametrize("name", TWO)
def test_each_of_two_outputs_has_its_own_kinks(name: str) -> None:
    one, two, first, second = TWO[name]
    found = sc.check(
        f"import numpy as np\ndef layer_forward(x):\n    y = {one}\n    z = {two}\n    return (y, z), x\n"
        f"def layer_backward(dy, dz, x):\n    return dy*{first} + dz*{second}\n"
    )["x"]
    right = all(is_derivative(*pair, where_smooth=True) for pair in ((one, f"g*{first}"), (two, f"g*{second}")))
    if right:
        assert found.holds or found.reason or "right but at kinks" in found.cause, str(found)
    else:
        assert found.holds is not True, str(found)
        assert "right but at kinks" not in found.cause, str(found)


def test_a_claim_about_two_outputs_with_kinks() -> None:
    op = sc.operator("y[i] = relu(x[i]); z[i] = relu(x[i]) - relu(-x[i])")
    assert sc.prove(op, "gx = gy*(x > 0) + gz").holds is None
    assert sc.prove(op, "gx = gy*(x > 0) + gz*(x != 0)").holds is None
    assert sc.prove(op, "gx = gy*(x > 0) + 2*gz").holds is False
