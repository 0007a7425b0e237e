"""Cycles of the bilinear form: tiles of an operand become points, products are taken point by point, and sums of them
become tiles of the result, which is looked through for NaN and infinities.

Per box of tiles: every plane of the wide operand is transformed; for each point a register tile of the outer form (or,
where contributions are summed, of the dot form) runs over the planes; sums are transformed back.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from symconv.tune import dot
from symconv.tune.counts import Counts, Parts, rate
from symconv.tune.facts import LONGEST
from symconv.tune.grid import Array, combined, strips
from symconv.tune.machine import Machine
from symconv.tune.near import Kinds
from symconv.tune.outer import distance, moved, pieces
from symconv.tune.tiles import dot_step, folded_lanes, outer_step

__all__ = ["bound", "cycles", "numbers", "workspace"]

_CALL = 25.0
"""Entering a register tile."""
_RUN_OF_PLANES = 8.0
"""Starting a run of planes in a register tile."""
_BOX = 150.0
"""Starting a box."""
_START = 1500.0
"""A workspace, one more loop nest."""
_DEALT = 3.0
"""Cycles of a point of a row that is transformed along the lanes, beside its store."""
_PICKED = 1.0
"""Cycles of an element that is read apart from its neighbours."""
_DOUBT, _FEW = 0.14, 2.0
"""What windows that move in strides must save before they are taken, of all cycles, and how much more for one plane:
the model says too little by as much where sums of many taps are larger than caches, and where planes are few."""
_LACKING = 0.12
"""The same where some classes lack taps and windows have two directions: 3x3 by 2 gained or lost less than a tenth."""
_WOVEN = 5.5
"""Cycles of a point of a tile that becomes outputs, or of a sum that becomes taps."""
_STORED = 15.0
"""Bytes stored a cycle, with what is computed of them."""
_HIDDEN = 0.35
"""The share of waiting that other work does not cover."""
_IN_ORDER = 0.25
"""The same share for what is read from its first element to its last, which is fetched ahead."""
_SPILT, _MOST_SPILT = 0.08, 3.2
"""Cycles a byte of points waits for each second cache that a box of windows in one direction takes beyond the first:
little is computed with a point that covers its way. Measured: boxes of 4 caches cost a third more than boxes of one; a
box of 19 costs less than two of 9.
"""
_BESIDE = 0.2
"""The share of the way of a block of columns from caches behind the second that arithmetic does not cover, where
windows have one direction: points are few, and their planes long."""
_NEAR_RUN, _RUN = 40.0, 100.0
"""Waiting where a box of windows in one direction begins to read a row of a plane, or to write one: from caches, and
from memory."""
_KEPT, _CHUNK = 0.8, 0.75
"""Cycles for an element of a point of the sums: of the first chunk, and of each further one while caches hold all."""
_FACTOR = 1.8
"""Cycles to transform what one element of the narrow operand contributes to one point."""


def _points(n: Counts) -> int:
    return prod(points for _, points in n.facts.transform)


def _products(n: Counts) -> int:
    """Products of all points together for one row and one tile of windows."""
    return (n.summed or n.planes * _points(n)) * sum(n.taps)


def _folds(n: Counts) -> bool:
    """Whether contributions are summed: lanes of the accumulators are folded at the end of a box."""
    return any(name.rstrip("_") == "S" for name in n.facts.parameters)


def bound(n: Counts, machine: Machine) -> float:
    """Cycles that no plan of this candidate can go below."""
    m, second = n.tile
    each, rows = n.facts.operations, -(-n.rows // m) * n.groups * _points(n)
    if _folds(n):
        step = dot_step(n.tile, machine, each, n.facts.loads)
        return rows * -(-n.columns // second) * (n.cells / machine.lanes) * step
    steps = -(-n.rows // m) * n.groups * _products(n) * (n.cells / (second * machine.lanes))
    return steps * outer_step(n.tile, machine, each, n.facts.loads)


def numbers(n: Counts, machine: Machine) -> dict[str, Array]:
    """Every combination worth trying, by the names of the plan's numbers."""
    if _folds(n):
        return dot.numbers(n, machine)
    lengths = combined(strips([max(axis.extent, 1) for axis in n.axes], n.tile[1] * machine.lanes), [1])
    return dict(zip([f"T_{axis.name}" for axis in n.axes], lengths, strict=False))


def cycles(n: Counts, machine: Machine, chosen: dict[str, Array]) -> Parts:
    """What each combination of numbers costs."""
    lengths = [chosen[f"T_{axis.name}"] for axis in n.axes]
    boxes = np.prod([np.ceil(axis.extent / t) for axis, t in zip(n.axes, lengths, strict=True)], axis=0) * n.groups
    kinds = pieces(n.axes, lengths)
    each = [(number, np.ceil(np.prod(kind, axis=0) / machine.lanes)) for number, kind in kinds]
    vectors = np.sum([number * vectors for number, vectors in each], axis=0)
    # Every box transforms what the taps of other axes reach: short boxes transform the same windows several times.
    reached = [(a, [length + x.high - x.low for length, x in zip(k, n.axes, strict=True)]) for a, k in kinds]
    # Elements of windows that move in long strides are picked lane by lane.
    picked = n.facts.transform[-1][1] * _PICKED * machine.lanes if n.axes[-1].stride > 2 else 0.0
    once, again = _transforms(n, machine, kinds), _transforms(n, machine, reached)
    plane = _transforms(n, machine, reached, picked) if picked else again
    work = _Work(boxes, vectors * n.groups, once * n.groups, plane * n.groups, again / once)
    parts = _dotted(n, machine, chosen, work) if _folds(n) else _summed(n, machine, lengths, kinds, each, work)
    looked = n.writes * distance(n.writes, machine)
    parts.update(look=looked * np.ones_like(boxes), start=_START + _BOX * boxes)
    if any(axis.stride > 1 for axis in n.axes):
        lacking = _LACKING if n.runs and len(n.facts.transform) > 1 else 0.0
        parts["doubt"] = (_DOUBT + _FEW / n.planes + lacking) * np.sum(list(parts.values()), axis=0)
    return parts


@dataclass(frozen=True, slots=True)
class _Work:
    """What all boxes have: their number, vectors of tiles at a point, cycles to transform a plane, without and with
    what taps of other axes reach, and how often a window is transformed."""

    boxes: Array
    vectors: Array
    plane: Array
    reached: Array
    again: Array


def _rows(kinds: Kinds, machine: Machine) -> Array:
    """Vectors of all boxes where each row of tiles has its own: rows are short, and their last vectors are ragged."""
    each = [amount * np.prod(k[:-1], axis=0) * np.ceil(k[-1] / machine.lanes) for amount, k in kinds]
    total: Array = np.sum(each, axis=0)
    return total


def _begun(n: Counts, machine: Machine, kinds: Kinds) -> Array:
    """Waiting for the rows that boxes begin where windows have one direction: lines of several hide it."""
    if len(n.facts.transform) > 1:
        return np.zeros_like(kinds[0][0])
    begun: Array = np.sum([amount * np.prod(k[:-1], axis=0) for amount, k in kinds], axis=0)
    far = [2.0 * elements * machine.itemsize > 0.3 * machine.caches.last for elements in (n.wide, n.writes)]
    read, written = (_RUN if one else _NEAR_RUN for one in far)
    return begun * (n.planes * read + n.rows * written)


def _transforms(n: Counts, machine: Machine, kinds: Kinds, more: float = 0.0) -> Array:
    """Cycles to transform the windows of a plane: rows along the lanes (``more`` for each vector), then full vectors
    across them."""
    along = n.facts.transform[-1][1] * (_DEALT + machine.vector_bytes / 14) + more
    if len(n.facts.transform) == 1:
        return _rows(kinds, machine) * along
    m, _ = n.facts.transform[-2]
    lines = np.zeros_like(kinds[0][0])
    full = np.zeros_like(lines)
    for amount, k in kinds:
        lines += amount * np.prod(k[:-2], axis=0) * (m * k[-2] + 2) * np.ceil(k[-1] / machine.lanes)
        full += amount * np.prod(k[:-2], axis=0) * np.ceil(k[-2] * k[-1] / machine.lanes)
    return lines * along + full * _points(n) * machine.vector_bytes / _STORED


def _far(held: Array, machine: Machine) -> Array:
    """Cycles per byte of points, which are written far from each other: dear far outside of the second cache."""
    levels = [held > 0.3 * machine.caches.last, held > 4.0 * machine.caches.second]
    cost: Array = rate(held, machine) * np.select(levels, [8.0, 2.0], 1.0)
    return cost


def _register_tiles(n: Counts, machine: Machine, each: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Register tiles over the vectors of all boxes at a point, and cycles of one step in each; the last has fewer."""
    m, most = n.tile
    each_step = (outer_step((m, v), machine, n.facts.operations, n.facts.loads) for v in range(1, most + 1))
    steps, number, step = np.array([0.0, *each_step]), np.zeros_like(each[0][0]), np.zeros_like(each[0][0])
    for amount, vectors in each:
        whole, rest = np.divmod(vectors, most)
        number += amount * (whole + (rest > 0))
        step += amount * (whole * steps[most] + steps[rest.astype(np.intp)])
    return number * n.groups, step * n.groups


def _summed(
    n: Counts, machine: Machine, lengths: list[Array], kinds: Kinds, each: list[tuple[Array, Array]], work: _Work
) -> Parts:
    m, most = n.tile
    points, row_tiles = _points(n), -(-n.rows // m)
    tiles = np.prod(lengths, axis=0)
    number, step = _register_tiles(n, machine, each)
    boxes, vectors = work.boxes, work.vectors
    rows = _rows(kinds, machine) * n.groups
    slabs = -(-n.planes // LONGEST)
    calls = points * row_tiles * number * slabs
    held = points * tiles * (n.planes / slabs * work.again + row_tiles * m) * machine.itemsize
    narrow = points * row_tiles * m * n.planes * sum(n.taps) * machine.itemsize
    spread = min(2.2, max(1.0, narrow * n.groups / (0.35 * machine.caches.last)))
    passed = n.planes * work.again + 2.0 * n.rows * slabs
    once = points * vectors * machine.vector_bytes * passed * _far(held, machine)
    return {
        "multiply": row_tiles * _products(n) * step,
        "calls": calls * (_CALL + m * most * (2.5 if slabs > 1 else 1.0))
        + row_tiles * number * n.runs * _RUN_OF_PLANES,
        "cache": once * _HIDDEN + boxes * narrow * rate(narrow + held, machine) * _IN_ORDER,
        "pack": work.reached * n.planes + _HIDDEN * work.again * n.wide * moved(n.wide, machine, 1),
        "unpack": rows * n.rows * points * _WOVEN + _HIDDEN * n.writes * moved(n.writes, machine, 1),
        "rows": _begun(n, machine, kinds) * n.groups,
        "narrow": _FACTOR * spread * points * n.rows * n.planes * n.groups * np.ones_like(boxes),
    }


def _dotted(n: Counts, machine: Machine, chosen: dict[str, Array], work: _Work) -> Parts:
    m, columns = n.tile
    points, row_tiles, column_tiles = _points(n), -(-n.rows // m), -(-n.columns // columns)
    passes = np.ceil(n.rows / chosen["MB"])
    boxes, vectors, again = work.boxes, work.vectors, work.again * passes
    calls = points * boxes * row_tiles * column_tiles
    lengths = [chosen[f"T_{axis.name}"] for axis in n.axes]
    held = points * np.prod(lengths, axis=0) * (chosen["MB"] + n.columns) * machine.itemsize
    bytes_ = points * vectors * machine.vector_bytes * (n.rows + n.columns * again)
    line = len(n.facts.transform) == 1
    spilt = np.clip(held / machine.caches.second - 0.8, 0.0, _MOST_SPILT) * line
    # Each tile of rows reads a block of columns again.
    beside = rate(2.0 * np.prod(lengths, axis=0) * chosen["NB"] * machine.itemsize, machine) - 1 / 28
    panels = row_tiles * n.columns * points * vectors * machine.vector_bytes * np.maximum(0.0, beside) * line
    cells = points * n.rows * n.columns * n.groups
    stored = cells * machine.itemsize / machine.caches.last
    spread, far = np.clip(2.5 * chosen["S"] * stored, 1.0, 4.0), 1.0 + 2.0 * max(0.0, stored - 1.0)
    block = np.ceil(n.columns / chosen["NB"]) * n.rows * points * vectors * machine.vector_bytes
    return {
        "multiply": points * row_tiles * column_tiles * vectors * dot_step(n.tile, machine, n.facts.operations),
        "calls": calls * _CALL,
        "fold": calls * m * columns * folded_lanes(machine),
        "cache": (bytes_ * _far(held, machine) + block * rate(held / points, machine)) * _HIDDEN
        + _SPILT * bytes_ * spilt
        + _BESIDE * panels,
        "pack": work.reached * n.columns * passes
        + work.plane * n.rows
        + _HIDDEN * n.reads * moved(n.reads, machine, 1),
        "chunks": cells * (_KEPT * far + _CHUNK * (chosen["S"] - 1.0) * spread),
    }


def workspace(n: Counts, machine: Machine, chosen: dict[str, Array]) -> tuple[float | Array, Array]:
    """Bytes shared by all threads, and bytes of each thread."""
    points, m = _points(n), n.tile[0]
    tiles = np.prod([chosen[f"T_{axis.name}"] for axis in n.axes], axis=0) + machine.lanes * n.tile[1]
    rows = -(-n.rows // m) * m
    if _folds(n):
        shared = chosen["S"] * points * (n.rows + m) * (n.columns + n.tile[1]) * n.groups * machine.itemsize
        return shared, points * tiles * (chosen["MB"] + n.columns) * machine.itemsize
    narrow = points * rows * (n.planes * sum(n.taps) + 1) * n.groups * machine.itemsize
    slab = -(-n.planes // -(-n.planes // LONGEST))
    return float(narrow), points * tiles * (slab + rows) * machine.itemsize
