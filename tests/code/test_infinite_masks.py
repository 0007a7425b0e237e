"""Softmax of scores that masks set to minus infinity: PyTorch's autograd and difference quotients are the oracles."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.code.arrays.infinite import KEPT_ROWS

ATTENTION = """
import torch


class Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v):
        scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
        T = scores.shape[-1]
        MASK
        p = torch.softmax(scores, dim=-1)
        ctx.save_for_backward(q, k, v, p)
        return p @ v

    @staticmethod
    def backward(ctx, do):
        q, k, v, p = ctx.saved_tensors
        dp = do @ v.transpose(-2, -1)
        ds = p * (dp - (dp * p).sum(dim=-1, keepdim=True)) / q.shape[-1] ** 0.5
        return ds @ k, ds.transpose(-2, -1) @ q, p.transpose(-2, -1) @ do
"""
MASKS = (
    "scores = scores.masked_fill(torch.triu(torch.ones(T, T), diagonal=1).bool(), float('-inf'))",
    "scores = scores.masked_fill(torch.triu(torch.ones(T, T), diagonal=1) == 1, -torch.inf)",
    "scores.masked_fill_(torch.tril(torch.ones(T, T)) == 0, float('-inf'))",
    "scores[~torch.ones(T, T, dtype=torch.bool).tril()] = float('-inf')",
    "scores = scores + torch.triu(torch.full((T, T), float('-inf'), dtype=scores.dtype), diagonal=1)",
    "scores = torch.where(torch.arange(T) <= torch.arange(T)[:, None], scores, float('-inf'))",
    "keep = (torch.triu(torch.ones(T, T)) == 1).transpose(0, 1)\n"
    "        mask = keep.float().masked_fill(keep == 0, float('-inf')).masked_fill(keep == 1, float(0.0))\n"
    "        scores = scores + mask",
)
CAUSAL = ATTENTION.replace("MASK", MASKS[0])
WRONG = (
    ("ds.transpose(-2, -1) @ q", "ds @ q"),
    ("/ q.shape[-1] ** 0.5\n        return", "\n        return"),
    ("(dp * p).sum(dim=-1,", "(dp * p).sum(dim=-2,"),
)


def imported(text: str, folder: Path) -> Any:
    path = folder / "layer.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("layer", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def right_in_torch(text: str, folder: Path, queries: int = 4) -> bool:
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(5)
    shapes = ((queries, 3), (4, 3), (4, 2))
    arrays = [torch.randn(s, generator=generator, dtype=torch.float64, requires_grad=True) for s in shapes]
    layer = imported(text, folder).Attention
    return bool(torch.autograd.gradcheck(layer.apply, arrays, raise_exception=False))


@pytest.mark.parametrize("mask", MASKS)
def test_causal_masks_of_attention(mask: str, tmp_path: Path) -> None:
    text = ATTENTION.replace("MASK", mask)
    proofs = sc.check(text, explain=False)
    assert proofs.holds is True, str(proofs)
    assert KEPT_ROWS not in str(proofs)
    assert right_in_torch(text, tmp_path)


@pytest.mark.parametrize(("old", "new"), WRONG)
def test_wrong_gradients_under_a_causal_mask(old: str, new: str, tmp_path: Path) -> None:
    assert CAUSAL.count(old) == 1
    text = CAUSAL.replace(old, new)
    assert sc.check(text, explain=False).holds is False
    assert not right_in_torch(text, tmp_path)


FUSED = """
import torch
import torch.nn.functional as F


class Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v):
        ctx.save_for_backward(q, k, v)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)

    @staticmethod
    def backward(ctx, do):
        q, k, v = ctx.saved_tensors
        keep = torch.ones(q.size(-2), k.size(-2), dtype=torch.bool).tril(diagonal=0)
        bias = torch.zeros_like(keep, dtype=q.dtype).masked_fill_(keep.logical_not(), float("-inf"))
        p = F.softmax(q @ k.mT * q.shape[-1] ** -0.5 + bias, dim=-1)
        dp = do @ v.mT
        ds = p * (dp - (dp * p).sum(-1, True)) * q.shape[-1] ** -0.5
        return ds @ k, ds.mT @ q, p.mT @ do
"""


@pytest.mark.parametrize(("diagonal", "right"), [(0, True), (1, False)])
def test_the_causal_mask_of_torch_with_other_numbers_of_queries_and_keys(
    diagonal: int, right: bool, tmp_path: Path
) -> None:
    text = FUSED.replace("diagonal=0", f"diagonal={diagonal}")
    assert sc.check(text, explain=False).holds is right
    assert right_in_torch(text, tmp_path, queries=3) is right


SOFTMAX = """
import numpy as np


def forward(scores, mask):
    z = np.where(mask, scores, -np.inf)
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    p = e / e.sum(axis=-1, keepdims=True)
    return p


def backward(dp, scores, mask):
    z = np.where(mask, scores, -np.inf)
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    p = e / e.sum(axis=-1, keepdims=True)
    return p * (dp - (dp * p).sum(axis=-1, keepdims=True))
"""


def right_by_quotients(text: str, folder: Path) -> bool:
    module = imported(text, folder)
    generator = np.random.default_rng(4)
    x, dy = generator.normal(size=(2, 3, 4)), generator.normal(size=(2, 3, 4))
    mask = generator.integers(0, 2, x.shape)
    mask[..., 1] = 1
    want = np.empty_like(x)
    for cell in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[cell] = 1e-5
        want[cell] = (dy * (module.forward(x + step, mask) - module.forward(x - step, mask))).sum() / 2e-5
    return bool(np.allclose(module.backward(dy, x, mask), want, atol=1e-6))


@pytest.mark.parametrize(
    ("old", "new", "right"),
    [
        ("return p * (dp", "return np.where(mask, p, 0) * (dp", True),
        ("return p * (dp", "return e * (dp", False),
        ("(dp * p).sum", "dp.sum", False),
    ],
)
def test_masks_that_are_given(old: str, new: str, right: bool, tmp_path: Path) -> None:
    assert SOFTMAX.count(old) == 1
    text = SOFTMAX.replace(old, new)
    proofs = sc.check(text, explain=False)
    assert proofs.holds is right, str(proofs)
    assert KEPT_ROWS in str(proofs["scores"].operator)
    assert right_by_quotients(text, tmp_path) is right


REFUSED = (
    ("np.where(mask, scores, -np.inf)", "scores + (1 - mask) * -np.inf"),  # NaN where mask is 1
    ("np.where(mask, scores, -np.inf)", "np.where(mask, scores, np.inf)"),
    ("np.exp(z - ", "np.tanh(z - "),
    ("np.exp(z - ", "np.exp(0 * z - "),
    ("np.exp(z - ", "np.exp(-z - "),
)


@pytest.mark.parametrize(("old", "new"), REFUSED)
def test_what_else_is_done_to_infinity_is_refused(old: str, new: str) -> None:
    with pytest.raises(sc.SpecError, match="infinit"):
        sc.check(SOFTMAX.replace(old, new))


def test_a_view_from_before_the_mask_is_no_other_array() -> None:
    text = SOFTMAX.replace("    return p\n", "    rows = z[0]\n    z[mask == 0] = -np.inf\n    return p + rows.sum()\n")
    with pytest.raises(sc.SpecError, match="infinit"):
        sc.check(text)
