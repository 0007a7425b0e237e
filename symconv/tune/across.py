"""Cycles of the form across planes: lanes are planes that were packed side by side, an element of a row for all.

Per block of planes and block of rows, box by box: planes are copied, rows and columns exchanged; then for each tile of
rows and each tap a register tile runs over the positions of the box, and adds to sums that the target gets at the end.
"""

from __future__ import annotations

from math import prod

import numpy as np

from symconv.tune.counts import Counts, Parts, rate
from symconv.tune.grid import Array, blocks, combined, strips
from symconv.tune.machine import Machine
from symconv.tune.outer import distance
from symconv.tune.shares import row_blocks
from symconv.tune.tiles import across_step, turned

__all__ = ["bound", "cycles", "numbers", "workspace"]

_CALL = 130.0
"""Entering a register tile, whose rows were not foreseen: boxes of 280 positions took 9 % more than those of 784."""
_STORED = 1.5
"""Adding a vector to the sums."""
_LINE = 10.0
"""Starting with another row of positions."""
_ROW = 15.0
"""Starting to copy a row."""
_ALONE = 2.0
"""Copying an element by itself, where there is no square of vectors."""
_BOX = 150.0
"""Starting a box."""
_START = 900.0
"""A workspace, one more loop nest."""
_CELL = 2.0
"""Storing a finished cell in the target."""
_STEP = 0.045
"""More for each element that a stride skips, as lines far apart are less foreseen: 4 to 6 % at 2, 13 % at 5."""
_THERE = 0.4
"""The share of the way of rows, which are read where they lie, that arithmetic does not cover."""
_AGAIN = 0.5
"""The share of the way of packed planes beyond the second cache that arithmetic does not cover."""


def bound(n: Counts, machine: Machine) -> float:
    """Cycles that no plan of this candidate can go below."""
    return n.cells * _steps(n, machine)


def _steps(n: Counts, machine: Machine) -> float:
    """Cycles that one position takes in the tiles of all rows, planes and taps."""
    m, _ = n.tile
    tiles = -(-n.rows // m) * _blocks(n, machine) * n.groups * _taps(n)
    return tiles * across_step(n.tile, machine, n.facts.operations)


def _blocks(n: Counts, machine: Machine) -> int:
    return -(-n.planes // (n.tile[1] * machine.lanes))


def _taps(n: Counts) -> int:
    return -(-n.columns // max(n.planes, 1))


def numbers(n: Counts, machine: Machine) -> dict[str, Array]:
    """Every combination worth trying, by the names of the plan's numbers."""
    extents = [max(axis.extent, 1) for axis in n.axes]
    width = n.tile[1] * machine.lanes
    planes = [length * width for length in blocks(_blocks(n, machine), most=8)]
    found = combined(strips(extents, 4 * machine.lanes), row_blocks(n), planes)
    chosen = dict(zip([*(f"T_{axis.name}" for axis in n.axes), "MB", "NB"], found, strict=True))
    # How many parts of the planes there are, which threads share: no number of a plan.
    return chosen | {"PT": np.ceil(n.planes / chosen["NB"])}


def cycles(n: Counts, machine: Machine, chosen: dict[str, Array]) -> Parts:
    """What each combination of numbers costs."""
    lengths = [chosen[f"T_{axis.name}"] for axis in n.axes]
    m, vectors = n.tile
    every, repeated = _blocks(n, machine) * n.groups, np.ceil(n.rows / chosen["MB"])
    boxes = np.prod([np.ceil(axis.extent / t) for axis, t in zip(n.axes, lengths, strict=True)], axis=0)
    calls = boxes * every * -(-n.rows // m) * _taps(n)
    lines = prod(axis.extent for axis in n.axes[:-1]) * np.ceil(n.axes[-1].extent / lengths[-1])
    each = every * -(-n.rows // m) * _taps(n)
    cells = n.rows * n.columns * n.groups
    return {
        "multiply": n.cells * _steps(n, machine) * (1 + _STEP * (n.axes[-1].stride - 1)) * np.ones_like(boxes),
        "calls": calls * (_CALL + m * vectors * _stored(n, machine, chosen)) + lines * each * _LINE,
        "cache": _cache(n, machine, chosen, lengths, boxes),
        "pack": repeated * _pack(n, machine, lengths, boxes),
        "cells": cells * _CELL * np.ones_like(boxes),
        "start": _START + _BOX * boxes * chosen["PT"] * n.groups * repeated,
    }


def _reached(n: Counts, lengths: list[Array]) -> list[Array]:
    """How many elements of the packed operand a box covers along each axis."""
    return [a.stride * (length - 1 + a.high - a.low) + 1 for a, length in zip(n.axes, lengths, strict=True)]


def _box(n: Counts, machine: Machine, chosen: dict[str, Array], lengths: list[Array]) -> Array:
    """Bytes of the planes of a box that lie side by side."""
    size: Array = np.prod(_reached(n, lengths), axis=0) * chosen["NB"] * machine.itemsize
    return size


def _sums(n: Counts, machine: Machine, chosen: dict[str, Array]) -> Array:
    return chosen["MB"] * _taps(n) * chosen["NB"] * machine.itemsize


def _stored(n: Counts, machine: Machine, chosen: dict[str, Array]) -> Array:
    """Cycles to add a vector to the sums, which come from where all of them lie, and go there."""
    stored: Array = _STORED + 2 * machine.vector_bytes * rate(_sums(n, machine, chosen), machine)
    return stored


def _cache(n: Counts, machine: Machine, chosen: dict[str, Array], lengths: list[Array], boxes: Array) -> Array:
    """Waiting for rows, which every block of planes reads where they lie, and for planes that fit no near cache."""
    every = _blocks(n, machine) * n.groups
    positions = np.prod(lengths, axis=0)
    rows = chosen["PT"] * n.groups * n.rows * n.cells * machine.itemsize
    far = rate(2.0 * n.rows * n.cells * n.groups * machine.itemsize, machine)
    box, sums = _box(n, machine, chosen, lengths), _sums(n, machine, chosen)
    read = boxes * every * -(-n.rows // n.tile[0]) * _taps(n) * positions * n.tile[1] * machine.vector_bytes
    beyond = np.maximum(0.0, rate(box + sums, machine) - 1 / 28)
    waiting: Array = rows * far * _THERE + read * beyond * _AGAIN
    return waiting


def _pack(n: Counts, machine: Machine, lengths: list[Array], boxes: Array) -> Array:
    reached = _reached(n, lengths)
    rows = boxes * _blocks(n, machine) * n.groups
    for axis, length in zip(n.axes[:-1], reached[:-1], strict=True):
        # Rows that no tap reads are left out.
        rows = rows * length * min(1.0, _taps(n) / axis.stride)
    across = min(n.planes, n.tile[1] * machine.lanes)
    squares = (reached[-1] >= machine.lanes) & (across >= machine.lanes)
    each = np.where(squares, turned(machine), _ALONE) + distance(n.wide, machine)
    every: Array = rows * (_ROW + reached[-1] * across * each)
    return every


def workspace(n: Counts, machine: Machine, chosen: dict[str, Array]) -> tuple[Array, Array]:
    """Bytes shared by all threads, and bytes of each thread."""
    lengths = [chosen[f"T_{axis.name}"] for axis in n.axes]
    return np.zeros_like(lengths[0]), _box(n, machine, chosen, lengths) + _sums(n, machine, chosen)
