"""Classifiers of two layers, as courses write them: a method for the loss and its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

NET = """
import numpy as np

class TwoLayerNet(object):
    def __init__(self, input_size, hidden_size, output_size, std=1e-1):
        self.params = {}
        self.params['W1'] = std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)

    def loss(self, X, y=None, reg=0.0):
        W1, b1 = self.params['W1'], self.params['b1']
        W2, b2 = self.params['W2'], self.params['b2']
        N, D = X.shape
        scores = None
        h1 = np.maximum(0, X.dot(W1) + b1)
        scores = h1.dot(W2) + b2
        if y is None:
            return scores
        loss = None
        shift = scores - np.max(scores, axis=1, keepdims=True)
        exp_scores = np.exp(shift)
        probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
        loss = np.sum(-np.log(probs[range(N), y])) / N
        loss += reg * np.sum(W1 * W1) + reg * np.sum(W2 * W2)
        grads = {}
        dscores = probs
        dscores[range(N), y] -= 1
        dscores /= N
        grads['W2'] = np.dot(h1.T, dscores) + 2 * reg * W2
        grads['b2'] = np.sum(dscores, axis=0)
        dh = np.dot(dscores, W2.T)
        dh[h1 <= 0] = 0
        grads['W1'] = np.dot(X.T, dh) + 2 * reg * W1
        grads['b1'] = np.sum(dh, axis=0)
        return loss, grads
"""
MUTANTS = {
    "as it is": ("", "", set()),
    "without the mask": ("        dh[h1 <= 0] = 0\n", "", {"W1", "b1"}),
    "not divided": ("        dscores /= N\n", "", {"W2", "b2", "W1", "b1"}),
    "half of the penalty": ("dscores) + 2 * reg * W2", "dscores) + reg * W2", {"W2"}),
    "the mean over samples": ("np.sum(dh, axis=0)", "np.mean(dh, axis=0)", {"b1"}),
    "of the label alone": ("dscores[range(N), y] -= 1", "dscores[range(N), y] = -1", {"W2", "b2", "W1", "b1"}),
}
SOFTMAX = """
import numpy as np
def softmax_loss(X, W, b, y):
    N, D = X.shape
    e = np.exp(X.dot(W) + b)
    p = e / np.sum(e, axis=1, keepdims=True)
    loss = np.sum(-np.log(p[np.arange(N), y])) / N
    p[np.arange(N), y] -= 1
    dW = X.T.dot(p) / N
    db = np.sum(p, axis=0) / N
    return loss, dW, db
"""


def wrong(text: str) -> set[str]:
    """The gradients that are none of difference quotients."""
    space: dict[str, Any] = {}
    exec(compile(text, "net", "exec"), space)  # noqa: S102
    np.random.seed(3)
    net = space["TwoLayerNet"](3, 5, 4, 1.0)
    net.params["b1"] += 0.3
    x, y = np.random.randn(6, 3), np.array([0, 1, 3, 2, 1, 1])
    found, (_, grads) = set(), net.loss(x, y, 0.7)
    for name, array in net.params.items():
        want = np.zeros_like(array)
        for place in np.ndindex(*array.shape):
            held, ends = array[place], []
            for step in (1e-6, -1e-6):
                array[place] = held + step
                ends.append(net.loss(x, y, 0.7)[0])
            array[place], want[place] = held, (ends[0] - ends[1]) / 2e-6
        if not np.allclose(grads[name], want, atol=1e-5):
            found.add(name)
    return found


@pytest.mark.parametrize("name", MUTANTS)
def test_a_net_of_two_layers(name: str) -> None:
    right, other, told = MUTANTS[name]
    assert right in NET
    text = NET.replace(right, other) if right else NET
    assert wrong(text) == told
    proofs = sc.check(text, explain=False)
    assert {key for key, one in proofs.items() if one.holds is not True} == told
    assert all(proofs[key].holds is False for key in told)


@pytest.mark.parametrize(("right", "other", "told"), [
    ("", "", []), ("p[np.arange(N), y] -= 1", "p[np.arange(N), y] += 1", ["w", "b"]),
    ("np.sum(p, axis=0) / N", "np.sum(p, axis=0)", ["b"]), ("X.T.dot(p) / N", "X.T.dot(p) / D", ["w"]),
])  # fmt: skip
def test_a_softmax_of_scores_with_a_bias(right: str, other: str, told: list[str]) -> None:
    assert right in SOFTMAX
    proofs = sc.check(SOFTMAX.replace(right, other) if right else SOFTMAX, explain=False)
    assert [name for name, one in proofs.items() if one.holds is False] == told
    assert all(one.holds is not None for one in proofs.values())


@pytest.mark.parametrize(("part", "told"), [(":", []), ("::2", ["w", "b"]), ("1:", ["w", "b"])])
def test_a_row_of_labels_is_1_where_all_classes_are_summed(part: str, told: list[str]) -> None:
    line = "    p[np.arange(N), y] -= 1\n"
    rows = f"    p *= (np.eye(p.shape[1])[y][:, {part}] * np.exp(D - b.sum()) * np.exp(b.sum() - D)).sum(1, keepdims=True)\n"
    proofs = sc.check(SOFTMAX.replace(line, line + rows), explain=False)
    assert [name for name, one in proofs.items() if one.holds is not True] == told
