"""Softmax of masked scores, with right and wrong gradients."""

import numpy as np


def filled(scores, mask):
    e = np.exp(np.where(mask, scores, -1e9))
    return e / e.sum(axis=-1, keepdims=True)


def filled_backward(dy, scores, mask):
    e = np.exp(np.where(mask, scores, -1e9))
    p = e / e.sum(axis=-1, keepdims=True)
    ds = p * (dy - (dy * p).sum(axis=-1, keepdims=True))
    return np.where(mask, ds, 0)


def filled_elsewhere(dy, scores, mask):
    e = np.exp(np.where(mask, scores, -1e9))
    p = e / e.sum(axis=-1, keepdims=True)
    ds = p * (dy - (dy * p).sum(axis=-1, keepdims=True))
    return np.where(mask, 0, ds)


def forgotten(dy, scores, mask):
    e = np.exp(np.where(mask, scores, -1e9))
    p = e / e.sum(axis=-1, keepdims=True)
    return p * (dy - (dy * p).sum(axis=-1, keepdims=True))


def added(scores, mask):
    e = np.exp(scores + (1 - mask) * -1e9)
    return e / e.sum(axis=-1, keepdims=True)


def added_backward(dy, scores, mask):
    e = np.exp(scores + (1 - mask) * -1e9)
    p = e / e.sum(axis=-1, keepdims=True)
    return p * (dy - (dy * p).sum(axis=-1, keepdims=True))


def added_jacobian(dy, scores, mask):
    e = np.exp(scores + (1 - mask) * -1e9)
    p = e / e.sum(axis=-1, keepdims=True)
    return p * (dy - dy.sum(axis=-1, keepdims=True))


def added_diagonal(dy, scores, mask):
    e = np.exp(scores + (1 - mask) * -1e9)
    p = e / e.sum(axis=-1, keepdims=True)
    return dy * p * (1 - p)


def attention(q, k, v):
    scores = q @ k.T / np.sqrt(q.shape[1])
    e = np.exp(np.where(np.tril(np.ones((q.shape[0], q.shape[0]))), scores, -1e9))
    return e / e.sum(axis=-1, keepdims=True) @ v


def attention_backward(dy, q, k, v):
    mask = np.tril(np.ones((q.shape[0], q.shape[0])))
    e = np.exp(np.where(mask, q @ k.T / np.sqrt(q.shape[1]), -1e9))
    p = e / e.sum(axis=-1, keepdims=True)
    dp = dy @ v.T
    ds = np.where(mask, p * (dp - (dp * p).sum(axis=-1, keepdims=True)), 0) / np.sqrt(q.shape[1])
    return ds @ k, ds.T @ q, p.T @ dy
