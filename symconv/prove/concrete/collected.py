"""Reductions of claims in index notation over the last axes of a grid."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from symconv.prove.concrete.enclosure import NoValueError
from symconv.prove.concrete.numbers import Array
from symconv.prove.language.syntax import Reduction

__all__ = ["collected"]


def collected(node: Reduction, body: Array, taken: Any, axes: tuple[int, ...]) -> Array:
    """The reduction over the last ``axes``, of what is ``taken``; raises NoValueError where a mean or extreme has
    nothing to take, or where enclosures do not tell which is the larger."""
    if node.kind in {"sum", "mean"}:
        total = np.asarray(np.sum(np.where(taken, body, np.zeros((), dtype=body.dtype)), axis=axes))
        if node.kind == "sum":
            return total
        count = np.sum(taken, axis=axes)
        if np.any(count == 0):
            raise NoValueError("a mean of no elements")
        if total.dtype.kind == "f":
            return np.asarray(total / count)
        return np.asarray(total * np.frompyfunc(lambda n: Fraction(1, int(n)), 1, 1)(count), dtype=object)
    if node.kind == "prod":
        return np.asarray(np.prod(np.where(taken, body, np.ones((), dtype=body.dtype)), axis=axes))
    if not np.all(np.any(taken, axis=axes)):
        raise NoValueError("an extreme of no elements")
    if body.dtype.kind in "if":
        return _machine(node.kind, body, taken, axes)
    found = list(_extremes(node.kind, body, taken, body.shape[: axes[0]]))
    result = np.empty(len(found), dtype=object)
    result[:] = found
    shaped = result.reshape(body.shape[: axes[0]])
    if node.kind.startswith("arg"):
        return np.asarray(_row_major(shaped.astype(np.int64), taken, len(axes)), dtype=object)
    return np.asarray(shaped.astype(body.dtype))


def _row_major(found: Array, taken: Array, count: int) -> Array:
    """Positions in the window that is taken, from those in a grid that may be larger."""
    if count == 1:
        return found
    grid = taken.shape[-count:]
    extents = []
    for axis in range(-count, 0):
        others = tuple(other for other in range(-count, 0) if other != axis)
        along = np.any(taken, axis=others)
        if not np.array_equal(along, np.broadcast_to(along.reshape(-1, along.shape[-1])[0], along.shape)):
            raise NoValueError("a position in windows of different lengths")
        extents.append(int(np.flatnonzero(along.reshape(-1, along.shape[-1])[0]).max()) + 1)
    return np.asarray(np.ravel_multi_index(np.unravel_index(found, grid), extents))


def _machine(kind: str, body: Array, taken: Array, axes: tuple[int, ...]) -> Array:
    """The same of machine numbers, where what is not taken is beyond all others."""
    low, high = (-np.inf, np.inf) if body.dtype.kind == "f" else (np.iinfo(np.int64).min, np.iinfo(np.int64).max)
    held = np.where(taken, body, np.asarray(low if kind.endswith("max") else high, dtype=body.dtype))
    if kind.startswith("arg"):
        flat = held.reshape(*held.shape[: axes[0]], -1)
        found = np.asarray((np.argmax if kind == "argmax" else np.argmin)(flat, axis=-1))
        return np.asarray(_row_major(found, taken, len(axes)), dtype=object)
    return np.asarray((np.max if kind == "max" else np.min)(held, axis=axes))


def _extremes(kind: str, body: Array, taken: Array, cells: tuple[int, ...]) -> Iterator[Any]:
    """The first extreme of each cell, or its row-major position."""
    last = prod(body.shape[len(cells) :])
    largest = kind.endswith("max")
    for row, mask in zip(body.reshape(-1, last), taken.reshape(-1, last), strict=True):
        kept = [(k, value) for k, (value, held) in enumerate(zip(row, mask, strict=True)) if held]
        at, best = kept[0]
        for k, value in kept[1:]:
            if (best < value) if largest else (value < best):
                at, best = k, value
        yield at if kind.startswith("arg") else best
