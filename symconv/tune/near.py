"""Which share of the boxes an operand is read in where it lies, instead of being packed."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from symconv.tune.counts import Counts
from symconv.tune.grid import Array
from symconv.tune.machine import Machine

__all__ = ["Kinds", "columns_near", "rows_near"]

Kinds = Sequence[tuple[Array, list[Array]]]
"""Kinds of boxes: how many there are, and their lengths."""


def columns_near(n: Counts, kinds: Kinds, pitches: Sequence[Array]) -> Array:
    """The share of the boxes where an operand that taps move along lies in memory as packed rows would."""
    if not n.facts.in_place or n.facts.classes > 1:
        return np.zeros_like(pitches[0])
    shares = []
    for _, lengths in kinds:
        alike = np.ones_like(pitches[0])
        for k, axis in enumerate(n.axes[:-1]):
            far = np.prod(pitches[k + 1 :], axis=0)
            joined = axis.joined and prod(a.operand for a in n.axes[k + 1 :])
            alike = alike * ((lengths[k] == 1) | (far == joined))
        for axis, length in zip(n.axes, lengths, strict=True):
            # Boxes whose taps leave the operand on the left, and on the right.
            border = np.ceil(-axis.low / length) + np.ceil(max(0, axis.extent + axis.high - axis.operand) / length)
            alike = alike * np.maximum(0.0, 1 - border / np.ceil(axis.extent / length))
        shares.append(alike)
    return _share(kinds, shares)


def rows_near(n: Counts, machine: Machine, kinds: Kinds, pitches: Sequence[Array]) -> Array:
    """The share of the boxes where rows of the dot form fill whole blocks of lanes and whole tiles, without gaps."""
    if not n.facts.in_place or n.rows % n.tile[0]:
        return np.zeros_like(pitches[0])
    shares = []
    for _, lengths in kinds:
        alike = np.mod(np.prod(lengths, axis=0), machine.lanes) == 0
        for k, axis in enumerate(n.axes[:-1]):
            inner, extent = np.prod(lengths[k + 1 :], axis=0), prod(a.extent for a in n.axes[k + 1 :])
            gapless = (np.prod(pitches[k + 1 :], axis=0) == inner) & (inner == extent) & bool(axis.joined)
            alike = alike & ((lengths[k] == 1) | gapless)
        shares.append(alike.astype(np.float64))
    return _share(kinds, shares)


def _share(kinds: Kinds, shares: list[Array]) -> Array:
    boxes = np.sum([amount for amount, _ in kinds], axis=0)
    of_all: Array = np.sum([amount * share for (amount, _), share in zip(kinds, shares, strict=True)], axis=0)
    share: Array = of_all / np.maximum(boxes, 1)
    return share
