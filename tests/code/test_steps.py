"""Layers that step along their gradients in backward: what is subtracted is a gradient, and the parameter is new behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

DENSE = """
import numpy as np
class Dense:
    def __init__(self, W, lr=0.1):
        self.W, self.lr = W, lr
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, g, learning_rate):
        {body}
"""
FIRST = "dx = g @ self.W.T\n        self.W {step}\n        return dx"
LATE = "self.W {step}\n        return g @ self.W.T"
STEPS = {
    "-=": ("-= learning_rate * (self.x.T @ g)", True),
    "=": ("= self.W - self.x.T @ g * learning_rate", True),
    "own rate": ("-= self.lr * (self.x.T @ g)", True),
    "doubled": ("-= learning_rate * (2 * self.x.T @ g)", False),
}


def layer(text: str, W: Any) -> Any:
    space: dict[str, Any] = {}
    exec(text, space)  # noqa: S102
    return space["Dense"](W)


@pytest.mark.parametrize("step", STEPS)
def test_what_is_subtracted_is_a_gradient(step: str) -> None:
    said, right = STEPS[step]
    text = DENSE.format(body=FIRST.format(step=said))
    proofs = sc.check(text, explain=False)
    assert {name: proof.holds for name, proof in proofs.items()} == {"x": True, "w": right}
    rng = np.random.default_rng(0)
    x, W, g, move = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=(2, 4)), rng.normal(size=(3, 4))
    made = layer(text, W.copy())
    made.forward(x)
    made.backward(g, 0.1)
    slope = np.sum(g * (layer(text, W + 1e-6 * move).forward(x) - layer(text, W - 1e-6 * move).forward(x))) / 2e-6
    assert bool(np.isclose(np.sum((W - made.W) / 0.1 * move), slope, rtol=1e-6)) is right


def test_the_input_s_gradient_is_of_the_parameter_before_the_step() -> None:
    proofs = sc.check(DENSE.format(body=LATE.format(step=STEPS["-="][0])))
    assert {name: proof.holds for name, proof in proofs.items()} == {"x": False, "w": True}
    assert proofs["x"].line == 10


def test_a_gradient_that_has_a_name_keeps_it() -> None:
    body = "self.dW = self.x.T @ g\n        dx = g @ self.W.T\n        self.W -= learning_rate * self.dW\n        return dx"
    assert {*sc.check(DENSE.format(body=body), explain=False)} == {"x", "w"}
