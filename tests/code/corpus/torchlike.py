# type: ignore
"""PyTorch."""

import torch
import torch.nn.functional as F


def textbook(grad_output, x, w):
    grad_input = F.conv_transpose2d(grad_output, w)
    grad_weight = F.conv2d(x.transpose(0, 1), grad_output.transpose(0, 1)).transpose(0, 1)
    return grad_input, grad_weight


def forgot_transposes(grad_output, x, w):
    grad_input = F.conv2d(grad_output, w.flip([2, 3]), padding=(w.size(2) - 1, w.size(3) - 1))
    grad_weight = F.conv2d(x, grad_output)
    return grad_input, grad_weight


def with_flip(grad_output, x, w):
    kh, kw = w.shape[2], w.shape[3]
    wt = torch.flip(w, dims=[2, 3]).permute(1, 0, 2, 3)
    return F.conv2d(F.pad(grad_output, (kw - 1, kw - 1, kh - 1, kh - 1)), wt)


def pad_order(grad_output, x, w):
    kh, kw = w.shape[2], w.shape[3]
    wt = torch.flip(w, dims=[2, 3]).permute(1, 0, 2, 3)
    return F.conv2d(F.pad(grad_output, (kh - 1, kh - 1, kw - 1, kw - 1)), wt)


def strided(grad_output, x, w, stride, padding):
    gx = F.conv_transpose2d(grad_output, w, None, stride, padding)
    gw = F.conv2d(x.transpose(0, 1), grad_output.transpose(0, 1), None, stride=1, padding=padding, dilation=stride)
    return gx, gw.transpose(0, 1)


def strided_right(grad_output, x, w, stride, padding):
    oh = x.shape[2] - ((grad_output.shape[2] - 1) * stride - 2 * padding + w.shape[2])
    ow = x.shape[3] - ((grad_output.shape[3] - 1) * stride - 2 * padding + w.shape[3])
    gx = F.conv_transpose2d(grad_output, w, stride=stride, padding=padding, output_padding=(oh, ow))
    gw = F.conv2d(x.transpose(0, 1), grad_output.transpose(0, 1), padding=padding, dilation=stride).transpose(0, 1)
    gw = gw[:, :, : w.shape[2], : w.shape[3]]
    return gx, gw


def library(grad_output, x, w, stride, padding):
    gx = torch.nn.grad.conv2d_input(x.shape, w, grad_output, stride, padding)
    gw = torch.nn.grad.conv2d_weight(x, w.shape, grad_output, stride, padding)
    return gx, gw


def library_swapped(grad_output, x, w, stride, padding):
    gx = torch.nn.grad.conv2d_input(x.shape, w, grad_output, stride=padding, padding=stride)
    gw = torch.nn.grad.conv2d_weight(x, w.shape, grad_output, padding=padding)
    return gx, gw


def chunked(grad_output, x, w):
    gys = grad_output.chunk(2, dim=1)
    ws = torch.chunk(w, 2, dim=0)
    return torch.cat([F.conv_transpose2d(g, k) for g, k in zip(gys, ws)], dim=1)


def chunked_wrong_axis(grad_output, x, w):
    gys = grad_output.chunk(2, dim=1)
    ws = torch.chunk(w, 2, dim=0)
    parts = []
    for g, k in zip(gys, ws):
        parts.append(F.conv_transpose2d(g, k))
    return parts[0] + parts[1]


def groups_option(grad_output, x, w):
    gx = F.conv_transpose2d(grad_output, w, groups=2)
    return gx


def one_dimension(grad_output, input, weight):
    K = weight.shape[-1]
    gx = F.conv1d(F.pad(grad_output, (K - 1, K - 1)), weight.flip(2).transpose(0, 1))
    gw = torch.einsum(
        "nft,nctk->fck", grad_output, torch.stack([input[:, :, k : k + grad_output.shape[2]] for k in range(K)], dim=-1)
    )
    return gx, gw


def by_unfold(grad_output, x, w):
    N = x.shape[0]
    Fo, C, KH, KW = w.shape
    cols = F.unfold(x, (KH, KW))
    g = grad_output.flatten(2)
    gw = torch.einsum("nfl,nkl->fk", g, cols).view(w.shape)
    gcols = w.view(Fo, -1).t() @ g
    gx = F.fold(gcols, (x.shape[2], x.shape[3]), (KH, KW))
    return gx, gw


def by_matmul(grad_output, x, w):
    Fo, C, KH, KW = w.shape
    cols = F.unfold(x, (KH, KW))
    g = grad_output.flatten(2)
    gw = torch.matmul(g, cols.transpose(1, 2)).sum(0).view(w.shape)
    return gw


def by_matmul_mean(grad_output, x, w):
    cols = F.unfold(x, (w.shape[2], w.shape[3]))
    g = grad_output.flatten(2)
    return torch.matmul(g, cols.transpose(1, 2)).mean(0).reshape(w.shape)


def scatter(grad_output, x, w, stride):
    n, c, h, wd = x.shape
    kh, kw = w.shape[2:]
    oh, ow = grad_output.shape[2:]
    gx = x.new_zeros(x.shape)
    for p in range(kh):
        for q in range(kw):
            part = torch.einsum("nfij,fc->ncij", grad_output, w[:, :, p, q])
            gx[:, :, p : p + stride * oh : stride, q : q + stride * ow : stride].add_(part)
    return gx
