# type: ignore
"""Full convolutions without Fourier transforms, dilated cotangents, SciPy, one dimension."""

import numpy as np
from scipy.signal import convolve2d, correlate2d


def rot180(a):
    return np.rot90(a, 2)


def dilate(dout, stride):
    N, F, OH, OW = dout.shape
    up = np.zeros((N, F, (OH - 1) * stride + 1, (OW - 1) * stride + 1))
    up[:, :, ::stride, ::stride] = dout
    return up


def full_correlation(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    up = dilate(dout, stride)
    rest_h = (H + 2 * pad - KH) % stride
    rest_w = (W + 2 * pad - KW) % stride
    up = np.pad(up, ((0, 0), (0, 0), (KH - 1, KH - 1 + rest_h), (KW - 1, KW - 1 + rest_w)))
    wf = np.flip(w, axis=(2, 3))
    dxp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for u in range(H + 2 * pad):
        for v in range(W + 2 * pad):
            dxp[:, :, u, v] = np.einsum("nfpq,fcpq->nc", up[:, :, u : u + KH, v : v + KW], wf)
    return dxp[:, :, pad : pad + H, pad : pad + W]


def full_without_rest(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    up = dilate(dout, stride)
    up = np.pad(up, ((0, 0), (0, 0), (KH - 1, KH - 1), (KW - 1, KW - 1)))
    wf = w[:, :, ::-1, ::-1]
    dxp = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for u in range(H + 2 * pad):
        for v in range(W + 2 * pad):
            dxp[:, :, u, v] = np.tensordot(up[:, :, u : u + KH, v : v + KW], wf, axes=([1, 2, 3], [0, 2, 3]))
    return dxp[:, :, pad : pad + H, pad : pad + W]


def dilated_weight(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    up = dilate(dout, stride)
    UH, UW = up.shape[2:]
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dw = np.zeros_like(w)
    for p in range(KH):
        for q in range(KW):
            dw[:, :, p, q] = np.einsum("nfij,ncij->fc", up, xp[:, :, p : p + UH, q : q + UW])
    return dw


def scipy_planes(dout, x, w):
    N, C, H, W = x.shape
    F = w.shape[0]
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for n in range(N):
        for f in range(F):
            for c in range(C):
                dx[n, c] += convolve2d(dout[n, f], w[f, c], mode="full")
                dw[f, c] += correlate2d(x[n, c], dout[n, f], mode="valid")
    return dx, dw


def scipy_flipped_twice(dout, x, w):
    N, C, H, W = x.shape
    F = w.shape[0]
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for n in range(N):
        for f in range(F):
            for c in range(C):
                dx[n, c] += convolve2d(dout[n, f], rot180(w[f, c]), "full")
                dw[f, c] += rot180(correlate2d(dout[n, f], x[n, c], "valid"))
    return dx, dw


def scipy_forgot_rot(dout, x, w):
    N, C, H, W = x.shape
    F = w.shape[0]
    dw = np.zeros_like(w)
    for n in range(N):
        for f in range(F):
            for c in range(C):
                dw[f, c] += convolve2d(x[n, c], dout[n, f], mode="valid")
    return dw


def single_plane(d, x, w):
    w_flipped = np.flip(np.flip(w, axis=0), axis=1)
    dx = convolve2d(d, w_flipped, mode="full")[: x.shape[0], : x.shape[1]]
    dw = convolve2d(np.flip(np.flip(x, axis=0), axis=1), d, mode="valid")
    return dx, dw


def single_plane_right(d, x, w):
    dx = convolve2d(d, w, mode="full")
    dw = correlate2d(x, d, mode="valid")
    return dx, dw


def one_dimension(dy, x, w):
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    N, C, L = x.shape
    F, _, K = w.shape
    T = dy.shape[2]
    for t in range(T):
        dx[:, :, t : t + K] += np.einsum("nf,fck->nck", dy[:, :, t], w)
        dw += np.einsum("nf,nck->fck", dy[:, :, t], x[:, :, t : t + K])
    return dx, dw


def causal(dy, x, w):
    N, C, L = x.shape
    F, _, K = w.shape
    xp = np.concatenate([np.zeros((N, C, K - 1)), x], axis=2)
    dxp = np.zeros_like(xp)
    dw = np.zeros_like(w)
    for k in range(K):
        dxp[:, :, k : k + L] += np.einsum("nft,fc->nct", dy, w[:, :, k])
        dw[:, :, k] = np.einsum("nft,nct->fc", dy, xp[:, :, k : k + L])
    return dxp[:, :, K - 1 :], dw


def causal_wrong_side(dy, x, w):
    N, C, L = x.shape
    F, _, K = w.shape
    dxp = np.zeros((N, C, L + K - 1))
    for k in range(K):
        dxp[:, :, k : k + L] += np.einsum("nft,fc->nct", dy, w[:, :, k])
    return dxp[:, :, :L]


def causal_dilated(dy, x, w, dilation):
    N, C, L = x.shape
    F, _, K = w.shape
    left = (K - 1) * dilation
    xp = np.pad(x, ((0, 0), (0, 0), (left, 0)))
    dxp = np.zeros_like(xp)
    dw = np.zeros_like(w)
    for k in range(K):
        dxp[:, :, k * dilation : k * dilation + L] += np.einsum("nft,fc->nct", dy, w[:, :, k])
        dw[:, :, k] = np.einsum("nft,nct->fc", dy, xp[:, :, k * dilation : k * dilation + L])
    return dxp[:, :, left:], dw


def np_convolve(dy, x, w):
    dx = np.convolve(dy, w, "full")
    dw = np.correlate(x, dy, "valid")
    return dx, dw


def np_convolve_wrong(dy, x, w):
    dx = np.convolve(dy, w[::-1], "full")
    dw = np.convolve(x, dy, "valid")
    return dx, dw
