"""Losses as people write them: no cotangent, ``x.size``, one bias for all, a factor of regularisation."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symconv as sc

Arrays = list[Any]

MSE = """
import numpy as np
class MSE:
    def forward(self, pred, target):
        self.diff = pred - target
        return np.mean(self.diff ** 2)
    def backward(self):
        return {gradient}
"""
BCE = """
import numpy as np
class BCE:
    def forward(self, p, y_true):
        self.p, self.y_true = p, y_true
        return -np.mean(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    def backward(self):
        return {gradient}
"""
CACHED = """
import numpy as np
def mse_forward(pred, target):
    diff = pred - target
    return np.sum(diff ** 2) / diff.size, (diff,)
def mse_backward(cache):
    diff, = cache
    return {gradient}
"""
KEPT = """
import numpy as np
def mse_forward(pred, target):
    diff = pred - target
    return np.sum(diff ** 2) / len(diff), diff
def mse_backward(diff):
    return {gradient}
"""
LOGISTIC = """
import numpy as np
def sigmoid(z):
    return 1 / (1 + np.exp(-z))
def propagate(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dw = 1 / m * np.dot(X, (A - Y).T)
    db = {gradient}
    return cost, dw, db
"""
RIDGE = """
import numpy as np
def ridge(W, X, y, reg):
    N = X.shape[0]
    r = X.dot(W) - y
    loss = 0.5 * np.sum(r ** 2) / N + 0.5 * reg * np.sum(W * W)
    dW = {gradient}
    return loss, dW
"""


def run(text: str) -> Any:
    module = types.ModuleType("case")
    exec(compile(text, "case", "exec"), module.__dict__)  # noqa: S102
    return module


def of_class(text: str, arrays: Arrays) -> tuple[Any, tuple[Any, ...]]:
    module = run(text)
    layer = getattr(module, "MSE", None) or module.BCE
    layer = layer()
    return layer.forward(*arrays), (layer.backward(),)


def of_pair(text: str, arrays: Arrays) -> tuple[Any, tuple[Any, ...]]:
    module = run(text)
    loss, kept = module.mse_forward(*arrays)
    return loss, (module.mse_backward(kept),)


def of_one(text: str, arrays: Arrays) -> tuple[Any, tuple[Any, ...]]:
    module = run(text)
    loss, *gradients = (getattr(module, "propagate", None) or module.ridge)(*arrays)
    return loss, tuple(gradients)


Run = Callable[[str, Arrays], tuple[Any, tuple[Any, ...]]]
TWO = ((3, 4), (3, 4))
CASES: dict[str, tuple[str, str, Run, tuple[tuple[int, ...], ...]]] = {
    "mean": (MSE, "2 * self.diff / self.diff.size", of_class, TWO),
    "half": (MSE, "self.diff / np.size(self.diff)", of_class, TWO),
    "entropy": (BCE, "(self.p - self.y_true) / (self.p * (1 - self.p)) / self.p.size", of_class, TWO),
    "entropy's sign": (BCE, "(self.y_true - self.p) / (self.p * (1 - self.p)) / self.p.size", of_class, TWO),
    "cached": (CACHED, "2 * diff / diff.size", of_pair, TWO),
    "cached, not divided": (CACHED, "2 * diff", of_pair, TWO),
    "kept": (KEPT, "2 * diff / np.size(diff, 0)", of_pair, TWO),
    "one bias": (LOGISTIC, "1 / m * np.sum(A - Y)", of_one, ((4, 1), (), (4, 5), (1, 5))),
    "one bias, not divided": (LOGISTIC, "np.sum(A - Y)", of_one, ((4, 1), (), (4, 5), (1, 5))),
    "regularised": (RIDGE, "X.T.dot(r) / N + reg * W", of_one, ((4, 2), (3, 4), (3, 2), ())),
    "regularised twice": (RIDGE, "X.T.dot(r) / N + 2 * reg * W", of_one, ((4, 2), (3, 4), (3, 2), ())),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_losses_are_decided_as_differences_say(case: str) -> None:
    form, gradient, runs, shapes = CASES[case]
    text, rng = form.format(gradient=gradient), np.random.default_rng(0)
    proofs = sc.check(text, explain=False)
    arrays = [rng.uniform(0.2, 0.8, size=shape) for shape in shapes]
    got = runs(text, arrays)[1]
    assert len(proofs) == len(got)
    for at, (proof, one) in enumerate(zip(proofs.values(), got, strict=True)):
        direction = rng.normal(size=arrays[at].shape)
        ends = [[a + side * 1e-6 * direction if k == at else a for k, a in enumerate(arrays)] for side in (1, -1)]
        slope = (runs(text, ends[0])[0] - runs(text, ends[1])[0]) / 2e-6
        assert proof.holds is bool(np.isclose(slope, np.sum(one * direction), rtol=1e-5))


def test_a_forgotten_mean_over_all_elements_is_put_back() -> None:
    proof = sc.check(CACHED.format(gradient="2 * diff"))["pred"]
    assert proof.repair == "line 8: return 2 * diff / diff.size"


def test_the_gradient_that_a_function_does_not_take_is_not_made_up() -> None:
    text = CACHED.format(gradient="2 * diff / diff.size").replace("(cache)", "(dout, cache)")
    assert sc.check(text, explain=False).holds is False
    assert sc.check(text.replace("2 * diff", "2 * dout * diff"), explain=False).holds is True


DERIVATIVES = {
    "tanh": ("np.tanh(x)", "tanh_prime", "1 - np.tanh(x) ** 2", True),
    "sigmoid": ("1 / (1 + np.exp(-x))", "d_sigmoid", "sigmoid(x) * (1 - sigmoid(x))", True),
    "swish": ("x / (1 + np.exp(-x))", "swish_derivative", "(1 + np.exp(-x) * (1 - x)) / (1 + np.exp(-x)) ** 2", False),
    "softmax": ("np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)", "softmax_grad", "softmax(x) * (1 - softmax(x))", False),
}  # fmt: skip


@pytest.mark.parametrize("name", DERIVATIVES)
def test_a_derivative_beside_a_function_is_one_of_its_elements(name: str) -> None:
    forward, called, derivative, right = DERIVATIVES[name]
    text = f"import numpy as np\ndef {name}(x):\n    return {forward}\ndef {called}(x):\n    return {derivative}\n"
    assert sc.check(text, explain=False).holds is right
    module, x = run(text), np.random.default_rng(0).normal(size=(2, 3))
    ones = 1e-6 * np.ones_like(x)
    function = getattr(module, name)
    slope = (function(x + ones) - function(x - ones)) / 2e-6
    if name == "softmax":  # its elements have slopes in others too
        slope = np.zeros_like(x)
    assert np.allclose(getattr(module, called)(x), slope, rtol=1e-5) is right


@pytest.mark.parametrize(("sign", "right"), [("y_pred - y_true", True), ("y_true - y_pred", False)])
def test_the_derivative_of_a_loss_is_in_what_is_predicted(sign: str, right: bool) -> None:
    text = f"""
import numpy as np
def mse(y_true, y_pred):
    return np.mean(np.power(y_true - y_pred, 2))
def mse_prime(y_true, y_pred):
    return 2 * ({sign}) / np.size(y_true)
"""
    proofs = sc.check(text, explain=False)
    assert {name: proof.holds for name, proof in proofs.items()} == {"y_pred": right}
