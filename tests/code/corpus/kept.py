"""Pairs that keep an input under its own name after they gave the name to something else, and a cache of one value."""

import numpy as np


def padded_forward(x, w):
    x = np.pad(x, ((0, 0), (1, 1)))
    N, L = x.shape
    K = w.shape[0]
    y = np.zeros((N, L - K + 1))
    for k in range(K):
        y += x[:, k : L - K + 1 + k] * w[k]
    return y, x, w


def padded_backward(dy, x, w):
    N, L = x.shape
    K = w.shape[0]
    dx = np.zeros((N, L))
    dw = np.zeros(K)
    for k in range(K):
        dx[:, k : L - K + 1 + k] += dy * w[k]
        dw[k] = np.sum(dy * x[:, k : L - K + 1 + k])
    return dx[:, 1:-1], dw


def scaled_forward(x, w):
    x = x * 2
    return x * w, x, w


def scaled_backward(dy, x, w):
    return 2 * dy * w, dy * x


def twice_forward(x, w):
    x = x * 2
    return x * w, x, w


def twice_backward(dy, x, w):
    # Wrong: what is kept has its factor already.
    return 2 * dy * w, 2 * dy * x


def alone_forward(x):
    x = x + x
    return x * x, x


def alone_backward(dy, x):
    return 4 * dy * x


def single_forward(x, w):
    cache = (x,)
    return x * x * w, cache


def single_backward(dy, w, cache):
    (x,) = cache
    return 2 * dy * x * w, dy * x * x
