"""Operators read from functions, by their definitions on small arrays, against torch's values and autograd's slopes.

Nothing is compiled here: what is looked at is what was read, at ties, zeros and ends as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.verify.reference import evaluate

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812

RNG = np.random.default_rng(5)


def normalised(x: Any) -> Any:
    return F.normalize(x, dim=1)


def alike(x: Any, t: Any) -> Any:
    return F.cosine_similarity(x, t, dim=1)


def divergence(x: Any, t: Any) -> Any:
    return F.kl_div(x, t, reduction="sum")


def largest(x: Any) -> Any:
    return torch.amax(x, 1) * x.min(dim=1)[0] + x.max()


def upper(x: Any, t: Any) -> Any:
    return torch.amax(torch.maximum(x, t), 1)


def pooled(x: Any, w: Any, b: Any) -> Any:
    """x: (N, C, L), w: (F, C, K), b: (F,)"""
    return F.max_pool1d(F.relu(F.conv1d(x, w, b, padding=1)), 3, 2)


def averaged(x: Any, w: Any) -> Any:
    """x: (N, C, L), w: (F, C, K)"""
    return F.avg_pool1d(F.relu(F.conv1d(x, w)), 2)


def dense(x: Any, w: Any, b: Any) -> Any:
    """x: (N, C, L), w: (F, D), b: (F,)"""
    return F.linear(torch.tanh(x.flatten(1)), w, b)


def local(x: Any, w: Any) -> Any:
    """x: (N, C, L), w: (F, C, K, O)"""
    return torch.einsum("ncop,fcpo->nfo", x.unfold(2, 3, 2), w)


def space_to_depth(x: Any, w: Any) -> Any:
    """x: (N, C, H, W), w: (F, E, P, Q)"""
    return F.conv2d(F.pixel_unshuffle(x, 2), w, padding=(1, 0))


def maxout(x: Any) -> Any:
    """x: (N, C, L)"""
    n, c, length = x.shape
    return x.view(n, c // 2, 2, length).max(dim=2)[0]


def shifted(x: Any) -> Any:
    """x: (N, C, L)"""
    y = torch.zeros_like(x)
    y[:, 0::2, 1:] = x[:, 0::2, :-1]
    y[:, 1::2, :-1] = x[:, 1::2, 1:]
    return y


def gated(x: Any, w: Any) -> Any:
    """x: (N, C, L), w: (F, C, K)"""
    return F.conv1d(x * x.amax(1, keepdim=True), w, padding=1)


def opened(x: Any) -> Any:
    """x: (N, C, H, W)"""
    return F.max_pool2d(F.pad(-x, (1, 0)), (3, 2), (1, 2), 1)


def multiplied(x: Any, w: Any) -> Any:
    """x: (N, C, L), w: (C,)"""
    return x.prod(dim=2) * torch.prod(w)


def place(x: Any) -> Any:
    """x: (N, L)"""
    return (F.softmax(x, 1) * torch.arange(x.shape[1])).sum(1)


def of_text(x: Any, w: Any) -> Any:
    """x: (B, T, D), w: (F, K, D)"""
    return F.conv1d(x.transpose(1, 2), w.transpose(1, 2)).amax(-1)


def standardised(x: Any, w: Any) -> Any:
    """x: (N, C, L), w: (F, C, K)"""
    return F.batch_norm(F.conv1d(x, w), None, None, training=True)


def crossed(x: Any, t: Any) -> Any:
    return F.binary_cross_entropy(x, t)


def ints(*shape: int) -> Any:
    return RNG.integers(-1, 2, shape).astype(float)


def zero_row(*shape: int) -> Any:
    found = RNG.standard_normal(shape)
    found[0] = 0
    return found


CASES = {
    normalised: (zero_row(3, 4),),
    alike: (zero_row(3, 4), RNG.standard_normal((3, 4))),
    largest: (ints(3, 4),),
    upper: (ints(3, 4), ints(3, 4)),
    pooled: (ints(2, 2, 6), ints(3, 2, 2), ints(3)),
    dense: (RNG.standard_normal((2, 2, 3)), RNG.standard_normal((4, 6)), RNG.standard_normal(4)),
    local: (RNG.standard_normal((2, 2, 8)), RNG.standard_normal((4, 2, 3, 3))),
    space_to_depth: (RNG.standard_normal((1, 1, 4, 6)), RNG.standard_normal((2, 4, 2, 1))),
    maxout: (RNG.standard_normal((2, 4, 3)),),
    shifted: (RNG.standard_normal((2, 5, 3)),),
    gated: (ints(2, 2, 4), ints(3, 2, 3)),
    opened: (ints(1, 2, 5, 4),),
    multiplied: (ints(2, 3, 3), RNG.standard_normal(3)),
    place: (RNG.standard_normal((2, 5)),),
    of_text: (ints(2, 4, 2), ints(3, 2, 2)),
    averaged: (RNG.standard_normal((2, 2, 6)), RNG.standard_normal((2, 2, 3))),
}


def forward_and_gradients(op: sc.Operator, gy: Any, arrays: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    whole = resolve_borders(op)
    given = {**arrays, f"g{op.output.name}": gy}
    return evaluate(whole, arrays), {name: evaluate(adjoint(whole, name), given) for name in arrays}


@pytest.mark.parametrize("function", CASES)
def test_torch_agrees(function: Any) -> None:
    agrees(function, CASES[function])


@pytest.mark.full
def test_batch_norm_of_a_convolution() -> None:
    agrees(standardised, [RNG.standard_normal(shape) for shape in ((2, 2, 5), (3, 2, 2))])


def agrees(function: Any, given: Sequence[Any]) -> None:
    op = sc.operator(function)
    arrays = dict(zip(op.tensors, given, strict=True))
    tensors = [torch.tensor(one, requires_grad=True) for one in arrays.values()]
    y = function(*tensors)
    gy = np.random.default_rng(6).standard_normal(tuple(y.shape))
    y.backward(torch.tensor(gy))
    found, slopes = forward_and_gradients(op, gy, arrays)
    np.testing.assert_allclose(found, y.detach().numpy(), rtol=1e-9, atol=1e-12)
    for name, tensor in zip(arrays, tensors, strict=True):
        np.testing.assert_allclose(slopes[name], tensor.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_certain_predictions_have_a_loss() -> None:
    x, t = np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 0.2]]), np.array([[0.0, 1.0, 1.0], [0.0, 1.0, 0.5]])
    found, slopes = forward_and_gradients(sc.operator(crossed), np.array(1.0), {"x": x, "t": t})
    np.testing.assert_allclose(found, float(crossed(torch.tensor(x), torch.tensor(t))))
    assert np.isfinite(slopes["x"]).all()
    tensor = torch.tensor(x, requires_grad=True)
    crossed(tensor, torch.tensor(t)).backward()
    np.testing.assert_allclose(slopes["x"][:, 2], tensor.grad.numpy()[:, 2])


def test_a_target_of_zero_adds_nothing() -> None:
    x, t = RNG.standard_normal((2, 3)), np.array([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    found = evaluate(resolve_borders(sc.operator(divergence)), {"x": x, "t": t})
    np.testing.assert_allclose(found, float(divergence(torch.tensor(x), torch.tensor(t))))
