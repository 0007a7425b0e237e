"""Kinks that lie where a formula puts them: difference quotients from both sides say what may be claimed there."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import symconv as sc

RIGHT = {
    "shifted": ("np.maximum(x - 3.5, 0)", "g*(x > 3.5)"),
    "shifted, other side": ("np.maximum(x - 3.5, 0)", "g*(x >= 3.5)"),
    "shifted, half": ("np.maximum(x - 3.5, 0)", "g*np.where(x == 3.5, 0.5, x > 3.5)"),
    "both sides": ("np.maximum(x - 3.5, 0) - np.maximum(3.5 - x, 0)", "g"),
    "half of another": ("np.abs(x - w/2)", "g*np.where(x >= w/2, 1, -1)"),
    "ends": ("np.clip(x, -0.3, 5)", "g*((x >= -0.3) & (x < 5))"),
    "product": ("np.maximum(x*w - 1, 0)", "g*w*(x*w >= 1)"),
    "hinge": ("np.maximum(0, 1 - w*x)", "-g*w*(w*x <= 1)"),
    "hinge, part": ("np.maximum(0, 1 - w*x)", "-g*w*np.where(w*x == 1, 0.25, w*x < 1)"),
    "half at 0": ("np.maximum(x, 0)", "g*np.where(x == 0, 0.5, x > 0)"),
}
WRONG = {
    "shifted": ("np.maximum(x - 3.5, 0)", "g*np.where(x == 3.5, 7, x > 3.5)"),
    "both sides": ("np.maximum(x - 3.5, 0) - np.maximum(3.5 - x, 0)", "g*np.where(x == 3.5, 7, 1)"),
    "half of another": ("np.abs(x - w/2)", "g*np.where(x == w/2, 7, np.sign(x - w/2))"),
    "ends": ("np.clip(x, -0.3, 5)", "g*((x >= -0.3) & (x <= 5))*np.where(x == 5, 9, 1)"),
    "product": ("np.maximum(x*w - 1, 0)", "g*w*np.where(x*w == 1, 3, x*w > 1)"),
    "hinge": ("np.maximum(0, 1 - w*x)", "-g*w*np.where(w*x == 1, 2, w*x < 1)"),
    "beyond at 0": ("np.maximum(x, 0)", "g*np.where(x == 0, 7, x > 0)"),
}
BY_THE_RULES = {
    "shifted": ("np.maximum(x - 3.5, 0) - np.maximum(3.5 - x, 0)", "g*(x != 3.5)"),
    "half of another": ("np.maximum(x - w/2, 0) - np.maximum(w/2 - x, 0)", "g*(x != w/2)"),
    "product": ("np.maximum(0, 1 - w*x) - np.maximum(0, w*x - 1)", "-g*w*(w*x != 1)"),
}
"""What the rules for the parts give, and the whole has another derivative where they have kinks."""
VALUES = (-0.3, 0.0, 0.25, 0.5, -2.0, 1.0, 2.0, 3.5, 4.0, 5.0, 7.0, 0.8125)


def code(forward: str, backward: str) -> str:
    more = ", w" if "w" in forward else ""
    zero = ", None" if more else ""
    return (
        f"import numpy as np\ndef layer_forward(x{more}):\n    return {forward}, (x{more or ','})\n"
        f"def layer_backward(g, cache):\n    (x{more or ','}) = cache\n    return {backward}{zero}\n"
    )


def may_be_claimed(forward: str, backward: str) -> bool:
    """Whether at every x and w the claimed slope is one of the quotients by x, or lies between them."""

    def at(text: str, **given: Any) -> float:
        return float(eval(text, {"np": np, "g": 1.0}, given))  # noqa: S307

    step = 1e-7
    for x, w in product(VALUES, VALUES):
        start = at(forward, x=x, w=w)
        ends = [(at(forward, x=x + h, w=w) - start) / h for h in (step, -step)]
        if not min(ends) - 1e-5 <= at(backward, x=x, w=w) <= max(ends) + 1e-5:
            return False
    return True


@pytest.mark.parametrize("name", RIGHT)
def test_what_may_be_claimed_is_never_called_wrong(name: str) -> None:
    assert may_be_claimed(*RIGHT[name])
    found = sc.check(code(*RIGHT[name]), explain=False)["x"]
    assert found.holds or (found.reason and found.holds is None), str(found)


@pytest.mark.parametrize("name", WRONG)
def test_what_may_not_be_claimed_at_a_kink_is_called_wrong(name: str) -> None:
    assert not may_be_claimed(*WRONG[name])
    found = sc.check(code(*WRONG[name]), explain=False)["x"]
    assert found.holds is False, str(found)


@pytest.mark.parametrize("name", BY_THE_RULES)
def test_what_the_rules_alone_give_is_not_proved(name: str) -> None:
    assert not may_be_claimed(*BY_THE_RULES[name])
    found = sc.check(code(*BY_THE_RULES[name]), explain=False)["x"]
    assert found.holds is not True, str(found)


def test_a_kink_at_a_fraction_is_named() -> None:
    found = sc.check(code(*WRONG["both sides"]))["x"]
    assert "= 7/2; fractions, confirmed by brute force" in found.text(), found.text()


def test_no_convention_gives_what_is_not_between_the_slopes() -> None:
    found = sc.check(code(*WRONG["beyond at 0"]))["x"]
    assert "right but at kinks" in found.cause and "not between the slopes around" in found.cause
    said = sc.prove(sc.operator("y[i] = relu(x[i])"), code="def f(g, x):\n    return g*(x >= 0)\n")["x"]
    assert said.holds is False and "not between" not in said.cause


@pytest.mark.parametrize(("first", "second", "right"), [
    ("(x >= 0)", "1", True), ("np.where(x == 0, 0.5, x > 0)", "1", True), ("(x >= 0)", "(1 + (x == 0))", False),
    ("np.where(x == 0, 2, x > 0)", "1", False), ("(x >= 0)", "(x != 0)", False),
])  # fmt: skip
def test_each_output_has_a_convention_of_its_own(first: str, second: str, right: bool) -> None:
    one, two = "np.maximum(x, 0)", "np.maximum(x, 0) - np.maximum(-x, 0)"
    assert right is (may_be_claimed(one, first) and may_be_claimed(two, second))
    found = sc.check(
        f"import numpy as np\ndef layer_forward(x):\n    y = {one}\n    z = {two}\n    return (y, z), x\n"
        f"def layer_backward(dy, dz, x):\n    return dy*{first} + dz*{second}\n", explain=False
    )["x"]  # fmt: skip
    assert found.holds is not (not right), str(found)


TIES = "import numpy as np\ndef pool_forward(x):\n    return x.max(axis=1), x\ndef pool_backward(g, x):\n"


@pytest.mark.parametrize(("mask", "right"), [
    ("(x == x.max(axis=1, keepdims=True)) / (x == x.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True)", True),
    ("(x == x.max(axis=1, keepdims=True))", False),
])  # fmt: skip
def test_equal_elements_may_share_a_slope_and_not_double_it(mask: str, right: bool) -> None:
    found = sc.check(f"{TIES}    return g[:, None] * {mask}\n", explain=False)["x"]
    assert found.holds is not (not right), str(found)


def test_a_loss_of_absolute_differences_takes_any_sign_at_0() -> None:
    text = (
        "import numpy as np\ndef l1_forward(x, t):\n    return np.sum(np.abs(x - t)), (x, t)\n"
        "def l1_backward(g, cache):\n    x, t = cache\n    return g * np.where(x >= t, {at}, -1), None\n"
    )
    assert sc.check(text.format(at="1"), explain=False)["x"].holds is not False
    assert sc.check(text.format(at="np.where(x == t, 3, 1)"), explain=False)["x"].holds is False
