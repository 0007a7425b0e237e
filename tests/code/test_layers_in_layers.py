"""Layers that hold layers, losses of each sample that another method takes the mean of, picks by a mask on both sides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

STEP = 1e-6

LAYERS = """
import numpy as np
class Affine:
    def __init__(self, W, b):
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]
    def forward(self, x):
        W, b = self.params
        self.x = x
        return np.dot(x, W) + b
    def backward(self, dout):
        W, b = self.params
        self.grads[0][...] = np.dot(self.x.T, dout)
        self.grads[1][...] = np.sum(dout, axis=0)
        return np.dot(dout, W.T)
class Sigmoid:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out
    def backward(self, dout):
        return dout * (1.0 - self.out) * self.out
class Net:
    def __init__(self, W1, b1, W2, b2):
        self.layers = [Affine(W1, b1), Sigmoid(), Affine(W2, b2)]
    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x
    def backward(self, dout):
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout
class Weights:
    def __init__(self):
        self.act = Sigmoid()
    def forward(self, hs, h):
        N, T, H = hs.shape
        hr = h.reshape(N, 1, H)
        self.kept = (hs, hr)
        return self.act.forward(np.sum(hs * hr, axis=2))
    def backward(self, da):
        hs, hr = self.kept
        N, T, H = hs.shape
        dt = self.act.backward(da).reshape(N, T, 1).repeat(H, axis=2)
        return dt * hr, np.sum(dt * hs, axis=1)
"""

LOSSES = """
import numpy as np
class Loss:
    def calculate(self, output, y):
        sample_losses = self.forward(output, y)
        self.accumulated_sum += np.sum(sample_losses)
        return np.mean(sample_losses)
class Squared(Loss):
    def forward(self, y_pred, y_true):
        return np.mean((y_true - y_pred) ** 2, axis=-1)
    def backward(self, dvalues, y_true):
        samples = len(dvalues)
        outputs = len(dvalues[0])
        self.dinputs = -2 * (y_true - dvalues) / outputs
        self.dinputs = self.dinputs / samples
class Absolute(Loss):
    def forward(self, y_pred, y_true):
        return np.mean(np.abs(y_true - y_pred), axis=-1)
    def backward(self, dvalues, y_true):
        samples = len(dvalues)
        outputs = len(dvalues[0])
        self.dinputs = np.sign(y_true - dvalues) / outputs
        self.dinputs = self.dinputs / samples
class CrossEntropy(Loss):
    def forward(self, y_pred, y_true):
        y_pred_clipped = np.clip(y_pred, 1e-7, 1 - 1e-7)
        if len(y_true.shape) == 1:
            confidences = y_pred_clipped[range(len(y_pred)), y_true]
        elif len(y_true.shape) == 2:
            confidences = np.sum(y_pred_clipped * y_true, axis=1)
        return -np.log(confidences)
    def backward(self, dvalues, y_true):
        samples = len(dvalues)
        if len(y_true.shape) == 1:
            y_true = np.eye(len(dvalues[0]))[y_true]
        self.dinputs = -y_true / dvalues
        self.dinputs = self.dinputs / samples
class Softmax:
    def forward(self, inputs):
        exp_values = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = exp_values / np.sum(exp_values, axis=1, keepdims=True)
class SoftmaxLoss:
    def __init__(self):
        self.activation = Softmax()
        self.loss = CrossEntropy()
    def forward(self, inputs, y_true):
        self.activation.forward(inputs)
        self.output = self.activation.output
        return self.loss.calculate(self.output, y_true)
    def backward(self, dvalues, y_true):
        samples = len(dvalues)
        if len(y_true.shape) == 2:
            y_true = np.argmax(y_true, axis=1)
        self.dinputs = dvalues.copy()
        self.dinputs[range(samples), y_true] -= 1
        self.dinputs = self.dinputs / samples
"""


def made(text: str, name: str, *given: Any) -> Any:
    space: dict[str, Any] = {}
    exec(compile(text.replace("self.accumulated_sum += np.sum(sample_losses)", "pass"), "layers", "exec"), space)  # noqa: S102
    return space[name](*given)


def slope(function: Any, at: np.ndarray, along: np.ndarray) -> float:
    return float((function(at + STEP * along) - function(at - STEP * along)) / (2 * STEP))


def net_is_right(text: str) -> bool:
    """Whether difference quotients say so of the input and of every parameter."""
    rng = np.random.default_rng(0)
    held = [rng.normal(size=shape) for shape in ((3, 4), (4,), (4, 2), (2,))]
    x, g = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    net = made(text, "Net", *held)
    net.forward(x)
    got = [net.backward(g), *net.layers[0].grads, *net.layers[2].grads]
    for place, mine in enumerate(got):
        along = rng.normal(size=mine.shape)

        def loss(value: np.ndarray, place: int = place) -> Any:
            other = [x, *held]
            other[place] = value
            return (made(text, "Net", *other[1:]).forward(other[0]) * g).sum()

        if not np.isclose(slope(loss, [x, *held][place], along), (mine * along).sum(), rtol=1e-5):
            return False
    return True


def loss_is_right(text: str, name: str) -> bool:
    rng = np.random.default_rng(1)
    y, along = rng.uniform(0.1, 0.9, (4, 3)), rng.normal(size=(4, 3))
    labels = rng.integers(0, 3, 4)
    true = rng.normal(size=(4, 3)) if name in {"Squared", "Absolute"} else labels
    loss = made(text, name)
    if name == "SoftmaxLoss":
        loss.forward(y, true)
        loss.backward(loss.output, true)
        found = slope(lambda at: made(text, name).forward(at, true), y, along)
    else:
        loss.backward(y, true)
        found = slope(lambda at: made(text, name).calculate(at, true), y, along)
    return bool(np.isclose(found, (loss.dinputs * along).sum(), rtol=1e-5))


@pytest.mark.parametrize("old, new", [("", ""), ("return np.dot(dout, W.T)", "return 2 * np.dot(dout, W.T)")])
def test_layers_in_a_list(old: str, new: str) -> None:
    text = LAYERS.replace(old, new) if old else LAYERS
    proofs = sc.check(text, "Net", explain=False)
    assert proofs.holds is net_is_right(text) is (not old)
    assert {*proofs} == {"x", "W1", "b1", "W2", "b2"}


@pytest.mark.parametrize("old, new", [("", ""), ("np.sum(dt * hs, axis=1)", "np.mean(dt * hs, axis=1)")])
def test_a_layer_in_a_layer(old: str, new: str) -> None:
    text = LAYERS.replace(old, new) if old else LAYERS
    rng = np.random.default_rng(2)
    hs, h, g, along = (rng.normal(size=shape) for shape in ((2, 3, 4), (2, 4), (2, 3), (2, 4)))
    layer = made(text, "Weights")
    layer.forward(hs, h)
    found = slope(lambda at: (made(text, "Weights").forward(hs, at) * g).sum(), h, along)
    right = np.isclose(found, (layer.backward(g)[1] * along).sum(), rtol=1e-5)
    assert sc.check(text, "Weights", explain=False).holds is bool(right) is (not old)


@pytest.mark.parametrize(
    "name, old, new",
    [
        ("Squared", "", ""),
        ("Squared", "        self.dinputs = self.dinputs / samples\n", "        pass\n"),
        ("Absolute", "", ""),
        ("Absolute", "np.sign(y_true - dvalues)", "np.sign(dvalues - y_true)"),
        pytest.param("CrossEntropy", "", "", marks=pytest.mark.full),
        pytest.param("CrossEntropy", "-y_true / dvalues", "-y_true * dvalues", marks=pytest.mark.full),
        pytest.param("SoftmaxLoss", "", "", marks=pytest.mark.full),
    ],
)
def test_losses_take_what_is_predicted(name: str, old: str, new: str) -> None:
    text = LOSSES.replace(old, new) if old else LOSSES
    proofs = sc.check(text, name, explain=False)
    assert proofs.holds is loss_is_right(text, name)
    if proofs.holds:
        (proof,) = proofs.values()
        assert "dvalues is " in proof.where


MASKED = """
import numpy as np
def stable_forward(x):
    z = np.zeros_like(x)
    z[x >= 0] = 1 / (1 + np.exp(-x[x >= 0]))
    neg = x < 0
    z[neg] = np.exp(x[neg]) / (1 + np.exp(x[neg]))
    return z, z
def stable_backward(dout, z):
    return dout * z * {}
"""


@pytest.mark.parametrize("factor", ["(1 - z)", "(1 + z)"])
def test_a_mask_picks_on_both_sides(factor: str) -> None:
    rng = np.random.default_rng(3)
    x, g, along = rng.normal(size=(3, 5))
    space: dict[str, Any] = {}
    text = MASKED.format(factor)
    exec(compile(text, "masked", "exec"), space)  # noqa: S102
    found = slope(lambda at: (space["stable_forward"](at)[0] * g).sum(), x, along)
    mine = space["stable_backward"](g, space["stable_forward"](x)[1])
    right = np.isclose(found, (mine * along).sum(), rtol=1e-5)
    assert sc.check(text, explain=False).holds is bool(right) is (factor == "(1 - z)")


def test_what_is_no_function_of_each_element_is_not_read_by_a_mask() -> None:
    text = MASKED.format("(1 - z)").replace("np.exp(x[neg]) / ", "np.sum(x[neg]) / ")
    with pytest.raises(sc.SpecError, match="picked by a mask"):
        sc.check(text)


GATED = """
import numpy as np
def gated_forward(x, W1, W2):
    return (x @ W1) * (x @ W2), (x, W1, W2)
def gated_backward(dy, cache):
    x, W1, W2 = cache
    da, db = dy * (x @ W2), dy * (x @ W1)
    dW1 = np.einsum("btc,btd->cd", x, da)
    dW2 = np.einsum("btc,btd->cd", x, {})
    return da @ W1.T + db @ W2.T, dW1, dW2
"""


@pytest.mark.parametrize("factor", ["db", "da"])
def test_weights_behind_a_product_are_matrices(factor: str) -> None:
    rng = np.random.default_rng(4)
    x, first, second = rng.normal(size=(2, 5, 3)), rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    g, along = rng.normal(size=(2, 5, 4)), rng.normal(size=(3, 4))
    space: dict[str, Any] = {}
    text = GATED.format(factor)
    exec(compile(text, "gated", "exec"), space)  # noqa: S102
    found = slope(lambda at: (space["gated_forward"](x, first, at)[0] * g).sum(), second, along)
    mine = space["gated_backward"](g, (x, first, second))[2]
    right = np.isclose(found, (mine * along).sum(), rtol=1e-5)
    proofs = sc.check(text, explain=False)
    assert proofs.holds is bool(right) is (factor == "db")
    assert "W2[" in str(proofs["W2"])


PLACES = """
import numpy as np
def encoder_forward(inp, wte, wpe):
    B, T = inp.shape
    return wte[inp] + wpe[:T], (inp, wte, wpe)
def encoder_backward(dout, cache):
    inp, wte, wpe = cache
    dwte, dwpe = np.zeros_like(wte), np.zeros_like(wpe)
    np.add.at(dwte, inp, dout)
    dwpe[: dout.shape[1]] += dout.sum(axis=0)
    return dwte, dwpe
"""


def test_lengths_that_are_called_differently_are_not_taken_for_equal() -> None:
    # With a table of three axes B and T would have to be equal, and the right gradient was called wrong.
    proofs = sc.check(PLACES)
    assert proofs.holds is True
    assert [len(one.axes) for one in proofs["wpe"].operator.inputs] == [2, 2, 3]


ASKED = """
import numpy as np
def softmax(x):
    if x.ndim == 2:
        x = x - x.max(axis=1, keepdims=True)
        x = np.exp(x)
        x /= x.sum(axis=1, keepdims=True)
    elif x.ndim == 1:
        x = np.exp(x - np.max(x)) / np.sum(np.exp(x - np.max(x)))
    return x
class Softmax:
    def forward(self, x):
        self.out = softmax(x)
        return self.out
    def backward(self, dout):
        dx = self.out * dout
        dx -= self.out * np.sum({}, axis=1, keepdims=True)
        return dx
"""


@pytest.mark.parametrize("summed", ["dx", "dout"])
def test_numbers_of_axes_that_the_text_asks_for_are_meant(summed: str) -> None:
    rng = np.random.default_rng(5)
    x, g, along = rng.normal(size=(3, 4, 5))
    text = ASKED.format(summed)
    layer = made(text, "Softmax")
    layer.forward(x)
    found = slope(lambda at: (made(text, "Softmax").forward(at) * g).sum(), x, along)
    right = np.isclose(found, (layer.backward(g) * along).sum(), rtol=1e-5)
    assert sc.check(text, "Softmax", explain=False).holds is bool(right) is (summed == "dx")


TOKENS = """
import torch
import torch.nn.functional as F
class CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, targets):
        logp = F.log_softmax(logits, dim=-1)
        ctx.save_for_backward(logp, targets)
        return -logp.gather(-1, targets.unsqueeze(-1)).squeeze(-1).mean()
    @staticmethod
    def backward(ctx, dloss):
        logp, targets = ctx.saved_tensors
        B, T, V = logp.shape
        return dloss * (logp.exp() - F.one_hot(targets, V)) / {}, None
"""


@pytest.mark.parametrize("count", ["(B * T)", "T"])
def test_the_cotangent_of_a_loss_is_called_so(count: str) -> None:
    torch = pytest.importorskip("torch")
    space: dict[str, Any] = {}
    text = TOKENS.format(count)
    exec(compile(text, "tokens", "exec"), space)  # noqa: S102
    targets = torch.tensor([[0, 3, 1], [2, 2, 0]])
    mine, other = (torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    other.data.copy_(mine.data)
    (3 * space["CrossEntropy"].apply(mine, targets)).backward()
    (3 * torch.nn.functional.cross_entropy(other.flatten(0, 1), targets.flatten())).backward()
    right = torch.allclose(mine.grad, other.grad)
    assert sc.check(text, "CrossEntropy", explain=False).holds is right is (count == "(B * T)")


COUNTED = """
import numpy as np
class Scale:
    def __init__(self, W):
        self.W = W
        self.calls = 0
    def forward(self, x):
        self.calls += 1
        self.x = x
        return x * self.W{}
    def backward(self, dout):
        self.dW = dout * self.x
        return dout * self.W
    def report(self):
        return self.calls
class Net:
    def __init__(self, W):
        self.inner = Scale(W)
    def forward(self, x):
        return self.inner.forward(x)
    def backward(self, dout):
        return self.inner.backward(dout)
"""


def test_a_count_that_forward_reads_is_not_left_out() -> None:
    assert sc.check(COUNTED.format(""), "Net", explain=False).holds is True
    with pytest.raises(sc.SpecError, match="nothing says what it is"):
        sc.check(COUNTED.format(" * self.calls"), "Net", explain=False)
