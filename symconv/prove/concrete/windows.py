"""Sliding windows on concrete arrays, by brute force: every window is copied out, then multiplied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from symconv.limits import ARRAY_CELLS, OBJECT_CELLS
from symconv.prove.concrete.numbers import Array, Misfit, TooLargeError

__all__ = ["Slid", "convolved", "folded", "padded", "shown", "slid", "transposed", "unfolded", "zeros"]


@dataclass(frozen=True, slots=True)
class Slid:
    """How a window of ``taps`` cells slides along an axis of ``size`` cells."""

    size: int
    taps: int
    stride: int = 1
    dilation: int = 1
    lo: int = 0
    hi: int = 0
    output_padding: int = 0

    @property
    def reach(self) -> int:
        """The cells from a window's first tap to its last."""
        return self.dilation * (self.taps - 1) + 1

    def extent(self) -> int:
        """How many positions the window has; raises Misfit where there is none."""
        room = self.size + self.lo + self.hi - self.reach
        if self.taps < 1 or room < 0:
            raise Misfit(
                f"a window of {self.taps} taps and dilation {self.dilation} does not fit on an axis of length "
                f"{self.size} with pads {self.lo} and {self.hi}"
            )
        return room // self.stride + 1

    def grown(self) -> int:
        """The extent of the transposed convolution; raises Misfit where there is none."""
        most = max(self.stride, self.dilation) - 1
        if not 0 <= self.output_padding <= most:
            raise Misfit(f"output_padding is {self.output_padding}, which is not in 0..{most}")
        extent = (self.size - 1) * self.stride - self.lo - self.hi + self.reach + self.output_padding
        if self.taps < 1 or extent < 1:
            raise Misfit(
                f"the transposed window of {self.taps} taps over an axis of length {self.size} with pads {self.lo} "
                f"and {self.hi} gives length {extent}"
            )
        return extent


def shown(shape: Sequence[int]) -> str:
    """A shape in words.

    >>> shown((2, 3, 5)), shown(())
    ('2x3x5', 'a single number')
    """
    return "x".join(map(str, shape)) or "a single number"


def slid(windows: Sequence[Slid]) -> tuple[int, ...]:
    """The extents of the output."""
    return tuple(window.extent() for window in windows)


def padded(a: Array, pads: Sequence[tuple[int, int]]) -> Array:
    """Zeros around, or with negative numbers cells cut off: one (lo, hi) per axis."""
    shape = tuple(n + lo + hi for n, (lo, hi) in zip(a.shape, pads, strict=True))
    if min(shape, default=0) < 0:
        raise Misfit(f"pads {', '.join(f'{lo}:{hi}' for lo, hi in pads)} leave nothing of {shown(a.shape)}")
    result = zeros(shape, a)
    inner, outer = [], []
    for n, m, (lo, _) in zip(a.shape, shape, pads, strict=True):
        first, last = max(0, -lo), max(0, -lo, min(n, m - lo))
        inner.append(slice(first, last))
        outer.append(slice(max(0, first + lo), max(0, last + lo)))
    result[tuple(outer)] = a[tuple(inner)]
    return result


def zeros(shape: tuple[int, ...], like: Array) -> Array:
    """Zeros of the same dtype; raises TooLargeError where there would be too many."""
    _limited(prod(shape), like, f"an array of {shown(shape)}")
    return np.zeros(shape, like.dtype)


def _limited(cells: int, like: Array, what: str) -> None:
    if cells > (OBJECT_CELLS if like.dtype == object else ARRAY_CELLS):
        raise TooLargeError(f"the claim makes {what}, too large to compute")


def _windows(a: Array, windows: Sequence[Slid]) -> Array:
    """Axes batch, channels, then output and tap of each spatial axis."""
    rank, extents = len(windows), slid(windows)
    around = padded(a, [(0, 0), (0, 0), *((w.lo, w.hi) for w in windows)])
    cells = prod(a.shape[:2]) * prod(extents) * prod(w.taps for w in windows)
    _limited(cells, a, f"windows of {cells} cells")
    index: list[slice | Array] = [slice(None), slice(None)]
    for axis, (window, extent) in enumerate(zip(windows, extents, strict=True)):
        cell = np.arange(extent)[:, None] * window.stride + np.arange(window.taps) * window.dilation
        index.append(cell.reshape([1] * (2 * axis) + [extent, window.taps] + [1] * (2 * (rank - axis - 1))))
    return around[tuple(index)]


def _scattered(columns: Array, windows: Sequence[Slid], shape: Sequence[int]) -> Array:
    """The adjoint of ``_windows`` without pads: every window is added where it lies."""
    result = zeros((*columns.shape[:2], *shape), columns)
    if 0 in columns.shape:
        return result
    for tap in product(*(range(w.taps) for w in windows)):
        at: list[slice] = []
        pick: list[slice | int] = []
        for axis, (t, w) in enumerate(zip(tap, windows, strict=True)):
            first = t * w.dilation
            at.append(slice(first, first + (columns.shape[2 + 2 * axis] - 1) * w.stride + 1, w.stride))
            pick += [slice(None), t]
        result[:, :, *at] += columns[:, :, *pick]
    return result


def _contracted(a: Array, b: Array, axes: tuple[list[int], list[int]]) -> Array:
    if prod(a.shape) and prod(b.shape):
        return np.tensordot(a, b, axes)
    left = [n for axis, n in enumerate(a.shape) if axis not in axes[0]]
    right = [n for axis, n in enumerate(b.shape) if axis not in axes[1]]
    return np.zeros((*left, *right), np.result_type(a, b))


def convolved(a: Array, k: Array, windows: Sequence[Slid], groups: int) -> Array:
    """Cross-correlation of (N, C, *sp) with (F, C/groups, *K)."""
    fit = f"{shown(a.shape)} with filters {shown(k.shape)}"
    if a.shape[1] != groups * k.shape[1]:
        raise Misfit(f"conv of {fit}: {a.shape[1]} channels against {groups}*{k.shape[1]}")
    if k.shape[0] % groups:
        raise Misfit(f"conv of {fit}: {k.shape[0]} filters in {groups} groups")
    cells = _windows(a, windows)
    taps = [3 + 2 * axis for axis in range(len(windows))]
    channels, filters = k.shape[1], k.shape[0] // groups
    parts = [
        _contracted(
            cells[:, g * channels : (g + 1) * channels],
            k[g * filters : (g + 1) * filters],
            ([1, *taps], list(range(1, k.ndim))),
        )
        for g in range(groups)
    ]
    return np.moveaxis(np.concatenate(parts, axis=-1), -1, 1)


def transposed(a: Array, k: Array, windows: Sequence[Slid], groups: int) -> Array:
    """Transposed convolution of (N, C, *sp) with (C, F/groups, *K)."""
    fit = f"{shown(a.shape)} with filters {shown(k.shape)}"
    if a.shape[1] != k.shape[0]:
        raise Misfit(f"conv_transpose of {fit}: {a.shape[1]} channels against {k.shape[0]}")
    if a.shape[1] % groups:
        raise Misfit(f"conv_transpose of {fit}: {a.shape[1]} channels in {groups} groups")
    extents = [w.grown() for w in windows]
    rank, size = len(windows), a.shape[1] // groups
    order = [0, 1 + rank, *(axis for w in range(rank) for axis in (1 + w, 2 + rank + w))]
    base = [max(0, (w.size - 1) * w.stride + w.reach) for w in windows]
    parts = [
        _scattered(
            _contracted(a[:, g * size : (g + 1) * size], k[g * size : (g + 1) * size], ([1], [0])).transpose(order),
            windows,
            base,
        )
        for g in range(groups)
    ]
    ends = [(-w.lo, extent - n + w.lo) for w, extent, n in zip(windows, extents, base, strict=True)]
    return padded(np.concatenate(parts, axis=1), [(0, 0), (0, 0), *ends])


def unfolded(a: Array, windows: Sequence[Slid]) -> Array:
    """Windows as columns: (N, C*taps, positions)."""
    cells = _windows(a, windows)
    outs, taps = ([first + 2 * axis for axis in range(len(windows))] for first in (2, 3))
    rows = a.shape[1] * prod(w.taps for w in windows)
    return cells.transpose([0, 1, *taps, *outs]).reshape(a.shape[0], rows, prod(slid(windows)))


def folded(columns: Array, windows: Sequence[Slid]) -> Array:
    """The adjoint of ``unfolded``: columns added up where their windows lie."""
    extents, taps = slid(windows), prod(w.taps for w in windows)
    count, rows, positions = columns.shape
    if rows % taps or positions != prod(extents):
        raise Misfit(
            f"fold of {shown(columns.shape)}: {rows} rows for windows of {taps} cells, {positions} columns for "
            f"{shown(extents)} positions"
        )
    cells = columns.reshape(count, rows // taps, *(w.taps for w in windows), *extents)
    rank = len(windows)
    order = [0, 1, *(axis for w in range(rank) for axis in (2 + rank + w, 2 + w))]
    base = [max(w.size + w.lo + w.hi, 0) for w in windows]
    around = _scattered(cells.transpose(order), windows, base)
    return padded(around, [(0, 0), (0, 0), *((-w.lo, -w.hi) for w in windows)])
