# type: ignore
"""Naive loops, in the styles of courses."""

import numpy as np


def cs231n_naive(dout, cache):
    x, w, b, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    H_out = 1 + (H + 2 * pad - HH) // stride
    W_out = 1 + (W + 2 * pad - WW) // stride
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    dx_pad = np.zeros_like(x_pad)
    dw = np.zeros_like(w)
    db = np.sum(dout, axis=(0, 2, 3))
    for i in range(H_out):
        for j in range(W_out):
            window = x_pad[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            for k in range(F):
                dw[k, :, :, :] += np.sum(window * (dout[:, k, i, j])[:, None, None, None], axis=0)
            for n in range(N):
                dx_pad[n, :, i * stride : i * stride + HH, j * stride : j * stride + WW] += np.sum(
                    (w[:, :, :, :] * (dout[n, :, i, j])[:, None, None, None]), axis=0
                )
    dx = dx_pad[:, :, pad : pad + H, pad : pad + W]
    return dx, dw, db


def cs231n_quadruple(dout, cache):
    x, w, b, conv_param = cache
    s = conv_param.get("stride", 1)
    p = conv_param.get("pad", 0)
    N, C, H, W = x.shape
    F, C, HH, WW = w.shape
    _, _, Ho, Wo = dout.shape
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros_like(b)
    xp = np.pad(x, [(0,), (0,), (p,), (p,)], "constant")
    dxp = np.pad(dx, [(0,), (0,), (p,), (p,)], "constant")
    for n in range(N):
        for f in range(F):
            db[f] += dout[n, f].sum()
            for i in range(Ho):
                for j in range(Wo):
                    hs = i * s
                    ws = j * s
                    dw[f] += xp[n, :, hs : hs + HH, ws : ws + WW] * dout[n, f, i, j]
                    dxp[n, :, hs : hs + HH, ws : ws + WW] += w[f] * dout[n, f, i, j]
    dx = dxp[:, :, p : H + p, p : W + p]
    return dx, dw, db


def coursera(dZ, cache):
    (A_prev, W, b, hparameters) = cache
    (m, n_H_prev, n_W_prev, n_C_prev) = A_prev.shape
    (f1, f2, n_C_prev, n_C) = W.shape
    stride = hparameters["stride"]
    pad = hparameters["pad"]
    (m, n_H, n_W, n_C) = dZ.shape
    dA_prev = np.zeros((m, n_H_prev, n_W_prev, n_C_prev))
    dW = np.zeros((f1, f2, n_C_prev, n_C))
    db = np.zeros((n_C,))
    A_prev_pad = np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)), "constant", constant_values=0)
    dA_prev_pad = np.pad(dA_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)), "constant", constant_values=0)
    for i in range(m):
        a_prev_pad = A_prev_pad[i]
        da_prev_pad = dA_prev_pad[i]
        for h in range(n_H):
            for w in range(n_W):
                for c in range(n_C):
                    vert_start = h * stride
                    vert_end = vert_start + f1
                    horiz_start = w * stride
                    horiz_end = horiz_start + f2
                    a_slice = a_prev_pad[vert_start:vert_end, horiz_start:horiz_end, :]
                    da_prev_pad[vert_start:vert_end, horiz_start:horiz_end, :] += W[:, :, :, c] * dZ[i, h, w, c]
                    dW[:, :, :, c] += a_slice * dZ[i, h, w, c]
                    db[c] += dZ[i, h, w, c]
        dA_prev[i, :, :, :] = da_prev_pad[pad:-pad, pad:-pad, :]
    assert dA_prev.shape == (m, n_H_prev, n_W_prev, n_C_prev)
    return dA_prev, dW, db


def seven_loops(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    OH, OW = dout.shape[2], dout.shape[3]
    dx = np.zeros(x.shape)
    dw = np.zeros(w.shape)
    for n in range(N):
        for f in range(F):
            for c in range(C):
                for i in range(OH):
                    for j in range(OW):
                        for p in range(KH):
                            for q in range(KW):
                                u = i * stride + p - pad
                                v = j * stride + q - pad
                                if 0 <= u < H and 0 <= v < W:
                                    dx[n, c, u, v] += dout[n, f, i, j] * w[f, c, p, q]
                                    dw[f, c, p, q] += dout[n, f, i, j] * x[n, c, u, v]
    return dx, dw


def seven_loops_continue(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    _, _, OH, OW = dout.shape
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for n in range(N):
        for i in range(OH):
            for p in range(KH):
                row = i * stride + p - pad
                if row < 0 or row >= H:
                    continue
                for j in range(OW):
                    for q in range(KW):
                        col = j * stride + q - pad
                        if col < 0 or col >= W:
                            continue
                        for f in range(F):
                            for c in range(C):
                                dx[n, c, row, col] = dx[n, c, row, col] + dout[n, f, i, j] * w[f, c, p, q]
                                dw[f, c, p, q] = dw[f, c, p, q] + dout[n, f, i, j] * x[n, c, row, col]
    return dx, dw


def gather_scalar(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    _, _, OH, OW = dout.shape
    dx = np.empty_like(x)
    for n in range(N):
        for c in range(C):
            for u in range(H):
                for v in range(W):
                    acc = 0.0
                    for f in range(F):
                        for p in range(KH):
                            for q in range(KW):
                                if (u + pad - p) % stride == 0 and (v + pad - q) % stride == 0:
                                    i = (u + pad - p) // stride
                                    j = (v + pad - q) // stride
                                    if i >= 0 and i < OH and j >= 0 and j < OW:
                                        acc += dout[n, f, i, j] * w[f, c, p, q]
                    dx[n, c, u, v] = acc
    return dx


def taps(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    OH, OW = dout.shape[-2:]
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dxp = np.zeros(xp.shape)
    dw = np.zeros_like(w)
    for p in range(KH):
        for q in range(KW):
            rows = slice(p, p + stride * OH, stride)
            cols = slice(q, q + stride * OW, stride)
            dw[:, :, p, q] = np.einsum("nfij,ncij->fc", dout, xp[:, :, rows, cols])
            dxp[:, :, rows, cols] += np.einsum("nfij,fc->ncij", dout, w[:, :, p, q])
    return dxp[:, :, pad : pad + H, pad : pad + W], dw


def taps_exact_stop(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    OH, OW = dout.shape[-2:]
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dxp = np.zeros(xp.shape)
    dw = np.zeros_like(w)
    for p in range(KH):
        for q in range(KW):
            view = xp[:, :, p : p + stride * (OH - 1) + 1 : stride, q : q + stride * (OW - 1) + 1 : stride]
            dw[:, :, p, q] += np.tensordot(dout, view, axes=([0, 2, 3], [0, 2, 3]))
            dxp[:, :, p : p + stride * (OH - 1) + 1 : stride, q : q + stride * (OW - 1) + 1 : stride] += np.tensordot(
                dout, w[:, :, p, q], axes=([1], [0])
            ).transpose(0, 3, 1, 2)
    return dxp[:, :, pad : H + pad, pad : W + pad], dw


# wrong ones
def no_stride_in_slice(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    _, _, OH, OW = dout.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dw = np.zeros_like(w)
    for n in range(N):
        for f in range(F):
            for i in range(OH):
                for j in range(OW):
                    dw[f] += dout[n, f, i, j] * xp[n, :, i : i + KH, j : j + KW]
    return dw


def assigned_not_added(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    _, _, OH, OW = dout.shape
    dxp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for n in range(N):
        for f in range(F):
            for i in range(OH):
                for j in range(OW):
                    dxp[n, :, i * stride : i * stride + KH, j * stride : j * stride + KW] = dout[n, f, i, j] * w[f]
    return dxp[:, :, pad : pad + H, pad : pad + W]


def exchanged_axes(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    _, _, OH, OW = dout.shape
    dxp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for n in range(N):
        for f in range(F):
            for i in range(OH):
                for j in range(OW):
                    dxp[n, :, i * stride : i * stride + KH, j * stride : j * stride + KW] += dout[n, f, j, i] * w[f]
    return dxp[:, :, pad : pad + H, pad : pad + W]


def short_range(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    _, _, OH, OW = dout.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dw = np.zeros_like(w)
    for i in range(OH - 1):
        for j in range(OW):
            for f in range(F):
                dw[f] += np.sum(
                    dout[:, f, i, j].reshape(-1, 1, 1, 1)
                    * xp[:, :, i * stride : i * stride + KH, j * stride : j * stride + KW],
                    axis=0,
                )
    return dw


def wrong_crop(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    _, _, OH, OW = dout.shape
    dxp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for i in range(OH):
        for j in range(OW):
            dxp[:, :, i * stride : i * stride + KH, j * stride : j * stride + KW] += np.einsum(
                "nf,fcpq->ncpq", dout[:, :, i, j], w
            )
    return dxp[:, :, :H, :W]


def mean_over_batch(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    _, _, OH, OW = dout.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dw = np.zeros_like(w)
    for i in range(OH):
        for j in range(OW):
            dw += np.einsum(
                "nf,ncpq->fcpq", dout[:, :, i, j], xp[:, :, i * stride : i * stride + KH, j * stride : j * stride + KW]
            )
    return dw / N


def flipped_kernel(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    _, _, OH, OW = dout.shape
    w = w[:, :, ::-1, ::-1]
    dxp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for n in range(N):
        for f in range(F):
            for i in range(OH):
                for j in range(OW):
                    dxp[n, :, i * stride : i * stride + KH, j * stride : j * stride + KW] += dout[n, f, i, j] * w[f]
    return dxp[:, :, pad : pad + H, pad : pad + W]


def minus_pad(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    _, _, OH, OW = dout.shape
    dxp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for i in range(OH):
        for j in range(OW):
            dxp[:, :, i * stride : i * stride + KH, j * stride : j * stride + KW] += np.tensordot(
                dout[:, :, i, j], w, axes=1
            )
    if pad > 0:
        return dxp[:, :, pad:-pad, pad:-pad]
    return dxp
