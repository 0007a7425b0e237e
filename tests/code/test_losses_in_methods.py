"""Nets with a method for the loss and another one for its gradients, their layers in a dict or all in one text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

LAYERS = """
import numpy as np
from collections import OrderedDict

class Affine:
    def __init__(self, W, b):
        self.W = W
        self.b = b
        self.x = None
        self.original_x_shape = None
        self.dW = None
        self.db = None

    def forward(self, x):
        self.original_x_shape = x.shape
        x = x.reshape(x.shape[0], -1)
        self.x = x
        out = np.dot(self.x, self.W) + self.b
        return out

    def backward(self, dout):
        dx = np.dot(dout, self.W.T)
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        dx = dx.reshape(*self.original_x_shape)
        return dx

class Relu:
    def __init__(self):
        self.mask = None

    def forward(self, x):
        self.mask = (x <= 0)
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        dx = dout
        return dx

def softmax(x):
    if x.ndim == 2:
        x = x.T
        x = x - np.max(x, axis=0)
        y = np.exp(x) / np.sum(np.exp(x), axis=0)
        return y.T
    x = x - np.max(x)
    return np.exp(x) / np.sum(np.exp(x))

def cross_entropy_error(y, t):
    if y.ndim == 1:
        t = t.reshape(1, t.size)
        y = y.reshape(1, y.size)
    if t.size == y.size:
        t = t.argmax(axis=1)
    batch_size = y.shape[0]
    return -np.sum(np.log(y[np.arange(batch_size), t] + 1e-7)) / batch_size

class SoftmaxWithLoss:
    def __init__(self):
        self.loss = None
        self.y = None
        self.t = None

    def forward(self, x, t):
        self.t = t
        self.y = softmax(x)
        self.loss = cross_entropy_error(self.y, self.t)
        return self.loss

    def backward(self, dout=1):
        batch_size = self.t.shape[0]
        if self.t.size == self.y.size:
            dx = (self.y - self.t) / batch_size
        else:
            dx = self.y.copy()
            dx[np.arange(batch_size), self.t] -= 1
            dx = dx / batch_size
        return dx

class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01):
        self.params = {}
        self.params['W1'] = weight_init_std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = weight_init_std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)
        self.layers = OrderedDict()
        self.layers['Affine1'] = Affine(self.params['W1'], self.params['b1'])
        self.layers['Relu1'] = Relu()
        self.layers['Affine2'] = Affine(self.params['W2'], self.params['b2'])
        self.lastLayer = SoftmaxWithLoss()

    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def loss(self, x, t):
        y = self.predict(x)
        return self.lastLayer.forward(y, t)

    def gradient(self, x, t):
        # forward
        self.loss(x, t)
        # backward
        dout = 1
        dout = self.lastLayer.backward(dout)
        layers = list(self.layers.values())
        layers.reverse()
        for layer in layers:
            dout = layer.backward(dout)
        grads = {}
        grads['W1'], grads['b1'] = self.layers['Affine1'].dW, self.layers['Affine1'].db
        grads['W2'], grads['b2'] = self.layers['Affine2'].dW, self.layers['Affine2'].db
        return grads
"""
WRITTEN_OUT = """
import numpy as np
def sigmoid(x):
    return 1 / (1 + np.exp(-x))
def sigmoid_grad(x):
    return (1.0 - sigmoid(x)) * sigmoid(x)
def softmax(x):
    x = x - np.max(x, axis=-1, keepdims=True)
    return np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)
def cross_entropy_error(y, t):
    if t.ndim == 2:
        t = t.argmax(axis=1)
    batch_size = y.shape[0]
    return -np.sum(np.log(y[np.arange(batch_size), t])) / batch_size

class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01):
        self.params = {}
        self.params['W1'] = weight_init_std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = weight_init_std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)

    def predict(self, x):
        W1, W2 = self.params['W1'], self.params['W2']
        b1, b2 = self.params['b1'], self.params['b2']
        a1 = np.dot(x, W1) + b1
        z1 = sigmoid(a1)
        a2 = np.dot(z1, W2) + b2
        y = softmax(a2)
        return y

    def loss(self, x, t):
        y = self.predict(x)
        return cross_entropy_error(y, t)

    def gradient(self, x, t):
        W1, W2 = self.params['W1'], self.params['W2']
        b1, b2 = self.params['b1'], self.params['b2']
        grads = {}
        batch_num = x.shape[0]
        a1 = np.dot(x, W1) + b1
        z1 = sigmoid(a1)
        a2 = np.dot(z1, W2) + b2
        y = softmax(a2)
        dy = (y - t) / batch_num
        grads['W2'] = np.dot(z1.T, dy)
        grads['b2'] = np.sum(dy, axis=0)
        da1 = np.dot(dy, W2.T)
        dz1 = sigmoid_grad(a1) * da1
        grads['W1'] = np.dot(x.T, dz1)
        grads['b1'] = np.sum(dz1, axis=0)
        return grads
"""
SLIPS = {
    "as it is": ("", "", set()),
    "samples exchanged": ("np.sum(dout, axis=0)", "np.mean(dout, axis=0)", {"b1", "b2"}),
    "not turned back": ("layers.reverse()", "pass", {"W1", "b1", "W2", "b2"}),
    "not divided": ("(self.y - self.t) / batch_size", "(self.y - self.t)", {"W1", "b1", "W2", "b2"}),
    "the other mask": ("dout[self.mask] = 0", "dout[~self.mask] = 0", {"W1", "b1"}),
    "of the other layer": ("grads['b1'] = self.layers['Affine1'].dW, self.layers['Affine1'].db",
                           "grads['b1'] = self.layers['Affine1'].dW, self.layers['Affine2'].db", {"b1"}),
}  # fmt: skip


def wrong(text: str) -> set[str]:
    """The gradients that are none of difference quotients, for one-hot rows; 1e-7 beside probabilities is seen in them."""
    space: dict[str, Any] = {}
    exec(compile(text, "net", "exec"), space)  # noqa: S102
    np.random.seed(3)
    net = space["TwoLayerNet"](3, 4, 4, 0.5)
    net.params["b1"] += 0.3
    x, t = np.random.randn(5, 3), np.eye(4)[[0, 1, 3, 2, 1]]
    found, grads = set(), {}
    try:
        grads = net.gradient(x, t)
    except (AttributeError, IndexError, TypeError, ValueError):
        return {*net.params}
    for name, array in net.params.items():
        want = np.zeros_like(array)
        for place in np.ndindex(*array.shape):
            held, ends = array[place], []
            for step in (1e-6, -1e-6):
                array[place] = held + step
                ends.append(net.loss(x, t))
            array[place], want[place] = held, (ends[0] - ends[1]) / 2e-6
        if np.shape(grads[name]) != want.shape or not np.allclose(grads[name], want, atol=1e-4):
            found.add(name)
    return found


@pytest.mark.parametrize(
    "slip",
    [
        "as it is",
        "the other mask",
        *(pytest.param(one, marks=pytest.mark.full) for one in [*SLIPS][1:] if one != "the other mask"),
    ],
)
def test_layers_in_a_dict_are_gone_through_by_two_methods(slip: str) -> None:
    right, other, told = SLIPS[slip]
    assert right in LAYERS
    text = LAYERS.replace(right, other) if right else LAYERS
    assert wrong(text) == told
    proofs = sc.check(text, "TwoLayerNet", explain=False)
    assert {name for name, one in proofs.items() if one.holds is False} == told
    assert {*proofs} == {"W1", "b1", "W2", "b2"} and all(one.holds is not None for one in proofs.values())
    if not told:
        assert proofs.numbers == "proved with t = labels; with t = one-hot rows"


def test_a_gradient_for_rows_alone_is_wrong_for_labels() -> None:
    # loss(x, t) takes both; y - t of labels is no array of the shape of y.
    assert not wrong(WRITTEN_OUT)
    proofs = sc.check(WRITTEN_OUT, explain=False)
    assert proofs.holds is False and "proved with t = one-hot rows" in str(proofs.numbers)


ROWS = WRITTEN_OUT.replace("    if t.ndim == 2:\n        t = t.argmax(axis=1)\n", "    t = t.argmax(axis=1)\n")


@pytest.mark.parametrize(("right", "other", "told"), [
    ("", "", set()), ("np.dot(x.T, dz1)", "np.dot(x.T, da1)", {"W1"}),
    ("(y - t) / batch_num", "(y - t)", {"W1", "b1", "W2", "b2"}),
    ("sigmoid_grad(a1) * da1", "sigmoid_grad(z1) * da1", {"W1", "b1"}),
])  # fmt: skip
def test_a_method_that_computes_all_again_is_judged_by_the_loss(right: str, other: str, told: set[str]) -> None:
    assert right in ROWS
    text = ROWS.replace(right, other) if right else ROWS
    assert wrong(text) == told
    proofs = sc.check(text, explain=False)
    assert {name for name, one in proofs.items() if one.holds is False} == told
    assert all(one.holds is not None for one in proofs.values())


def test_a_loss_that_takes_something_else_is_not_taken_for_its_own() -> None:
    text = ROWS.replace("def gradient(self, x, t)", "def gradient(self, x, t, scale)")
    with pytest.raises(sc.SpecError, match="no forward and backward"):
        sc.check(text, explain=False)


def test_a_shape_that_an_array_has_already_is_a_view_of_it() -> None:
    text = """
import numpy as np

def scale_forward(x):
    return 3 * x, x

def scale_backward(dout, x):
    d = dout.reshape(dout.shape)
    d *= 3
    return {}
"""
    assert sc.check(text.format("dout"), explain=False).holds is True
    assert sc.check(text.format("d"), explain=False).holds is True
    assert sc.check(text.format("3 * dout"), explain=False).holds is False
