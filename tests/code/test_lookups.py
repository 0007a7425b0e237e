"""Words that take elements by labels: each backward is also run, against what PyTorch differentiates."""

from __future__ import annotations

import pytest
import torch

import symconv as sc

ADDED = "gw = torch.zeros_like(w)\n    gw.index_add_(0, labels, g)"
SCATTERED = "gw = torch.zeros_like(w)\n    gw.scatter_add_(0, labels[:, None].expand(len(labels), w.shape[1]), g)"
WORDS = {
    # the forward, the lines of the backward, whether they are right
    "embedding": ("F.embedding(labels, w)", ADDED, True),
    "embedding_scattered": ("F.embedding(labels, w)", SCATTERED, True),
    "embedding_put": ("F.embedding(labels, w)", "gw = torch.zeros_like(w)\n    gw[labels] = g", False),
    "index_select": ("torch.index_select(w, 0, labels)", ADDED, True),
    "index_select_method": ("w.index_select(0, labels)", ADDED.replace(", g)", ", g, alpha=2)"), False),
    "of_columns": ("w.index_select(1, labels)", "gw = torch.zeros_like(w)\n    gw.index_add_(1, labels, g)", True),
    "of_columns_once": ("w.index_select(1, labels)", "gw = torch.zeros_like(w)\n    gw[:, labels] += g", False),
    "subscript": ("w[labels]", SCATTERED, True),
    "scattered_as": (
        "w[labels]",
        "gw = torch.zeros_like(w)\n    gw.scatter_add_(0, labels.view(-1, 1).expand_as(g), g)",
        True,
    ),
    "scattered_twice": (
        "w[labels]",
        "gw = torch.zeros_like(w)\n    gw.scatter_add_(0, labels.view(-1, 1).expand_as(g), 2 * g)",
        False,
    ),
}


@pytest.mark.parametrize("name", WORDS)
def test_each_word_is_what_pytorch_computes(name: str) -> None:
    forward, lines, right = WORDS[name]
    text = f"""
import torch
import torch.nn.functional as F
def taken_forward(labels, w):
    V, D = w.shape
    return {forward}, (labels, w)
def taken_backward(g, cache):
    labels, w = cache
    {lines}
    return None, gw
"""
    space: dict[str, object] = {}
    exec(compile(text, name, "exec"), space)  # noqa: S102
    torch.manual_seed(0)
    w = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([1, 3, 1, 0, 1])
    y, _ = space["taken_forward"](labels, w)  # type: ignore[operator]
    g = torch.randn_like(y)
    found = space["taken_backward"](g, (labels, w.detach()))[1]  # type: ignore[operator]
    assert torch.allclose(found, torch.autograd.grad(y, w, g)[0]) == right
    proof = sc.check(text, explain=False)["w"]
    assert proof.holds is right, str(proof)


def test_what_backward_adds_at_is_an_array_of_labels() -> None:
    text = """
import numpy as np
def embedding_forward(W, idx):
    return W[idx], (W, idx)
def embedding_backward(dout, cache):
    W, idx = cache
    dW = np.zeros_like(W)
    np.add.at(dW, idx, dout)
    return dW
"""
    assert sc.check(text, "embedding", explain=False).holds is True
    assert sc.check(text.replace("idx, dout)", "idx, 2 * dout)"), "embedding", explain=False).holds is False
