"""Convolutions by groups, as parts of channels that are cut apart and joined again; each right, and with slips."""

from __future__ import annotations

from typing import Any

import pytest

import symconv as sc

CHUNKS = """
import torch
import torch.nn.functional as F

class Grouped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        groups = 2
        ctx.save_for_backward(x, w)
        xs = x.chunk(groups, 1)
        return torch.cat([F.conv2d(xi, wi, stride=(2, 1), padding=(1, 0)) for xi, wi in zip(xs, w.chunk(groups))], 1)

    @staticmethod
    def backward(ctx, dout):
        x, w = ctx.saved_tensors
        dxs, dws = [], []
        for xi, wi, di in zip(x.chunk(2, 1), w.chunk(2), dout.chunk(2, 1)):
            dxs.append(torch.nn.grad.conv2d_input(xi.shape, wi, di, stride=(2, 1), padding=(1, 0)))
            dws.append(torch.nn.grad.conv2d_weight(xi, wi.shape, di, stride=(2, 1), padding=(1, 0)))
        return torch.cat(dxs, 1), torch.cat(dws)
"""
NAMED = """
import torch
from torch.nn import functional as F

class Grouped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x, w)
        x1, x2 = torch.chunk(x, 2, dim=1)
        w1, w2 = torch.chunk(w, 2, dim=0)
        return torch.cat((F.conv2d(x1, w1), F.conv2d(x2, w2)), dim=1)

    @staticmethod
    def backward(ctx, g: torch.Tensor):
        x, w = ctx.saved_tensors
        x1, x2 = torch.chunk(x, 2, dim=1)
        w1, w2 = torch.chunk(w, 2, dim=0)
        g1, g2 = torch.chunk(g, 2, dim=1)
        gx = gw = None
        if ctx.needs_input_grad[0]:
            gx = torch.cat((F.conv_transpose2d(g1, w1), F.conv_transpose2d(g2, w2)), dim=1)
        if ctx.needs_input_grad[1]:
            each = [torch.nn.grad.conv2d_weight(a, b.shape, g) for a, b, g in ((x1, w1, g1), (x2, w2, g2))]
            gw = torch.cat(each)
        return gx, gw
"""
SLICES = """
import torch
import torch.nn.functional as F

def grouped_forward(x, w, b, groups=2):
    c, o = x.shape[1] // groups, w.shape[0] // groups
    outs = []
    for g in range(groups):
        outs.append(F.conv2d(x[:, g*c:(g+1)*c], w[g*o:(g+1)*o], b[g*o:(g+1)*o], padding=1))
    return torch.cat(outs, dim=1), (x, w, groups)

def grouped_backward(dout, cache):
    x, w, groups = cache
    c, o = x.shape[1] // groups, w.shape[0] // groups
    dx, dw = torch.zeros_like(x), torch.zeros_like(w)
    for g in range(groups):
        d = dout[:, g*o:(g+1)*o]
        dx[:, g*c:(g+1)*c] = F.conv_transpose2d(d, w[g*o:(g+1)*o], padding=1)
        dw[g*o:(g+1)*o] = F.conv2d(x[:, g*c:(g+1)*c].transpose(0, 1), d.transpose(0, 1), padding=1).transpose(0, 1)
    return dx, dw, dout.sum((0, 2, 3))
"""
SPLIT = """
import numpy as np

def conv(x, w):
    KH, KW = w.shape[2:]
    OH, OW = x.shape[2] - KH + 1, x.shape[3] - KW + 1
    y = np.zeros((x.shape[0], w.shape[0], OH, OW))
    for i in range(KH):
        for j in range(KW):
            y += np.einsum('nchw,oc->nohw', x[:, :, i:i+OH, j:j+OW], w[:, :, i, j])
    return y

def grouped_forward(x, w, groups=2):
    xs, ws = np.split(x, groups, axis=1), np.split(w, groups, axis=0)
    return np.concatenate([conv(a, b) for a, b in zip(xs, ws)], axis=1), (xs, ws, groups)

def grouped_backward(dout, cache):
    xs, ws, groups = cache
    dxs, dws = [], []
    for x, w, d in zip(xs, ws, np.split(dout, groups, axis=1)):
        KH, KW = w.shape[2:]
        OH, OW = d.shape[2:]
        dx, dw = np.zeros_like(x), np.zeros_like(w)
        for i in range(KH):
            for j in range(KW):
                dx[:, :, i:i+OH, j:j+OW] += np.einsum('nohw,oc->nchw', d, w[:, :, i, j])
                dw[:, :, i, j] = np.einsum('nohw,nchw->oc', d, x[:, :, i:i+OH, j:j+OW])
        dxs.append(dx)
        dws.append(dw)
    return np.concatenate(dxs, axis=1), np.concatenate(dws, axis=0)
"""
TEXTS = {"chunks": CHUNKS, "named": NAMED, "slices": SLICES, "split": SPLIT}
SLIPS = {
    "filters in another order": ("chunks", "w.chunk(2), dout", "w.chunk(2)[::-1], dout", ["x"]),
    "groups exchanged": ("chunks", "torch.cat(dxs, 1)", "torch.cat(dxs[::-1], 1)", ["x"]),
    "cotangent of the other group": ("named", "(x2, w2, g2)", "(x2, w2, g1)", ["w"]),
    "filters of the other group": ("named", "F.conv_transpose2d(g2, w2)", "F.conv_transpose2d(g2, w1)", ["x"]),
    "filters of the first group": ("slices", "conv_transpose2d(d, w[g*o:(g+1)*o]", "conv_transpose2d(d, w[:o]", ["x"]),
    "a sum left out": ("slices", "dout.sum((0, 2, 3))", "dout.sum((0, 2))", ["b"]),
    "gradients in another order": ("split", "dws.append(dw)", "dws.insert(0, dw)", ["w"]),
    "image of the first group": ("split", "d, x[:, :", "d, xs[0][:, :", ["w"]),
}


def found(text: str, **options: Any) -> sc.Proofs:
    return sc.check(text, "Grouped" if "class" in text else "grouped", **options)


@pytest.mark.parametrize("text", TEXTS)
def test_groups_that_are_cut_apart_and_joined_are_proved(text: str) -> None:
    proofs = found(TEXTS[text], explain=False)
    assert proofs.holds is True
    last = [*proofs.values()][-1]
    assert "x is N x 2*C x H x W" in " ".join(str(last).split())


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_among_groups_is_found(slip: str) -> None:
    text, right, other, wrong = SLIPS[slip]
    assert TEXTS[text].count(right) == 1
    proofs = found(TEXTS[text].replace(right, other), explain=False)
    assert [name for name, one in proofs.items() if one.holds is False] == wrong
    assert all(one.holds is not None for one in proofs.values())


def test_a_bias_of_groups_is_taken_as_long_as_there_are_filters() -> None:
    told = " ".join(str(found(SLICES, explain=False)["b"]).split())
    assert "axis 0 of b has the channels of the output; it is wrong elsewhere" in told


def test_channels_that_are_in_no_part_are_told() -> None:
    # Of an odd number the last channel is in no block, and the gradient has none for it.
    text = """
import numpy as np

def blocks_forward(x, w):
    "x: (N, C), w: (E, F)"
    c = x.shape[1] // 2
    return np.concatenate([x[:, g*c:(g+1)*c] @ w for g in range(2)], axis=1), (x, w)

def blocks_backward(dout, cache):
    x, w = cache
    c, f = x.shape[1] // 2, w.shape[1]
    dx = np.concatenate([dout[:, g*f:(g+1)*f] @ w.T for g in range(2)], axis=1)
    return dx, sum(x[:, g*c:(g+1)*c].T @ dout[:, g*f:(g+1)*f] for g in range(2))
"""
    proofs = sc.check(text, explain=False)
    told = " ".join(str(proofs["x"]).split())
    assert proofs["x"].holds is False or "parts that are cut from an axis are all of it; it is wrong elsewhere" in told
    assert proofs["w"].holds is True


def test_the_line_of_a_wrong_group_is_told() -> None:
    wrong = SLICES.replace("conv_transpose2d(d, w[g*o:(g+1)*o]", "conv_transpose2d(d, w[:o]")
    proof = found(wrong)["x"]
    line = next(k for k, one in enumerate(wrong.splitlines(), 1) if "w[:o]" in one)
    assert proof.line == line


def test_odd_numbers_are_not_left_out_where_parts_of_one_array_are_joined() -> None:
    text = """
import torch
class Halves(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        parts = x.chunk(2, 1)
        return torch.cat([p * (k + 1) for k, p in enumerate(parts)], 1)
    @staticmethod
    def backward(ctx, g):
        n = g.shape[1] // 2
        return torch.cat([g[:, :n], 2 * g[:, n:]], 1)
"""
    # Of an odd number the first part has an element more.
    proof = sc.check(text, "Halves", explain=False)["x"]
    assert proof.holds is False and proof.fails_when == "C mod 2 = 1"
    right = text.replace("g.shape[1] // 2", "(g.shape[1] + 1) // 2")
    assert sc.check(right, "Halves", explain=False).holds is True
