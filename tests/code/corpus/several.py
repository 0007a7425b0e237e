"""Backward functions of several outputs, right and wrong: which is which says torch, or difference quotients."""

import numpy as np
import torch
import torch.nn.functional as F


class Moments(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        mean = x.mean(1)
        var = ((x - mean[:, None]) ** 2).mean(1)
        ctx.save_for_backward(x, mean)
        return mean, var

    @staticmethod
    def backward(ctx, gmean, gvar):
        x, mean = ctx.saved_tensors
        n = x.shape[1]
        return gmean[:, None] / n + gvar[:, None] * 2 * (x - mean[:, None]) / n


class Ignored(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2, x.sum(1)

    @staticmethod
    def backward(ctx, g1, g2):
        (x,) = ctx.saved_tensors
        return 2 * x * g1


class Swapped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b, a + b

    @staticmethod
    def backward(ctx, gsum, gprod):
        a, b = ctx.saved_tensors
        return gprod * b + gsum, gprod * a + gsum


class Unswapped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b, a + b

    @staticmethod
    def backward(ctx, gprod, gsum):
        a, b = ctx.saved_tensors
        return gprod * b + gsum, gprod * a + gsum


class Heads(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, v):
        ctx.save_for_backward(x, w, v)
        return F.conv1d(x, w, stride=2), F.conv1d(x, v)

    @staticmethod
    def backward(ctx, gy, gz):
        x, w, v = ctx.saved_tensors
        gx = torch.nn.grad.conv1d_input(x.shape, w, gy, stride=2) + torch.nn.grad.conv1d_input(x.shape, v, gz)
        gw = torch.nn.grad.conv1d_weight(x, w.shape, gy, stride=2)
        gv = torch.nn.grad.conv1d_weight(x, v.shape, gz)
        return gx, gw, gv


class Complex(torch.autograd.Function):
    @staticmethod
    def forward(ctx, ar, ai, br, bi):
        ctx.save_for_backward(ar, ai, br, bi)
        return ar * br - ai * bi, ar * bi + ai * br

    @staticmethod
    def backward(ctx, gr, gi):
        ar, ai, br, bi = ctx.saved_tensors
        return gr * br + gi * bi, gi * br - gr * bi, gr * ar + gi * ai, gi * ar - gr * ai


class ComplexWrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, ar, ai, br, bi):
        ctx.save_for_backward(ar, ai, br, bi)
        return ar * br - ai * bi, ar * bi + ai * br

    @staticmethod
    def backward(ctx, gr, gi):
        ar, ai, br, bi = ctx.saved_tensors
        return gr * br - gi * bi, gi * br + gr * bi, gr * ar + gi * ai, gi * ar - gr * ai


class Starred(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2, x.sum(1)

    @staticmethod
    def backward(ctx, *grads):
        (x,) = ctx.saved_tensors
        return 2 * x * grads[0] + grads[1][:, None]


class Polar(torch.autograd.Function):
    @staticmethod
    def forward(ctx, r, t):
        ctx.save_for_backward(r, t)
        return r * torch.cos(t), r * torch.sin(t)

    @staticmethod
    def backward(ctx, gx, gy):
        r, t = ctx.saved_tensors
        return gx * torch.cos(t) + gy * torch.sin(t), -gx * r * torch.sin(t) + gy * r * torch.cos(t)


class Normal(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        n = (x * x).sum(1, keepdim=True)
        ctx.save_for_backward(x, n)
        return x / n, n

    @staticmethod
    def backward(ctx, gy, gn):
        x, n = ctx.saved_tensors
        return gy / n - x * (gy * x).sum(1, keepdim=True) * 2 / n**2 + 2 * x * gn


def list_forward(x, w):
    s = np.einsum("nc,fc->nf", x, w)
    y = s**2
    cache = (x, w, s)
    return [s, y], cache


def list_backward(ds, dy, cache):
    x, w, s = cache
    d = ds + 2 * s * dy
    dx = np.einsum("nf,fc->nc", d, w)
    dw = np.einsum("nf,nc->fc", d, x)
    return dx, dw


def flat_forward(x, w):
    y = np.einsum("nc,fc->nf", x, w)
    z = x**2
    cache = (x, w)
    return y, z, cache


def flat_backward(dy, dz, cache):
    x, w = cache
    dx = np.einsum("nf,fc->nc", dy, w) + 2 * x * dz
    dw = np.einsum("nf,nc->fc", dy, x)
    return dx, dw


def swap_forward(x, w):
    y = x * w
    z = x + w
    return y, z, (x, w)


def swap_backward(dz, dy, cache):
    x, w = cache
    return dy * w + dz, dy * x + dz


def swapno_forward(x, w):
    y = x * w
    z = x + w
    return y, z, (x, w)


def swapno_backward(dout1, dout2, cache):
    x, w = cache
    return dout2 * w + dout1, dout2 * x + dout1
