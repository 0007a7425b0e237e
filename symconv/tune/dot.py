"""Cycles of the dot form: lanes are contributions to one cell, both operands are packed into flat rows of one pitch.

Per chunk and block of rows, box by box: both operands are copied; register tiles of rows by columns run over the flat
positions, their lanes are folded into sums of the chunk; at the end the chunks are added in order.
"""

from __future__ import annotations

import numpy as np

from symconv.tune.counts import Counts, Parts, rate
from symconv.tune.grid import Array, blocks, combined, strips
from symconv.tune.machine import Machine
from symconv.tune.near import Kinds, columns_near, rows_near
from symconv.tune.outer import distance, moved, pieces, pitch, plane, span
from symconv.tune.shares import row_blocks
from symconv.tune.tiles import dot_step, folded_lanes

__all__ = ["bound", "cycles", "numbers", "workspace"]

_CALL = 45.0
"""Entering a register tile."""
_ROW = 12.0
"""Starting to copy a row, and its ragged end."""
_BOX = 150.0
"""Starting a box."""
_START = 900.0
"""A workspace, tables, one more loop nest."""
_CELL = 1.0
"""Storing a finished cell in the target."""
_CHUNK = 1.4
"""Adding a chunk's share of a cell."""
_HIDDEN = 0.6
"""The share of waiting that other work does not cover."""
_THERE = 0.6
"""The share of the way from memory that arithmetic does not cover where an operand is read in place."""
_ITEMS = 8
"""Parts worth sharing among threads; fixed, so that sums do not depend on how many threads there are."""


def bound(n: Counts, machine: Machine) -> float:
    """Cycles that no plan of this candidate can go below."""
    m, columns = n.tile
    steps = n.cells / machine.lanes
    each = dot_step(n.tile, machine, n.facts.operations, n.facts.loads)
    return steps * n.groups * -(-n.rows // m) * -(-n.columns // columns) * each


def numbers(n: Counts, machine: Machine) -> dict[str, Array]:
    """Every combination worth trying, by the names of the plan's numbers."""
    extents = [max(axis.extent, 1) for axis in n.axes]
    columns = n.tile[1]
    per_plane = -(-max(n.columns, 1) // max(n.planes, 1))
    across = {-(-length * per_plane // columns) * columns for length in blocks(max(n.planes, 1), most=16)}
    found = combined(strips(extents, 4 * machine.lanes), row_blocks(n), sorted(across))
    chosen = dict(zip([*(f"T_{axis.name}" for axis in n.axes), "MB", "NB"], found, strict=True))
    boxes = np.prod([np.ceil(axis.extent / chosen[f"T_{axis.name}"]) for axis in n.axes], axis=0)
    items = n.groups * np.ceil(n.rows / chosen["MB"])
    chosen["S"] = np.minimum(boxes, np.ceil(_ITEMS / items))
    return chosen


def cycles(n: Counts, machine: Machine, chosen: dict[str, Array]) -> Parts:
    """What each combination of numbers costs."""
    lengths = [chosen[f"T_{axis.name}"] for axis in n.axes]
    pitches = [pitch(axis, length) for axis, length in zip(n.axes, lengths, strict=True)]
    m, columns = n.tile
    row_tiles, column_tiles = -(-n.rows // m), -(-n.columns // columns)
    kinds = pieces(n.axes, lengths)
    vectors = np.sum([number * np.ceil(span(kind, pitches) / machine.lanes) for number, kind in kinds], axis=0)
    boxes = np.prod([np.ceil(axis.extent / t) for axis, t in zip(n.axes, lengths, strict=True)], axis=0) * n.groups
    calls = boxes * row_tiles * column_tiles
    cells = n.rows * n.columns * n.groups
    step = dot_step(n.tile, machine, n.facts.operations, n.facts.loads)
    return {
        "multiply": vectors * n.groups * row_tiles * column_tiles * step,
        "calls": calls * _CALL,
        "fold": calls * m * columns * folded_lanes(machine),
        "cache": _cache(n, machine, chosen, span(lengths, pitches), plane(n, lengths, pitches), boxes),
        "pack": _pack(n, machine, chosen, lengths, pitches, boxes, kinds),
        "chunks": cells * (_CELL + _CHUNK * chosen["S"]),
        "start": _START + _BOX * boxes * np.ceil(n.rows / chosen["MB"]),
    }


def _cache(n: Counts, machine: Machine, chosen: dict[str, Array], row: Array, flat: Array, boxes: Array) -> Array:
    """Waiting for what a block of columns or a tile of rows does not find in the first cache."""
    (m, columns), item = n.tile, machine.itemsize
    per_plane = max(1.0, n.columns / max(n.planes, 1))
    row_tiles, column_blocks = -(-n.rows // m), np.ceil(n.columns / chosen["NB"])
    every = n.planes * flat * n.facts.classes * item
    wide = np.minimum(chosen["NB"] / per_plane + 1, n.planes) * flat * n.facts.classes * item
    narrow, tile = chosen["MB"] * row * item, m * row * item
    once = (n.rows * row * item + every) * rate(every + narrow, machine)
    # Arithmetic covers most of the way from the second cache, and half of that from farther away.
    waiting = 0.5 * rate(wide + tile, machine) - 0.4 / 28
    again = np.where(wide + tile > 0.8 * machine.caches.first, row_tiles * every * waiting / _HIDDEN, 0.0)
    beside = tile + (1 + columns / per_plane) * flat * item
    thrown = np.where(beside > 0.95 * machine.caches.first, row_tiles * -(-n.columns // columns) * tile, 0.0)
    demand = machine.vector_bytes / 64 * (0.5 * rate(tile + wide, machine) - 0.36 / 28)
    rows = column_blocks * n.rows * row * item * rate(narrow + wide, machine)
    return boxes * ((once + again + rows) * _HIDDEN + thrown * demand)


def _pack(
    n: Counts, machine: Machine, chosen: dict[str, Array], lengths: list[Array], pitches: list[Array], boxes: Array,
    kinds: Kinds,
) -> Array:  # fmt: skip
    repeated = np.ceil(n.rows / chosen["MB"])
    near = rows_near(n, machine, kinds, pitches), columns_near(n, kinds, pitches)
    narrow = boxes * n.rows * span(lengths, pitches)
    wide = boxes * repeated * n.planes * plane(n, lengths, pitches) * n.facts.classes
    copied = [narrow * (1 - near[0]), wide * (1 - near[1])]
    far = n.rows * n.cells * n.groups, n.wide
    there = _THERE * (narrow * near[0] * distance(far[0], machine) + wide * near[1] * distance(far[1], machine))
    packed = copied[0] * moved(far[0], machine, 1) + copied[1] * moved(far[1], machine, n.axes[-1].stride)
    return (copied[0] + copied[1]) / pitches[-1] * _ROW + packed + there


def workspace(n: Counts, machine: Machine, chosen: dict[str, Array]) -> tuple[Array, Array]:
    """Bytes shared by all threads, and bytes of each thread."""
    lengths = [chosen[f"T_{axis.name}"] for axis in n.axes]
    pitches = [pitch(axis, length) for axis, length in zip(n.axes, lengths, strict=True)]
    m, columns = n.tile
    cells = (n.rows + m) * (n.columns + columns) * n.groups
    narrow = (chosen["MB"] + m) * (span(lengths, pitches) + machine.lanes)
    wide = n.planes * (plane(n, lengths, pitches) + 2 * pitches[-1]) * n.facts.classes
    return chosen["S"] * cells * machine.itemsize, (narrow + wide) * machine.itemsize
