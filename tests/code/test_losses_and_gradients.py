"""Functions that return a loss and a dict of gradients, and layers whose gradients lie in lists."""

from __future__ import annotations

import pytest

import symconv as sc

LINEAR = """
import numpy as np
def linear_loss(X, W, b, y, reg=0.0):
    N = X.shape[0]
    diff = X @ W + b - y
    loss = np.sum(diff ** 2) / diff.size + reg * np.sum(W * W)
    dp = 2 * diff / diff.size
    grads = {}
    grads["W"] = X.T @ dp + 2 * reg * W
    grads["b"] = dp.sum(axis=0)
    return loss, grads
"""
LITERAL = """
import numpy as np
def linear_loss(X, W, b, y):
    diff = np.dot(X, W) + b - y
    loss = 0.5 * np.sum(diff ** 2)
    dW = np.dot(X.T, diff)
    db = np.sum(diff, axis=0)
    return loss, {"W": dW, "b": db}
"""
NET = """
import numpy as np
class Net:
    def __init__(self, n_in, n_hidden, n_out, std=1e-4):
        self.params = {}
        self.params["W1"] = std * np.random.randn(n_in, n_hidden)
        self.params["b1"] = np.zeros(n_hidden)
        self.params["W2"] = std * np.random.randn(n_hidden, n_out)
    def loss(self, X, y=None):
        W1, b1, W2 = self.params["W1"], self.params["b1"], self.params["W2"]
        N, D = X.shape
        hidden = X.dot(W1) + b1
        scores = hidden.dot(W2)
        if y is None:
            return scores
        loss = -np.sum(scores[np.arange(N), y]) / N
        grads = {}
        dscores = np.zeros_like(scores)
        dscores[np.arange(N), y] -= 1
        dscores /= N
        grads["W2"] = hidden.T.dot(dscores)
        dhidden = dscores.dot(W2.T)
        grads["W1"] = X.T.dot(dhidden)
        grads["b1"] = np.sum(dhidden, axis=0)
        return loss, grads
"""
EMBEDDING = """
import numpy as np
class Layer:
    def __init__(self, W):
        self.params = [W]
        self.grads = [np.zeros_like(W)]
    def forward(self, idx):
        W, = self.params
        self.idx = idx
        return W[idx]
    def backward(self, dout):
        dW, = self.grads
        dW[...] = 0
        np.add.at(dW, self.idx, dout)
        return None
"""
CASES = {
    "mean": (LINEAR, "dp = 2 * diff / diff.size", "dp = 2 * diff / N", {"w", "b"}),
    "penalty": (LINEAR, "2 * reg * W", "reg * W", {"w"}),
    "literal": (LITERAL, "np.sum(diff, axis=0)", "np.sum(diff, axis=1)", {"b"}),
    "net": (NET, "dscores /= N", "dscores /= 1", {"W1", "b1", "W2"}),
    "embedding": (EMBEDDING, "np.add.at(dW, self.idx, dout)", "dW[self.idx] = dout", {"w"}),
}


@pytest.mark.parametrize("text", [LINEAR, LITERAL, NET, EMBEDDING])
def test_right_ones_are_proved(text: str) -> None:
    assert sc.check(text, explain=False).holds is True


@pytest.mark.parametrize("case", CASES)
def test_wrong_ones_are_told_apart(case: str) -> None:
    text, right, wrong, tensors = CASES[case]
    assert text.count(right) == 1
    proofs = sc.check(text.replace(right, wrong), explain=False)
    assert {name for name, proof in proofs.items() if proof.holds is False} == tensors


def test_a_penalty_that_is_left_out_by_default_is_judged_too() -> None:
    assert "3 * w[c,p] * w[c,p]" in sc.check(LINEAR, explain=False).also[0]
    assert sc.check(LINEAR, arguments={"reg": 2}, explain=False).holds is True


def test_a_dict_that_is_used_otherwise_is_refused() -> None:
    with pytest.raises(sc.SymconvError, match=r"return loss, \{'x': dx\}"):
        sc.check(LINEAR.replace("    return", "    for k in grads:\n        grads[k] *= 2\n    return"))
