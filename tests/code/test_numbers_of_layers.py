"""What numbers of a layer a wrong gradient was looked at with is said, and with which ones it is right."""

from __future__ import annotations

import pytest

import symconv as sc

LAYER = """
import numpy as np

def conv_forward(x, w, stride, pad):
    n, c, length = x.shape
    f, _, k = w.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad)))
    out = (length + 2*pad - k)//stride + 1
    y = np.zeros((n, f, out))
    for i in range(out):
        y[:, :, i] = np.einsum("ncp,fcp->nf", xp[:, :, i*stride:i*stride + k], w)
    return y, (x, w, stride, pad)

def conv_backward(dy, cache):
    x, w, stride, pad = cache
    n, c, length = x.shape
    k = w.shape[2]
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad)))
    dxp, dw = np.zeros(xp.shape), np.zeros(w.shape)
    for i in range(dy.shape[2]):
        dw += np.einsum("nf,ncp->fcp", dy[:, :, i], xp[:, :, i*stride:i*stride + k])
        dxp[:, :, i*stride:i*stride + k] += np.einsum("nf,fcp->ncp", dy[:, :, i], w)
    return dxp[:, :, pad:length + pad], dw
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", ""),
        ("dxp[:, :, i*stride:i*stride + k] +=", "dxp[:, :, i:i + k] +=",
         "looked at with pad = 1, stride = 2; proved with pad = 0, stride = 1"),
        ("dxp[:, :, pad:length + pad]", "dxp[:, :, pad:-pad]",
         "looked at with pad = 0, stride = 1; proved with pad = 1, stride = 2"),
        ("return dxp[:, :, pad:length + pad], dw", "return 2*dxp[:, :, pad:length + pad], dw",
         "looked at with pad = 0, stride = 1"),
    ],
)  # fmt: skip
def test_the_numbers_of_a_wrong_gradient_are_said(old: str, new: str, said: str) -> None:
    proofs = sc.check(LAYER.replace(old, new) if old else LAYER, "conv_forward", explain=False)
    assert proofs.holds is not bool(old)
    assert proofs.numbers == said
    assert str(proofs).endswith(said)
    told = sc.check(LAYER.replace(old, new) if old else LAYER, "conv_forward", {"stride": 1, "pad": 1}, explain=False)
    assert told.numbers in {"", "looked at with stride = 1, pad = 1"}


def test_probabilities_are_said_as_fractions() -> None:
    text = """
import numpy as np

def dropout_forward(x, p):
    mask = (np.random.rand(*x.shape) < p) / p
    return x * mask, (mask, p)

def dropout_backward(dout, cache):
    mask, p = cache
    return dout * mask * p
"""
    assert sc.check(text, "dropout_forward", explain=False).numbers == "looked at with p = 1/2"
    assert sc.check(text.replace("mask * p", "mask"), "dropout_forward").holds is True


WIDE = """
import torch
import torch.nn.functional as F

class Conv(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, stride=1, dilation=1, groups=1):
        ctx.save_for_backward(x, w)
        ctx.stride, ctx.dilation, ctx.groups = stride, dilation, groups
        return F.conv1d(x, w, None, stride, 0, dilation, groups)

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        gx = torch.nn.grad.conv1d_input(x.shape, w, g, ctx.stride, 0, ctx.dilation, ctx.groups)
        gw = torch.nn.grad.conv1d_weight(x, w.shape, g, ctx.stride, 0, ctx.dilation, ctx.groups)
        return gx, gw, None, None, None
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", ""),
        ("0, ctx.dilation,", "0, 1,",
         "looked at with stride = 2, dilation = 2; proved with the defaults; proved with stride = 2"),
        (", ctx.groups)", ")", "looked at with stride = 2, groups = 2; proved with the defaults; proved with stride = 2; "
         "proved with stride = 2, dilation = 2"),
        ("ctx.stride, 0", "1, 0", "looked at with stride = 2; proved with the defaults"),
    ],
)  # fmt: skip
def test_a_number_that_backward_forgets_is_seen(old: str, new: str, said: str) -> None:
    proofs = sc.check(WIDE.replace(old, new) if old else WIDE, explain=False)
    assert proofs.holds is not bool(old)
    assert proofs.numbers == said


def test_a_rate_and_a_cotangent_with_a_default_are_no_dilation_and_no_groups() -> None:
    text = """
def scale_forward(x, rate=1):
    return x * rate, rate

def scale_backward(g, cache):
    return g * cache
"""
    assert sc.check(text, explain=False).numbers == ""
    assert sc.check(text, explain=False).holds is True


DROPOUT = """
import numpy as np
class Layer_Dropout:
    def __init__(self, rate):
        self.rate = 1 - rate
    def forward(self, inputs):
        self.binary_mask = np.random.binomial(1, self.rate, size=inputs.shape) / self.rate
        self.output = inputs * self.binary_mask
    def backward(self, dvalues):
        self.dinputs = dvalues * self.binary_mask
"""


def test_a_share_that_an_instance_is_made_with_is_a_number() -> None:
    assert sc.check(DROPOUT, explain=False).holds is True
    assert (
        sc.check(
            DROPOUT.replace("dvalues * self.binary_mask", "dvalues * self.binary_mask * self.rate"), explain=False
        ).holds
        is False
    )


def test_what_is_said_of_a_share_is_said_of_the_parameter() -> None:
    text = DROPOUT.replace("dvalues * self.binary_mask", "dvalues * self.binary_mask * (self.rate + 0.1)")
    assert sc.check(text, arguments={"rate": 0.1}, explain=False).holds is True
    assert sc.check(text, arguments={"rate": 0.9}, explain=False).holds is False


FACTOR = """
import numpy as np
class Leaky:
    def __init__(self, alpha, gain):
        self.alpha = alpha
        self.gain = gain
    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.alpha * x) * self.gain
    def backward(self, g):
        self.dgain = np.sum(g * np.where(self.x > 0, self.x, self.alpha * self.x), axis=0)
        return np.where(self.x > 0, g, self.alpha * g) * self.gain
"""


def test_what_has_a_gradient_is_no_number_of_the_layer() -> None:
    proofs = sc.check(FACTOR, explain=False)
    assert {*proofs} == {"x", "gain"}
    assert proofs.holds is True
    assert sc.check(FACTOR.replace("self.alpha * g)", "g)"), explain=False)["x"].holds is False


GAIN = """
import numpy as np
class Affine:
    def __init__(self, W, b, gain):
        self.W, self.b, self.gain = W, b, gain
    def forward(self, x):
        self.x = x
        return (x @ self.W + self.b) * self.gain
    def backward(self, g):
        self.dgain = np.sum(g * (self.x @ self.W + self.b), axis=0)
        g = g * self.gain
        self.dW = self.x.T @ g
        self.db = g.sum(axis=0)
        return g @ self.W.T
"""


def test_what_has_a_sum_over_the_samples_for_its_gradient_is_a_vector() -> None:
    proofs = sc.check(GAIN, explain=False)
    assert proofs.holds is True
    assert len(proofs["gain"].operator.input("gain").axes) == 1


@pytest.mark.parametrize("said", ["alpha=1", 3, ["stride"], {1: 2}])
def test_arguments_that_are_no_mapping_are_refused_in_words(said: object) -> None:
    with pytest.raises(sc.SpecError, match="arguments maps names of parameters to what they are"):
        sc.check(FACTOR, arguments=said)  # type: ignore[arg-type]
