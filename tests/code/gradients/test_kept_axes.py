"""Parameters that are broadcast along axes of length 1: their gradients say so, and torch's gradcheck agrees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

TEXT = """
import torch

class Made(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, v):
        ctx.save_for_backward(x, w)
        return {forward}

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        gv = {of_v}
        return g * w, {of_w}, gv
"""
CASES = {
    "right": ("x * w + v", "(g * x).sum(dim=(0, 2, 3), keepdim=True)", "g.sum((0, 2, 3), keepdim=True)", True),
    "along the last axis": (
        "x * w + v",
        "(g * x).sum((0, 1, 2), keepdim=True)",
        "g.sum((0, 1, 2), keepdim=True)",
        True,
    ),
    "the factor is forgotten": ("x * w + v", "g.sum((0, 2, 3), keepdim=True)", "g.sum((0, 2, 3), keepdim=True)", False),
    "a mean": ("x * w + v", "(g * x).sum((0, 2, 3), keepdim=True)", "g.mean((0, 2, 3), keepdim=True)", False),
}


@pytest.mark.parametrize("name", CASES)
def test_a_gradient_that_keeps_its_axes_says_the_shape_of_its_parameter(name: str) -> None:
    torch = pytest.importorskip("torch")
    forward, of_w, of_v, right = CASES[name]
    code = TEXT.format(forward=forward, of_w=of_w, of_v=of_v)
    proofs = sc.check(code, "Made", explain=False)
    assert proofs.holds is right, str(proofs)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102
    rng = np.random.default_rng(0)
    one = (1, 1, 1, 3) if "last" in name else (1, 3, 1, 1)
    shapes = ((2, 3, 2, 2) if one[1] == 3 else (2, 2, 2, 3), one, one)
    given = [torch.tensor(rng.uniform(-1, 1, shape), requires_grad=True) for shape in shapes]
    assert torch.autograd.gradcheck(names["Made"].apply, given, raise_exception=False) is right


@pytest.mark.parametrize("use", ["w.view(1, -1, 1, 1)", "w[None, :, None, None]"])
def test_a_parameter_that_is_given_axes_has_its_own(use: str) -> None:
    code = TEXT.format(forward=f"x * {use} + v", of_w="(g * x).sum((0, 2, 3), keepdim=True)",
                       of_v="g.sum((0, 2, 3), keepdim=True)").replace("g * w", f"g * {use}")  # fmt: skip
    assert sc.check(code, "Made", explain=False)["w"].holds is not True
