# type: ignore
"""PyTorch: windows as columns, windows as views, and the library's own gradients."""

import torch
import torch.nn.functional as F


def torch_unfold_fold(dout, x, w, stride, pad):
    n, c, h, wd = x.shape
    f, _, kh, kw = w.shape
    cols = F.unfold(x, (kh, kw), padding=pad, stride=stride)
    g = dout.reshape(n, f, -1)
    gw = torch.einsum("nfl,nkl->fk", g, cols).view_as(w)
    gx = F.fold(torch.matmul(w.view(f, -1).t(), g), (h, wd), (kh, kw), padding=pad, stride=stride)
    return gx, gw


def torch_unfold_flat(dout, x, w, stride, pad):
    cols = F.unfold(x, w.shape[2:], stride=stride, padding=pad)
    gw = (dout.flatten(2) @ cols.transpose(1, 2)).sum(dim=0).view(w.shape)
    gx = F.fold(w.flatten(1).t() @ dout.flatten(2), x.shape[2:], w.shape[2:], stride=stride, padding=pad)
    return gx, gw


def torch_unfold_not_transposed(dout, x, w, stride, pad):
    cols = F.unfold(x, w.shape[2:], stride=stride, padding=pad)
    gw = (dout.flatten(2) @ cols.transpose(1, 2)).mean(dim=0).view(w.shape)
    gx = F.fold(w.flatten(1).t() @ dout.flatten(2), x.shape[2:], w.shape[2:], padding=pad)
    return gx, gw


def torch_tensor_unfold(dout, x, w, stride, pad):
    kh, kw = w.shape[2:]
    xp = F.pad(x, (pad, pad, pad, pad))
    windows = xp.unfold(2, kh, stride).unfold(3, kw, stride)
    return torch.einsum("nfij,ncijpq->fcpq", dout, windows)


def torch_functional_grad(dout, x, w, stride, pad):
    gx = torch.nn.grad.conv2d_input(x.size(), w, dout, stride=stride, padding=pad)
    gw = torch.nn.grad.conv2d_weight(x, w.size(), dout, stride=stride, padding=pad)
    return gx, gw
