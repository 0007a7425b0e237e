"""Convolutions, their transposes and gradients as plain loops over Python integers: what the tests compare with.

Arrays are (N, C, L) and (F, C/g, K); a function gives None where the shapes do not fit.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

__all__ = ["Array", "conv", "conv_transpose", "correlation", "forward", "gradient_w", "gradient_x", "wide"]


def wide(shape: tuple[int, ...]) -> Array:
    """Zeros that hold integers of any size."""
    found = np.empty(shape, dtype=object)
    found[...] = 0
    return found


def forward(x: Array, w: Array, s: int, lo: int, hi: int, d: int, g: int) -> Array:
    """y[n,f,i] = sum over c, p of x[n, group of f, s*i + d*p - lo] * w[f,c,p]."""
    (n, _, size), (f, cg, k) = x.shape, w.shape
    out = (size + lo + hi - d * (k - 1) - 1) // s + 1
    y = wide((n, f, out))
    for b, o, i, c, p in product(range(n), range(f), range(out), range(cg), range(k)):
        at = s * i + d * p - lo
        if 0 <= at < size:
            y[b, o, i] += x[b, o // (f // g) * cg + c, at] * w[o, c, p]
    return y


def gradient_x(gy: Array, x: Array, w: Array, s: int, lo: int, d: int, g: int) -> Array:
    """The loss's gradient by x: each product of ``forward``, once more."""
    gx, (n, f, out), (_, cg, k) = wide(x.shape), gy.shape, w.shape
    for b, o, i, c, p in product(range(n), range(f), range(out), range(cg), range(k)):
        at = s * i + d * p - lo
        if 0 <= at < x.shape[2]:
            gx[b, o // (f // g) * cg + c, at] += gy[b, o, i] * w[o, c, p]
    return gx


def gradient_w(gy: Array, x: Array, w: Array, s: int, lo: int, d: int, g: int) -> Array:
    """The loss's gradient by w."""
    gw, (n, f, out), (_, cg, k) = wide(w.shape), gy.shape, w.shape
    for b, o, i, c, p in product(range(n), range(f), range(out), range(cg), range(k)):
        at = s * i + d * p - lo
        if 0 <= at < x.shape[2]:
            gw[o, c, p] += gy[b, o, i] * x[b, o // (f // g) * cg + c, at]
    return gw


def conv(a: Array, k: Array, s: int = 1, lo: int = 0, hi: int = 0, d: int = 1, g: int = 1) -> Array | None:
    """torch's ``conv1d``."""
    if a.shape[1] != g * k.shape[1] or k.shape[0] % g or a.shape[2] + lo + hi < d * (k.shape[2] - 1) + 1:
        return None
    return forward(a, k, s, lo, hi, d, g)


def conv_transpose(a: Array, k: Array, s: int = 1, lo: int = 0, more: int = 0, d: int = 1, g: int = 1) -> Array | None:
    """torch's ``conv_transpose1d``."""
    (n, c, size), (_, fg, taps) = a.shape, k.shape
    out = (size - 1) * s - 2 * lo + d * (taps - 1) + more + 1
    if c != k.shape[0] or c % g or out < 1 or not 0 <= more < max(s, d):
        return None
    y = wide((n, fg * g, out))
    for b, q, o, i, p in product(range(n), range(c), range(fg), range(size), range(taps)):
        at = s * i + d * p - lo
        if 0 <= at < out:
            y[b, q // (c // g) * fg + o, at] += a[b, q, i] * k[q, o, p]
    return y


def correlation(a: Array, v: Array, mode: str) -> Array | None:
    """NumPy's ``correlate`` of lines, a at least as long as v where the mode is valid."""
    n, m = len(a), len(v)
    if min(n, m) < 1 or (mode == "valid" and n < m):
        return None
    first = 0 if mode == "valid" else 1 - m
    count = n - m + 1 if mode == "valid" else n + m - 1
    y = wide((count,))
    for i, p in product(range(count), range(m)):
        if 0 <= first + i + p < n:
            y[i] += a[first + i + p] * v[p]
    return y
