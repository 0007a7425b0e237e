"""Layers whose methods return nothing: what they compute stands in attributes, and ``__init__`` shows the shapes."""

from __future__ import annotations

import pytest

import symconv as sc

DENSE = """
import numpy as np
class Layer:
    def __init__(self, n_inputs, n_neurons, l2=0):
        self.weights = 0.01 * np.random.randn(n_inputs, n_neurons)
        self.biases = np.zeros((1, n_neurons))
        self.l2 = l2
    def forward(self, inputs, training):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases
    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        if self.l2 > 0:
            self.dweights += 2 * self.l2 * self.weights
        self.dinputs = np.dot(dvalues, self.weights.T)
"""
RELU = """
import numpy as np
class Layer:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)
    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs <= 0] = 0
"""
SOFTMAX = """
import numpy as np
class Layer:
    def forward(self, inputs):
        e = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = e / np.sum(e, axis=1, keepdims=True)
    def backward(self, dvalues):
        self.dinputs = np.empty_like(dvalues)
        for k, (row, g) in enumerate(zip(self.output, dvalues)):
            row = row.reshape(-1, 1)
            self.dinputs[k] = np.dot(np.diagflat(row) - np.dot(row, row.T), g)
"""
EARLY = """
class Layer:
    def forward(self, inputs, training=True):
        if not training:
            self.output = inputs.copy()
            return
        self.output = 3 * inputs
    def backward(self, dvalues):
        self.dinputs = 3 * dvalues
"""
CONV = """
import numpy as np
class Layer:
    def __init__(self, in_channels, out_channels, kernel_size, stride=1):
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        scale = np.sqrt(2.0 / (in_channels * kernel_size * kernel_size))
        self.weights = np.random.randn(out_channels, in_channels, kernel_size, kernel_size) * scale
        self.cache = {}
    def forward(self, x):
        N, C, H, W = x.shape
        k = self.kernel_size
        out = np.zeros((N, self.out_channels, H - k + 1, W - k + 1))
        for i in range(H - k + 1):
            for j in range(W - k + 1):
                out[:, :, i, j] = np.tensordot(x[:, :, i:i+k, j:j+k], self.weights, axes=([1, 2, 3], [1, 2, 3]))
        self.cache["x"] = x
        return out
    def backward(self, dout):
        x, k = self.cache["x"], self.kernel_size
        dx = np.zeros_like(x)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                dx[:, :, i:i+k, j:j+k] += np.tensordot(dout[:, :, i, j], self.weights, axes=([1], [0]))
        return dx
"""
CASES = {
    "window": (CONV, "dx[:, :, i:i+k, j:j+k] +=", "dx[:, :, i:i+k, j:j+k] =", "x"),
    "weights": (DENSE, "(self.inputs.T, dvalues)", "(self.inputs.T, dvalues) / len(dvalues)", "w"),
    "biases": (DENSE, "axis=0, keepdims=True", "axis=1, keepdims=True", "b"),
    "inputs": (DENSE, "(dvalues, self.weights.T)", "(dvalues, self.weights)", "x"),
    "relu": (RELU, "self.inputs <= 0", "self.inputs >= 0", "x"),
    "softmax": (SOFTMAX, "(row) - np", "(row) + np", "x"),
    "early": (EARLY, "3 * dvalues", "2 * dvalues", "x"),
}


@pytest.mark.parametrize("text", [DENSE, RELU, SOFTMAX, EARLY, CONV])
def test_right_ones_are_proved(text: str) -> None:
    assert sc.check(text, "Layer", explain=False).holds is True


@pytest.mark.parametrize("case", CASES)
def test_wrong_ones_are_told_apart(case: str) -> None:
    text, right, wrong, tensor = CASES[case]
    assert text.count(right) == 1
    proofs = sc.check(text.replace(right, wrong), "Layer", explain=False)
    assert [name for name, proof in proofs.items() if proof.holds is not True] == [tensor]
    assert proofs[tensor].holds is False


def test_the_shape_of_a_bias_is_that_of_init() -> None:
    assert "b[0,f]" in sc.check(DENSE, "Layer", explain=False)["b"].text()
    flat = DENSE.replace(", axis=0, keepdims=True", ", axis=0")
    assert sc.check(flat, "Layer", explain=False)["b"].holds is False
    assert sc.check(flat.replace("((1, n_neurons))", "(n_neurons)"), "Layer", explain=False)["b"].holds is True


def test_an_output_that_cannot_be_told_is_asked_for() -> None:
    two = RELU.replace(
        "self.output = np.maximum(0, inputs)", "self.a = np.maximum(0, inputs)\n        self.z = inputs * 2"
    )
    with pytest.raises(sc.SymconvError, match=r"line 4: forward returns nothing, and which of self\.a, self\.z"):
        sc.check(two, "Layer")


def test_gradients_of_no_name_are_asked_for() -> None:
    with pytest.raises(sc.SymconvError, match=r"backward returns nothing; let it return the gradients \(return dx"):
        sc.check(RELU.replace("self.dinputs", "self.result"), "Layer")
