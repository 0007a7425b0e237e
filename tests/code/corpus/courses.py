# type: ignore
"""Convolutions as courses and blogs write them: columns by index arrays, windows that are views, counters, classes."""

import numpy as np


def get_im2col_indices(x_shape, field_height, field_width, padding=1, stride=1):
    N, C, H, W = x_shape
    out_height = (H + 2 * padding - field_height) // stride + 1
    out_width = (W + 2 * padding - field_width) // stride + 1
    i0 = np.repeat(np.arange(field_height), field_width)
    i0 = np.tile(i0, C)
    i1 = stride * np.repeat(np.arange(out_height), out_width)
    j0 = np.tile(np.arange(field_width), field_height * C)
    j1 = stride * np.tile(np.arange(out_width), out_height)
    i = i0.reshape(-1, 1) + i1.reshape(1, -1)
    j = j0.reshape(-1, 1) + j1.reshape(1, -1)
    k = np.repeat(np.arange(C), field_height * field_width).reshape(-1, 1)
    return (k, i, j)


def im2col_indices(x, field_height, field_width, padding=1, stride=1):
    p = padding
    x_padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), mode="constant")
    k, i, j = get_im2col_indices(x.shape, field_height, field_width, padding, stride)
    cols = x_padded[:, k, i, j]
    C = x.shape[1]
    cols = cols.transpose(1, 2, 0).reshape(field_height * field_width * C, -1)
    return cols


def col2im_indices(cols, x_shape, field_height=3, field_width=3, padding=1, stride=1):
    N, C, H, W = x_shape
    H_padded, W_padded = H + 2 * padding, W + 2 * padding
    x_padded = np.zeros((N, C, H_padded, W_padded), dtype=cols.dtype)
    k, i, j = get_im2col_indices(x_shape, field_height, field_width, padding, stride)
    cols_reshaped = cols.reshape(C * field_height * field_width, -1, N)
    cols_reshaped = cols_reshaped.transpose(2, 0, 1)
    np.add.at(x_padded, (slice(None), k, i, j), cols_reshaped)
    if padding == 0:
        return x_padded
    return x_padded[:, :, padding:-padding, padding:-padding]


def indices_im2col(dout, x, w, stride, pad):
    n_filter, d_filter, h_filter, w_filter = w.shape
    X_col = im2col_indices(x, h_filter, w_filter, padding=pad, stride=stride)
    dout_reshaped = dout.transpose(1, 2, 3, 0).reshape(n_filter, -1)
    dw = dout_reshaped @ X_col.T
    dw = dw.reshape(w.shape)
    W_reshape = w.reshape(n_filter, -1)
    dX_col = W_reshape.T @ dout_reshaped
    dx = col2im_indices(dX_col, x.shape, h_filter, w_filter, padding=pad, stride=stride)
    return dx, dw


def indices_batch_first(dout, x, w, stride, pad):
    n_filter, d_filter, h_filter, w_filter = w.shape
    X_col = im2col_indices(x, h_filter, w_filter, padding=pad, stride=stride)
    dout_reshaped = dout.transpose(1, 0, 2, 3).reshape(n_filter, -1)
    dw = (dout_reshaped @ X_col.T).reshape(w.shape)
    dX_col = w.reshape(n_filter, -1).T @ dout_reshaped
    dx = col2im_indices(dX_col, x.shape, h_filter, w_filter, padding=pad, stride=stride)
    return dx, dw


def plain_add_at(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    k, i, j = get_im2col_indices(x.shape, KH, KW, pad, stride)
    cols = xp[:, k, i, j]
    gy = dout.reshape(N, F, -1)
    dw = np.einsum("nfo,nko->fk", gy, cols).reshape(w.shape)
    dcols = np.einsum("fk,nfo->nko", w.reshape(F, -1), gy)
    dxp = np.zeros_like(xp)
    np.add.at(dxp, (slice(None), k, i, j), dcols)
    return dxp[:, :, pad : pad + H, pad : pad + W], dw


def assigned_at(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    k, i, j = get_im2col_indices(x.shape, KH, KW, pad, stride)
    dcols = np.einsum("fk,nfo->nko", w.reshape(F, -1), dout.reshape(N, F, -1))
    dxp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    dxp[:, k, i, j] += dcols
    return dxp[:, :, pad : pad + H, pad : pad + W]


def counted(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    _, _, OH, OW = dout.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), "constant")
    dxp = np.zeros_like(xp)
    dw = np.zeros_like(w)
    for n in range(N):
        for f in range(F):
            h = 0
            for i in range(OH):
                v = 0
                for j in range(OW):
                    dw[f] += dout[n, f, i, j] * xp[n, :, h : h + KH, v : v + KW]
                    dxp[n, :, h : h + KH, v : v + KW] += dout[n, f, i, j] * w[f]
                    v += stride
                h = h + stride
    return dxp[:, :, pad : H + pad, pad : W + pad], dw


def counter_not_reset(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    _, _, OH, OW = dout.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), "constant")
    dxp = np.zeros_like(xp)
    dw = np.zeros_like(w)
    h = 0
    for i in range(OH):
        v = 0
        for j in range(OW):
            for n in range(N):
                for f in range(F):
                    dw[f] += dout[n, f, i, j] * xp[n, :, h : h + KH, v : v + KW]
                    dxp[n, :, h : h + KH, v : v + KW] += dout[n, f, i, j] * w[f]
            v += 1
        h += stride
    return dxp[:, :, pad : H + pad, pad : W + pad], dw


def while_counters(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), "constant")
    dxp = np.zeros_like(xp)
    dw = np.zeros(w.shape)
    for n in range(N):
        for f in range(F):
            curr_y = out_y = 0
            while curr_y + KH <= H + 2 * pad:
                curr_x = out_x = 0
                while curr_x + KW <= W + 2 * pad:
                    dw[f] += dout[n, f, out_y, out_x] * xp[n, :, curr_y : curr_y + KH, curr_x : curr_x + KW]
                    dxp[n, :, curr_y : curr_y + KH, curr_x : curr_x + KW] += dout[n, f, out_y, out_x] * w[f]
                    curr_x += stride
                    out_x += 1
                curr_y += stride
                out_y += 1
    return dxp[:, :, pad : pad + H, pad : pad + W], dw


def while_square(dout, x, w, stride, pad):
    N, C, H, _ = x.shape
    F, _, K, _ = w.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), "constant")
    dw = np.zeros(w.shape)
    for n in range(N):
        for f in range(F):
            curr_y = out_y = 0
            while curr_y + K <= H + 2 * pad:
                curr_x = out_x = 0
                while curr_x + K <= H + 2 * pad:
                    dw[f] += dout[n, f, out_y, out_x] * xp[n, :, curr_y : curr_y + K, curr_x : curr_x + K]
                    curr_x += stride
                    out_x += 1
                curr_y += stride
                out_y += 1
    return dw


def listed_columns(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    _, _, OH, OW = dout.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    cols = []
    for i in range(OH):
        for j in range(OW):
            patch = xp[:, :, i * stride : i * stride + KH, j * stride : j * stride + KW]
            cols.append(patch.reshape(N, -1))
    cols = np.stack(cols, axis=1)
    dw = np.einsum("nfo,nok->fk", dout.reshape(N, F, -1), cols)
    return dw.reshape(w.shape)


def listed_per_sample(dout, x, w, stride, pad):
    KH, KW = w.shape[2:]
    OH, OW = dout.shape[2:]
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    grads = []
    for n in range(x.shape[0]):
        dw = np.zeros_like(w)
        for i in range(OH):
            for j in range(OW):
                window = xp[n, :, i * stride : i * stride + KH, j * stride : j * stride + KW]
                dw += dout[n, :, i, j][:, None, None, None] * window[None]
        grads.append(dw)
    return np.sum(np.array(grads), axis=0)


def listed_mean(dout, x, w, stride, pad):
    KH, KW = w.shape[2:]
    OH, OW = dout.shape[2:]
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    grads = []
    for n in range(x.shape[0]):
        dw = np.zeros_like(w)
        for i in range(OH):
            for j in range(OW):
                window = xp[n, :, i * stride : i * stride + KH, j * stride : j * stride + KW]
                dw += dout[n, :, i, j][:, None, None, None] * window[None]
        grads.append(dw)
    return np.mean(grads, axis=0)


def window_views(dout, x, w, stride, pad):
    F, C, KH, KW = w.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(xp, (KH, KW), axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("nfij,ncijpq->fcpq", dout, windows)


def window_views_no_stride(dout, x, w, stride, pad):
    F, C, KH, KW = w.shape
    OH, OW = dout.shape[2:]
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(xp, (KH, KW), axis=(2, 3))[:, :, :OH, :OW]
    return np.tensordot(dout, windows, axes=([0, 2, 3], [0, 2, 3]))


def strided_view(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    OH, OW = dout.shape[2:]
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    sN, sC, sH, sW = xp.strides
    shape = (N, C, OH, OW, KH, KW)
    strides = (sN, sC, sH * stride, sW * stride, sH, sW)
    windows = np.lib.stride_tricks.as_strided(xp, shape=shape, strides=strides)
    return np.einsum("nfij,ncijpq->fcpq", dout, windows)


def generated_regions(dout, x, w, stride, pad):
    def regions(image):
        for i in range(OH):
            for j in range(OW):
                yield image[:, i * stride : i * stride + KH, j * stride : j * stride + KW], i, j

    KH, KW = w.shape[2:]
    OH, OW = dout.shape[2:]
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dw = np.zeros(w.shape)
    for n in range(x.shape[0]):
        for region, i, j in regions(xp[n]):
            for f in range(w.shape[0]):
                dw[f] += dout[n, f, i, j] * region
    return dw
