"""Operators read from torch functions, compiled, against the functions themselves and torch's autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.errors import SpecError

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812


def upsampled(x: Any, w: Any) -> Any:
    return F.conv2d(x.repeat_interleave(2, 2).repeat_interleave(3, 3), w, padding=(1, 0))


def repeated(x: Any, w: Any) -> Any:
    return torch.tanh(x.repeat_interleave(3, 1)) * w


def grouped(x: Any, w: Any) -> Any:
    return F.conv2d(x, w, stride=(2, 1), padding=(0, 1), groups=2)


def distance(x: Any, w: Any) -> Any:
    _, _, H, W = x.shape
    _, _, KH, KW = w.shape
    y = x.new_zeros(x.shape[0], w.shape[0], H - KH + 1, W - KW + 1)
    for p in range(KH):
        for q in range(KW):
            part = x[:, None, :, p : p + H - KH + 1, q : q + W - KW + 1]
            y = y - (part - w[None, :, :, p, q, None, None]).abs().sum(2)
    return y


def attention(q: Any, k: Any, v: Any) -> Any:
    """q: (N, T, D), k: (N, S, D), v: (N, S, E)"""
    return torch.softmax(q @ k.transpose(1, 2) / q.shape[2] ** 0.5, -1) @ v


def letters(n: Any, f: Any, H: Any, OH: Any) -> Any:
    """n: (A, B), f: (B, D), H: (A, D), OH: (D,)"""
    return torch.tanh(n @ f) * H + OH


def rolled(x: Any, w: Any) -> Any:
    """x: (N, A, B), w: (A, B)"""
    return torch.roll(x, 1, 0) * w


def clamped(x: Any) -> Any:
    """x: (N,)"""
    y = np.zeros(x.shape[0])
    for i in range(x.shape[0]):
        y[i] = x[max(i - 1, 0)]
    return y


def words(x: Any, t: Any) -> Any:
    """x: (N, D), t: (N, D)"""
    far = torch.where(x >= t, F.leaky_relu(x - t, 0.25), F.elu(x)) * torch.minimum(x, t)
    return far + torch.clamp(x, -1, 1) ** 2 - F.relu6(t)


def uncertain(x: Any, t: Any) -> Any:
    """x: (N, C), t: (N, C)"""
    shares = torch.softmax(x, 1)
    return (shares * (t - F.log_softmax(x, 1))).sum(1) + torch.logsumexp(x + t, 1)


def slopes(x: Any, w: Any) -> Any:
    return F.prelu(x, w)


def one_plane(x: Any, m: Any) -> Any:
    """x: (N, C, H, W), m: (N, 1, H, W)"""
    return torch.sigmoid(m) * x


def laid_along_channels(x: Any, s: Any) -> Any:
    return torch.tanh(x) * s.view(1, x.shape[1], 1, 1)


def squared_error(p: Any, t: Any) -> Any:
    return ((p - t) ** 2).mean()


FUNCTIONS = {
    upsampled: ((2, 3, 3, 4), (4, 3, 3, 2)),
    repeated: ((2, 3, 2, 4), (2, 9, 2, 4)),
    grouped: ((2, 4, 7, 6), (6, 2, 3, 2)),
    distance: ((2, 3, 6, 5), (4, 3, 3, 2)),
    attention: ((2, 3, 4), (2, 5, 4), (2, 5, 3)),
    rolled: ((3, 2, 2), (2, 2)),
    letters: ((2, 3), (3, 4), (2, 4), (4,)),
    words: ((3, 4), (3, 4)),
    uncertain: ((3, 4), (3, 4)),
    slopes: ((2, 3, 2, 4), (3,)),
    one_plane: ((2, 3, 2, 4), (2, 1, 2, 4)),
    laid_along_channels: ((2, 3, 2, 4), (3,)),
}


@pytest.fixture(scope="module")
def kernels(compiled: Any) -> dict[Any, Any]:
    return dict(zip(FUNCTIONS, compiled([sc.operator(one) for one in FUNCTIONS]), strict=True))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_torch_agrees(function: Any, kernels: dict[Any, Any]) -> None:
    rng = np.random.default_rng(3)
    agrees(function, kernels[function], [rng.standard_normal(shape) for shape in FUNCTIONS[function]])


def test_large_scores_do_not_overflow(kernels: dict[Any, Any]) -> None:
    rng = np.random.default_rng(3)
    for function, scale in ((uncertain, 400.0), (attention, 60.0)):
        arrays = [scale * (2 + rng.standard_normal(shape)) for shape in FUNCTIONS[function]]
        agrees(function, kernels[function], arrays, 1e-9)


def test_ties_are_those_of_torch(kernels: dict[Any, Any]) -> None:
    rng = np.random.default_rng(3)
    agrees(words, kernels[words], [rng.integers(-2, 3, (3, 4)) / 2 for _ in range(2)])


def agrees(function: Any, kernel: Any, arrays: list[Any], apart: float = 1e-12) -> None:
    rng = np.random.default_rng(4)
    tensors = [torch.tensor(one, requires_grad=True) for one in arrays]
    y = function(*tensors)
    gy = rng.standard_normal(tuple(y.shape))
    y.backward(torch.tensor(gy))
    np.testing.assert_allclose(kernel.forward(*arrays), y.detach().numpy(), rtol=1e-10, atol=apart)
    for found, tensor in zip(kernel.backward(gy, *arrays), tensors, strict=True):
        np.testing.assert_allclose(found, tensor.grad.numpy(), rtol=1e-10, atol=apart)


def test_what_no_loops_are_for_is_refused() -> None:
    with pytest.raises(SpecError, match=r"x is read at max\(n - 1, 0\)"):
        sc.operator(clamped)


def test_a_prediction_called_p_is_no_padding() -> None:
    assert sc.operator(squared_error).tensors == ("p", "t")
