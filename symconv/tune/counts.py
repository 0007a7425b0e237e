"""The facts of a candidate at given sizes, and the cost of moving memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from symconv.errors import InternalError
from symconv.loops.ir import LANES
from symconv.tune.facts import Facts
from symconv.tune.grid import Array
from symconv.tune.machine import Machine
from symconv.tune.numbers import value

__all__ = ["Axis", "Counts", "Parts", "counts", "possible", "rate"]

Parts = dict[str, Array]
"""Cycles by what they are spent on, for every combination of a plan's numbers."""


_RATES = np.array([1 / 64, 1 / 28, 1 / 15, 1 / 9, 1 / 7])
"""Cycles a byte takes from the first cache, the second, what of it others use too, the last one, and memory."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A flat axis as numbers; see :class:`symconv.tune.facts.FlatAxis`."""

    name: str
    extent: int
    operand: int
    low: int
    high: int
    stride: int
    joined: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """Facts as numbers; see :class:`symconv.tune.facts.Facts`."""

    facts: Facts
    axes: tuple[Axis, ...]
    rows: int
    planes: int
    taps: tuple[int, ...]
    groups: int
    columns: int
    flops: int
    reads: int
    writes: int
    summed: int = 0
    runs: int = 0

    @property
    def cells(self) -> int:
        """Flat positions of one group that mean something."""
        return prod(axis.extent for axis in self.axes)

    @property
    def wide(self) -> int:
        """Elements of the wide operand, all groups together."""
        return prod(axis.operand for axis in self.axes) * self.planes * self.groups * self.facts.classes

    @property
    def tile(self) -> tuple[int, int]:
        """Rows and vectors (outer form) or columns (dot form) of the register tile."""
        return self.facts.tile


def counts(facts: Facts, sizes: Mapping[str, int]) -> Counts:
    """The numbers of a candidate; raises :class:`InternalError` where an expression has no value at these sizes."""
    m, n = facts.tile
    if m < 1 or n < 1 or (facts.scheme != "masked" and not facts.flat):
        raise InternalError(f"{facts.label}: a tile of {m} x {n} along {len(facts.flat)} axes")
    axes = tuple(
        Axis(
            axis.name,
            max(value(axis.extent, sizes), 0),
            max(value(axis.operand, sizes), 0),
            value(axis.low, sizes),
            value(axis.high, sizes),
            axis.stride,
            axis.joined,
        )
        for axis in facts.flat
    )
    whole = [max(value(e, sizes), 0) for e in (facts.rows, facts.planes, facts.groups, facts.columns)]
    work = [max(value(e, sizes), 0) for e in (facts.flops, facts.reads, facts.writes, facts.summed, facts.runs)]
    taps = tuple(n for n in (value(count, sizes) for count in facts.taps) if n > 0)
    return Counts(facts, axes, whole[0], whole[1], taps, whole[2], whole[3], *work)


def possible(facts: Facts, sizes: Mapping[str, int], lanes: int) -> bool:
    """Whether a candidate can run at these sizes, in vectors of so many lanes."""
    return all(value(condition, {**sizes, LANES: lanes}) for condition in facts.requires)


def rate(footprint: Array | float, machine: Machine) -> Array:
    """Cycles per byte of a stream whose data, touched again and again, takes ``footprint`` bytes in all."""
    cache = machine.caches
    bounds = np.maximum.accumulate([0.75 * cache.first, 0.8 * cache.second, 0.8 * cache.shared, 0.3 * cache.last])
    return _RATES[np.searchsorted(bounds, np.asarray(footprint, dtype=np.float64))]
