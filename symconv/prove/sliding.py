"""Convolutions on concrete arrays, tap by tap: the brute force behind ``numeric``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from symconv.prove.concrete import Misfit

__all__ = ["correlated", "dilated", "extents", "padded", "scattered", "transposed", "window"]

Array = np.ndarray[Any, Any]
Pads = Sequence[tuple[int, int]]


def dilated(value: Array, steps: Mapping[int, int]) -> Array:
    """Zeros between neighbours on some axes."""
    if any(step != 1 and value.shape[k] < 1 for k, step in steps.items()):
        raise Misfit("an empty axis is dilated")
    shape = [(n - 1) * steps[k] + 1 if k in steps and steps[k] != 1 else n for k, n in enumerate(value.shape)]
    result = np.zeros(shape, value.dtype)
    result[tuple(slice(None, None, steps.get(k, 1)) for k in range(value.ndim))] = value
    return result


def padded(value: Array, axis: int, lo: int, hi: int) -> Array:
    """Zeros before and after one axis, or elements cut off."""
    size = value.shape[axis] + lo + hi
    if size < 0:
        raise Misfit(f"an axis of length {value.shape[axis]} is cut to {size}")
    start, stop = max(0, -lo), max(0, -hi)
    # Both cuts may meet: what is left of an axis never has a negative length.
    kept = max(0, value.shape[axis] - start - stop)
    index = [slice(None)] * value.ndim
    index[axis] = slice(start, start + kept)
    pads = [(0, 0)] * value.ndim
    low = min(max(0, lo), size)
    pads[axis] = (low, size - low - kept)
    return np.pad(value[tuple(index)], pads)


def extents(
    sizes: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Pads,
) -> list[int]:
    """How many positions a window has on each axis."""
    found = []
    for n, k, s, d, (lo, hi) in zip(sizes, kernel, strides, dilations, pads, strict=True):
        room = n + lo + hi - d * (k - 1) - 1
        if k < 1 or room < 0:
            raise Misfit(f"a window of length {k} does not fit on an axis of length {n}")
        found.append(room // s + 1)
    return found


def window(
    tap: Sequence[int], counts: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> tuple[slice, ...]:
    """What one tap reads at every position."""
    starts = [t * d for t, d in zip(tap, dilations, strict=True)]
    return tuple(slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(starts, counts, strides, strict=True))


def _mixed(a: Array, k: Array) -> Array:
    """``Σ_c a[n,c,...]·k[f,c]``, exact for every dtype."""
    return np.moveaxis(np.tensordot(a, k, axes=([1], [1])), -1, 1)


def correlated(
    a: Array,
    k: Array,
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Pads,
    groups: int,
) -> Array:
    """Cross-correlation of an array and filters."""
    if a.shape[1] != groups * k.shape[1] or k.shape[0] % groups:
        raise Misfit(f"{a.shape[1]} channels against filters {k.shape} in {groups} groups")
    kernel = k.shape[2:]
    reach = extents(a.shape[2:], kernel, strides, dilations, pads)
    for axis, (lo, hi) in enumerate(pads):
        a = padded(a, axis + 2, lo, hi)
    filters, channels = k.shape[0] // groups, k.shape[1]
    result = np.zeros((a.shape[0], k.shape[0], *reach), np.result_type(a, k))
    for g, tap in product(range(groups), np.ndindex(*kernel)):
        part = a[(slice(None), slice(g * channels, (g + 1) * channels), *window(tap, reach, strides, dilations))]
        out = slice(g * filters, (g + 1) * filters)
        result[:, out] += _mixed(part, k[(out, slice(None), *tap)])
    return result


def transposed(
    a: Array,
    k: Array,
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Pads,
    groups: int,
    output: Sequence[int],
) -> Array:
    """The adjoint of ``correlated`` in its array."""
    if a.shape[1] != k.shape[0] or k.shape[0] % groups:
        raise Misfit(f"{a.shape[1]} channels against filters {k.shape} in {groups} groups")
    sizes = []
    for n, t, s, d, (lo, hi), more in zip(a.shape[2:], k.shape[2:], strides, dilations, pads, output, strict=True):
        extent = (n - 1) * s - lo - hi + d * (t - 1) + more + 1
        if t < 1 or extent < 1 or not 0 <= more < max(s, d):
            raise Misfit(f"an output of length {extent} with output_padding {more}")
        sizes.append(extent)
    channels = k.shape[0] // groups
    taps = []
    for tap in np.ndindex(*k.shape[2:]):
        parts = []
        for g in range(groups):
            held = slice(g * channels, (g + 1) * channels)
            parts.append(_mixed(a[:, held], np.swapaxes(k[(held, slice(None), *tap)], 0, 1)))
        taps.append((tap, np.concatenate(parts, axis=1)))
    return scattered(taps, sizes, strides, dilations, pads)


def scattered(
    taps: Sequence[tuple[tuple[int, ...], Array]],
    sizes: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Pads,
) -> Array:
    """Every tap's array added where its window lies; what falls on the pads is cut off."""
    first = taps[0][1]
    counts = first.shape[2:]
    result = np.zeros((*first.shape[:2], *sizes), first.dtype)
    for tap, part in taps:
        here, there = [], []
        for t, n, size, s, d, (lo, _) in zip(tap, counts, sizes, strides, dilations, pads, strict=True):
            at = [(i, i * s + t * d - lo) for i in range(n) if 0 <= i * s + t * d - lo < size]
            here.append([i for i, _ in at])
            there.append([u for _, u in at])
        if all(here):
            every: tuple[Any, ...] = (slice(None), slice(None))
            result[(*every, *np.ix_(*there))] += part[(*every, *np.ix_(*here))]
    return result
