# type: ignore
"""Groups, depthwise, transposed, pooling, bias."""

import numpy as np


def per_group(dout, x, w):
    N, C, H, W = x.shape
    F, Cg, KH, KW = w.shape
    groups = 2
    Fg = F // groups
    _, _, OH, OW = dout.shape
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for g in range(groups):
        xs = x[:, g * Cg : (g + 1) * Cg]
        ds = dout[:, g * Fg : (g + 1) * Fg]
        ws = w[g * Fg : (g + 1) * Fg]
        for i in range(OH):
            for j in range(OW):
                dw[g * Fg : (g + 1) * Fg] += np.einsum(
                    "nf,ncpq->fcpq", ds[:, :, i, j], xs[:, :, i : i + KH, j : j + KW]
                )
                dx[:, g * Cg : (g + 1) * Cg, i : i + KH, j : j + KW] += np.einsum("nf,fcpq->ncpq", ds[:, :, i, j], ws)
    return dx, dw


def per_group_wrong_slice(dout, x, w):
    N, C, H, W = x.shape
    F, Cg, KH, KW = w.shape
    groups = 2
    Fg = F // groups
    _, _, OH, OW = dout.shape
    dx = np.zeros_like(x)
    for g in range(groups):
        ds = dout[:, g * Fg : (g + 1) * Fg]
        ws = w[:Fg]
        for i in range(OH):
            for j in range(OW):
                dx[:, g * Cg : (g + 1) * Cg, i : i + KH, j : j + KW] += np.einsum("nf,fcpq->ncpq", ds[:, :, i, j], ws)
    return dx


def depthwise(dout, x, w):
    N, C, H, W = x.shape
    _, _, KH, KW = w.shape
    OH, OW = dout.shape[2:]
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for c in range(C):
        for p in range(KH):
            for q in range(KW):
                dx[:, c, p : p + OH, q : q + OW] += dout[:, c] * w[c, 0, p, q]
                dw[c, 0, p, q] = np.sum(dout[:, c] * x[:, c, p : p + OH, q : q + OW])
    return dx, dw


def depthwise_broadcast(dout, x, w):
    KH, KW = w.shape[2:]
    OH, OW = dout.shape[2:]
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for p in range(KH):
        for q in range(KW):
            dx[..., p : p + OH, q : q + OW] += dout * w[None, :, 0, p, q, None, None]
            dw[:, 0, p, q] = (dout * x[..., p : p + OH, q : q + OW]).sum(axis=(0, 2, 3))
    return dx, dw


def bias_only(dout, x, w, b):
    return dout.sum((0, 2, 3))


def bias_wrong_axes(dout, x, w, b):
    return dout.sum((0, 1, 2))


def bias_mean(dout, x, w, b):
    return dout.mean(axis=(0, 2, 3))


def bias_loop(dout, x, w, b):
    db = np.zeros_like(b)
    for f in range(b.shape[0]):
        db[f] = np.sum(dout[:, f, :, :])
    return db


def transposed(dout, x, w, stride):
    N, C, H, W = x.shape
    _, F, KH, KW = w.shape
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for i in range(H):
        for j in range(W):
            patch = dout[:, :, i * stride : i * stride + KH, j * stride : j * stride + KW]
            dx[:, :, i, j] = np.einsum("nfpq,cfpq->nc", patch, w)
            dw += np.einsum("nc,nfpq->cfpq", x[:, :, i, j], patch)
    return dx, dw


def transposed_wrong(dout, x, w, stride):
    N, C, H, W = x.shape
    _, F, KH, KW = w.shape
    dx = np.zeros_like(x)
    for i in range(H):
        for j in range(W):
            patch = dout[:, :, i : i + KH, j : j + KW]
            dx[:, :, i, j] = np.einsum("nfpq,cfpq->nc", patch, w)
    return dx


def average_pool(dout, x):
    N, C, H, W = x.shape
    _, _, OH, OW = dout.shape
    dx = np.zeros_like(x)
    for i in range(OH):
        for j in range(OW):
            average = dout[:, :, i, j] / 4
            dx[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2] += average[:, :, None, None]
    return dx


def average_pool_ones(dout, x):
    N, C, H, W = x.shape
    _, _, OH, OW = dout.shape
    dx = np.zeros(x.shape)
    for n in range(N):
        for c in range(C):
            for h in range(OH):
                for w in range(OW):
                    dx[n, c, h * 2 : h * 2 + 2, w * 2 : w * 2 + 2] += np.ones((2, 2)) * (dout[n, c, h, w] / (2 * 2))
    return dx


def average_pool_repeat(dout, x):
    N, C, H, W = x.shape
    up = np.repeat(np.repeat(dout, 2, axis=2), 2, axis=3) / 4
    OH, OW = up.shape[2:]
    return np.pad(up, ((0, 0), (0, 0), (0, H - OH), (0, W - OW)))


def average_pool_no_rest(dout, x):
    return np.kron(dout, np.ones((1, 1, 2, 2))) / 4


def average_pool_forgot_division(dout, x):
    dx = np.zeros_like(x)
    OH, OW = dout.shape[2:]
    for i in range(2):
        for j in range(2):
            dx[:, :, i : i + 2 * OH : 2, j : j + 2 * OW : 2] += dout
    return dx


def linear(dout, x, w, b):
    dx = dout.dot(w)
    dw = dout.T.dot(x)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def linear_transposed(dout, x, w, b):
    dx = dout @ w.T
    dw = x.T @ dout
    db = dout.sum(0)
    return dx, dw, db


def linear_mean(dout, x, w, b):
    m = x.shape[0]
    dx = np.dot(dout, w)
    dw = 1.0 / m * np.dot(dout.T, x)
    db = 1.0 / m * np.sum(dout, axis=0)
    return dx, dw, db
