"""Cycles of the form abreast: lanes are rows whose narrow operand was packed side by side, a cell's element for all.

Per block of rows and strip of the outermost axis: rows are packed; then, box by box, a register tile runs over all
steps for each few cells, and the target gets their sums.
"""

from __future__ import annotations

from math import prod

import numpy as np

from symconv.tune.counts import Counts, Parts, rate
from symconv.tune.grid import Array, blocks, combined
from symconv.tune.machine import Machine
from symconv.tune.outer import distance
from symconv.tune.tiles import across_step, turned

__all__ = ["bound", "cycles", "numbers", "workspace"]

_CALL = 40.0
"""Entering a register tile."""
_STORED = 1.5
"""Adding a vector to the sums."""
_NARROW = 1.8
"""Packing an element of the narrow operand."""
_ROW = 15.0
"""Starting to store a row."""
_BOX = 150.0
"""Starting a box."""
_START = 900.0
"""A workspace, one more loop nest."""
_THERE = 0.6
"""The share of the way of the wide operand, which is read where it lies, that arithmetic does not cover."""
_FETCHED = 0.6
"""The share of the way of cells from memory, which are fetched while the last planes are summed up."""
_PANEL = 0.3
"""The share of the way of packed rows from the second cache that arithmetic does not cover."""
_TOUCH = 0.6
"""Waiting for a line of the wide operand that the second cache holds."""
_SKIPPED = 3.0
"""The same for each element that a stride skips: fewer of a line are used, and lines far apart are not foreseen."""
_LINE, _PAGE = 64, 4096
"""Bytes of a line, and of a page."""
_PAGES, _WALK = 64, 18.0
"""Pages that are known at once beside others, and cycles until another is: by 64 planes of 56x56 a layer took 6.5 ms,
by 128 of them 9.3."""


def bound(n: Counts, machine: Machine) -> float:
    """Cycles that no plan of this candidate can go below."""
    return _tiles(n) * _blocks(n, machine) * _steps(n) * across_step(n.tile, machine, n.facts.operations)


def _steps(n: Counts) -> int:
    return sum(n.taps) * n.planes


def _blocks(n: Counts, machine: Machine) -> int:
    return -(-n.rows // (n.tile[1] * machine.lanes)) * n.groups


def _tiles(n: Counts) -> float:
    """How many tiles all rows of cells have."""
    return prod(axis.extent for axis in n.axes[:-1]) * -(-n.axes[-1].extent // n.tile[0])


def numbers(n: Counts, machine: Machine) -> dict[str, Array]:
    """Every combination worth trying, by the names of the plan's numbers."""
    *outer, lane = [max(axis.extent, 1) for axis in n.axes]
    width = n.tile[1] * machine.lanes
    rows = [length * width for length in blocks(-(-n.rows // width), most=8)]
    boxes: list[tuple[int, ...]] = [(lane,)] if outer else [(length,) for length in blocks(lane, most=16)]
    for position, extent in enumerate(reversed(outer)):
        last = position == len(outer) - 1
        boxes = [(length, *box) for length in blocks(extent, most=16 if last else 8) for box in boxes]
    most = max(n.taps, default=1)
    halves = blocks(max(n.planes, 1))
    planes = [f for f in halves if 48 <= f * most <= 1024] or [halves[0] if halves[0] * most < 48 else halves[-1]]
    columns = combined(boxes, rows, planes)
    chosen = dict(zip([*(f"T_{axis.name}" for axis in n.axes), "NB", "FB"], columns, strict=True))
    # How many parts there are, which threads share: no number of a plan.
    return chosen | {"PT": np.ceil(n.rows / chosen["NB"])}


def cycles(n: Counts, machine: Machine, chosen: dict[str, Array]) -> Parts:
    """What each combination of numbers costs."""
    lengths = [chosen[f"T_{axis.name}"] for axis in n.axes]
    m, vectors = n.tile
    whole = np.ceil(n.axes[-1].extent / lengths[-1])
    tiles = prod(axis.extent for axis in n.axes[:-1]) * whole * np.ceil(lengths[-1] / m)
    every, strips = _blocks(n, machine), np.ceil(n.axes[0].extent / lengths[0])
    boxes = np.prod([np.ceil(axis.extent / t) for axis, t in zip(n.axes, lengths, strict=True)], axis=0)
    lines = prod(axis.extent for axis in n.axes[:-1]) * whole * n.rows * n.groups
    packed = n.rows * _steps(n) * n.groups
    summed = tiles * every * m * vectors * machine.vector_bytes * rate(_sums(n, machine, chosen), machine)
    return {
        "multiply": tiles * every * _steps(n) * across_step(n.tile, machine, n.facts.operations),
        "calls": tiles * every * np.ceil(n.planes / chosen["FB"]) * (_CALL + m * vectors * _stored(n, machine, chosen)),
        "cache": _cache(n, machine, chosen, tiles, strips),
        "narrow": strips * packed * (_NARROW + distance(packed, machine)),
        "unpack": 2 * summed + lines * _ROW + n.writes * (turned(machine) + distance(n.writes, machine) * _FETCHED),
        "start": _START + _BOX * boxes * chosen["PT"] * n.groups,
    }


def _sums(n: Counts, machine: Machine, chosen: dict[str, Array]) -> Array:
    """Bytes of the sums of a box."""
    cells = np.prod([chosen[f"T_{axis.name}"] for axis in n.axes], axis=0)
    size: Array = cells * chosen["NB"] * machine.itemsize
    return size


def _stored(n: Counts, machine: Machine, chosen: dict[str, Array]) -> Array:
    """Cycles to add a vector to the sums, which come from where all of them lie, and go there."""
    stored: Array = _STORED + 2 * machine.vector_bytes * rate(_sums(n, machine, chosen), machine)
    return stored


def _cache(n: Counts, machine: Machine, chosen: dict[str, Array], tiles: Array, strips: Array) -> Array:
    """Waiting for packed rows, and for the wide operand, which every block of rows reads where it lies."""
    every, lane = _blocks(n, machine), n.axes[-1]
    block = chosen["FB"] * sum(n.taps) * n.tile[1] * machine.vector_bytes
    near = np.where(block <= 0.5 * machine.caches.first, 0.0, block * rate(2.0 * block, machine) * _PANEL)
    slabs = np.ceil(n.planes / chosen["FB"])
    # Each step finds another plane: lines that the tile before had not, and another page where planes are long.
    lines = n.tile[0] * lane.stride * machine.itemsize / _LINE
    plane = prod(axis.operand * axis.stride for axis in n.axes if axis.name != n.axes[0].name or len(n.axes) == 1)
    pages = chosen["FB"] * min(1.0, plane * machine.itemsize / _PAGE)
    step = lines * (_TOUCH + _SKIPPED * (lane.stride - 1)) + _WALK * np.maximum(
        0.0, 1 - _PAGES / np.maximum(pages, 1.0)
    )
    held = np.prod([chosen[f"T_{axis.name}"] for axis in n.axes], axis=0) * chosen["FB"] * machine.itemsize
    beyond = np.maximum(0.0, rate(held + _sums(n, machine, chosen), machine) - 1 / 28) * lines * _LINE
    far = distance(n.wide, machine) * n.wide * lane.stride * chosen["PT"] * _THERE
    waiting: Array = far + tiles * every * (slabs * near + _steps(n) * (step + beyond))
    return waiting


def workspace(n: Counts, machine: Machine, chosen: dict[str, Array]) -> tuple[Array, Array]:
    """Bytes shared by all threads, and bytes of each thread."""
    packed = chosen["NB"] * _steps(n) * machine.itemsize
    return np.zeros_like(packed), packed + _sums(n, machine, chosen)
