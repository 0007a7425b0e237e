# type: ignore
"""Layers of elements as courses write them: pooling, ReLU, dropout, normalisation, softmax."""

import numpy as np


def pool_mask(dout, cache):
    x, pool_param = cache
    N, C, H, W = x.shape
    HH, WW, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    H_out = 1 + (H - HH) // stride
    W_out = 1 + (W - WW) // stride
    dx = np.zeros_like(x)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    window = x[n, c, i * stride : i * stride + HH, j * stride : j * stride + WW]
                    m = np.max(window)
                    dx[n, c, i * stride : i * stride + HH, j * stride : j * stride + WW] += (window == m) * dout[n, c, i, j]
    return dx


def pool_argmax(dout, cache):
    x, pool_param = cache
    N, C, H, W = x.shape
    HH, WW, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    _, _, H_out, W_out = dout.shape
    dx = np.zeros_like(x)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    window = x[n, c, i * stride : i * stride + HH, j * stride : j * stride + WW]
                    ind = np.unravel_index(np.argmax(window, axis=None), window.shape)
                    dx[n, c, i * stride + ind[0], j * stride + ind[1]] += dout[n, c, i, j]
    return dx


def pool_argmax_exchanged(dout, cache):
    x, pool_param = cache
    N, C, H, W = x.shape
    HH, WW, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    dx = np.zeros_like(x)
    for n in range(N):
        for c in range(C):
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    window = x[n, c, i * stride : i * stride + HH, j * stride : j * stride + WW]
                    a, b = np.unravel_index(window.argmax(), window.shape)
                    dx[n, c, i * stride + b, j * stride + a] += dout[n, c, i, j]
    return dx


def pool_divmod(dout, x):
    N, C, H, W = x.shape
    dx = np.zeros(x.shape)
    for n in range(N):
        for c in range(C):
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    k = np.argmax(x[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2])
                    dx[n, c, 2 * i + k // 2, 2 * j + k % 2] = dout[n, c, i, j]
    return dx


def pool_if(dout, x):
    N, C, H, W = x.shape
    dx = np.zeros(x.shape)
    for n in range(N):
        for c in range(C):
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    m = np.amax(x[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2])
                    for a in range(2):
                        for b in range(2):
                            if x[n, c, 2 * i + a, 2 * j + b] == m:
                                dx[n, c, 2 * i + a, 2 * j + b] = dout[n, c, i, j]
    return dx


def pool_if_min(dout, x):
    N, C, H, W = x.shape
    dx = np.zeros(x.shape)
    for n in range(N):
        for c in range(C):
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    m = np.min(x[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2])
                    for a in range(2):
                        for b in range(2):
                            if x[n, c, 2 * i + a, 2 * j + b] == m:
                                dx[n, c, 2 * i + a, 2 * j + b] += dout[n, c, i, j]
    return dx


def pool_reshaped(dout, x):
    N, C, H, W = x.shape
    x_reshaped = x.reshape(N, C, H // 2, 2, W // 2, 2)
    out = x_reshaped.max(axis=3).max(axis=4)
    dx_reshaped = np.zeros_like(x_reshaped)
    out_newaxis = out[:, :, :, np.newaxis, :, np.newaxis]
    mask = x_reshaped == out_newaxis
    dout_newaxis = dout[:, :, :, np.newaxis, :, np.newaxis]
    dout_broadcast, _ = np.broadcast_arrays(dout_newaxis, dx_reshaped)
    dx_reshaped[mask] = dout_broadcast[mask]
    return dx_reshaped.reshape(x.shape)


def create_mask_from_window(x):
    mask = x == np.max(x)
    return mask


def pool_mask_from_window(dout, x):
    m, n_C, n_H, n_W = dout.shape
    dA_prev = np.zeros(x.shape)
    for i in range(m):
        a_prev = x[i]
        for c in range(n_C):
            for h in range(n_H):
                for w in range(n_W):
                    vert_start, horiz_start = h * 2, w * 2
                    vert_end, horiz_end = vert_start + 2, horiz_start + 2
                    a_slice = a_prev[c, vert_start:vert_end, horiz_start:horiz_end]
                    mask = create_mask_from_window(a_slice)
                    dA_prev[i, c, vert_start:vert_end, horiz_start:horiz_end] += np.multiply(mask, dout[i, c, h, w])
    return dA_prev


def relu_times_mask(dout, x):
    return dout * (x > 0)


def relu_masked(dout, cache):
    x = cache
    dx = np.array(dout, copy=True)
    dx[x <= 0] = 0
    return dx


def relu_where(dout, x):
    return np.where(x > 0, dout, 0)


def relu_loops(dout, x):
    dx = np.zeros_like(x)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            if x[i, j] > 0:
                dx[i, j] = dout[i, j]
            else:
                dx[i, j] = 0
    return dx


def relu_continue(dout, x):
    dx = np.zeros_like(x)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            if x[i, j] <= 0:
                continue
            dx[i, j] += dout[i, j]
    return dx


def relu_sign_turned(dout, x):
    return dout * (x < 0)


def relu_of_gradient(dout, x):
    dx = dout.copy()
    dx[dout <= 0] = 0
    return dx


def leaky(dout, x, alpha=0.25):
    dx = np.ones_like(x)
    dx[x <= 0] = alpha
    return dx * dout


def leaky_forgot(dout, x, alpha=0.25):
    return np.where(x > 0, dout, alpha * x)


def dropout(dout, mask):
    return dout * mask / 0.5


def dropout_unscaled(dout, mask):
    return dout * mask


def batchnorm(dout, x, gamma):
    N, D = x.shape
    eps = 1
    mu = x.mean(axis=0)
    xc = x - mu
    var = np.mean(xc**2, axis=0)
    ivar = 1 / np.sqrt(var + eps)
    xhat = xc * ivar
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    dx = 1.0 / N * ivar * (N * dxhat - dxhat.sum(axis=0) - xhat * np.sum(dxhat * xhat, axis=0))
    return dx, dgamma, dbeta


def batchnorm_staged(dout, x, gamma):
    N, D = x.shape
    eps = 1
    mu = 1.0 / N * np.sum(x, axis=0)
    xmu = x - mu
    var = 1.0 / N * np.sum(xmu**2, axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1.0 / sqrtvar
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + eps) * dsqrtvar
    dsq = 1.0 / N * np.ones((N, D)) * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1.0 / N * np.ones((N, D)) * dmu
    return dx1 + dx2


def batchnorm_forgot_mean(dout, x, gamma):
    N, D = x.shape
    eps = 1
    mu = x.mean(axis=0)
    var = x.var(axis=0)
    xhat = (x - mu) / np.sqrt(var + eps)
    dxhat = dout * gamma
    return (N * dxhat - xhat * np.sum(dxhat * xhat, axis=0)) / (N * np.sqrt(var + eps))


def softmax_rows(dout, x):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    s = e / np.sum(e, axis=1, keepdims=True)
    return s * (dout - np.sum(dout * s, axis=1, keepdims=True))


def softmax_diagonal_alone(dout, x):
    e = np.exp(x)
    s = e / e.sum(axis=1, keepdims=True)
    return dout * s * (1 - s)


def cross_entropy(dout, x, t):
    shifted = x - np.max(x, axis=1, keepdims=True)
    p = np.exp(shifted) / np.sum(np.exp(shifted), axis=1, keepdims=True)
    return (p - t) * dout[:, None]


def cross_entropy_batch_mean(dout, x, t):
    p = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
    return (p - t) * dout[:, None] / x.shape[0]
