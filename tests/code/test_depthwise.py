"""Convolutions with a group for each channel, said by a length: ``groups=x.shape[1]``, decided as torch's gradcheck does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.verify import reference

TEXT = """
import torch
import torch.nn.functional as F

class Made(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return F.conv{n}d(x, w, {options}, groups=x.shape[1])

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        gx = gw = None
        if ctx.needs_input_grad[0]:
            gx = torch.nn.grad.conv{n}d_input(x.shape, w, g, {of_x}, groups={groups})
        if ctx.needs_input_grad[1]:
            gw = torch.nn.grad.conv{n}d_weight(x, w.shape, g, {of_w}, groups={groups})
        return gx, gw
"""
WIDE = "stride=(2, 1), padding=(1, 2), dilation=(1, 2)"
CASES = {
    "padded": (2, "padding=1", "padding=1", "padding=1", "x.size(1)", (True, True)),
    "strided and dilated": (2, WIDE, WIDE, WIDE, "w.shape[0]", (True, True)),
    "the dilation is forgotten for x": (2, WIDE, "stride=(2, 1), padding=(1, 2)", WIDE, "x.shape[1]", (False, True)),
    "the padding is forgotten for w": (2, "padding=1", "padding=1", "padding=0", "x.shape[1]", (True, False)),
    "along one axis": (1, "stride=2", "stride=2", "stride=2", "x.shape[1]", (True, True)),
    "along one axis, without the stride": (1, "stride=2", "stride=2", "stride=1", "x.shape[1]", (True, False)),
}


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_depthwise_layers_are_decided(name: str) -> None:
    torch = pytest.importorskip("torch")
    n, options, of_x, of_w, groups, right = CASES[name]
    code = TEXT.format(n=n, options=options, of_x=of_x, of_w=of_w, groups=groups)
    proofs = sc.check(code, "Made")
    assert (proofs["x"].holds, proofs["w"].holds) == right, str(proofs)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102
    rng = np.random.default_rng(0)
    x, w = (torch.tensor(rng.uniform(-1, 1, shape), requires_grad=True) for shape in ((2, 3, 6, 7)[: n + 2],
                                                                                     (3, 1, 3, 2)[: n + 2]))  # fmt: skip
    for one, other, holds in ((x, w, right[0]), (w, x, right[1])):
        other.requires_grad_(False)
        one.requires_grad_(True)
        try:
            agrees = torch.autograd.gradcheck(names["Made"].apply, (x, w), raise_exception=False)
        except RuntimeError:
            agrees = False
        assert agrees is holds


def test_a_separable_layer_is_an_operator() -> None:
    def separable(x, dw, pw):
        return F.conv2d(F.conv2d(x, dw, groups=x.shape[1], padding=1), pw)  # noqa: F821

    torch = pytest.importorskip("torch")
    op = sc.operator(separable)
    rng = np.random.default_rng(1)
    x, d, p = (rng.integers(-3, 4, shape).astype(float) for shape in ((2, 3, 5, 4), (3, 1, 3, 3), (4, 3, 1, 1)))
    given = [torch.tensor(a) for a in (x, d, p)]
    wanted = torch.nn.functional.conv2d(torch.nn.functional.conv2d(given[0], given[1], groups=3, padding=1), given[2])
    assert (reference.evaluate(op, dict(zip(op.tensors, (x, d, p), strict=True))) == wanted.numpy()).all()
