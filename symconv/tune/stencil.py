"""Cycles of stencils: planes read in place, some rows at once, lanes along a row; nothing is packed.

Blocks of lanes cost what their register tile does; beside them, memory streams. What is computed while it streams is
hidden for the most part.
"""

from __future__ import annotations

from math import ceil, prod

import numpy as np

from symconv.tune.counts import Counts, Parts, rate
from symconv.tune.grid import Array, blocks
from symconv.tune.machine import Machine

__all__ = ["bound", "cycles", "numbers", "workspace"]

_BLOCK = 14.0
"""A block of lanes of some rows: where it lies, whether it is inside, its first and its last instruction."""
_WHOLE = 8.0
"""A block of a whole row of the plane: its masks are known before."""
_TAP = 10.0
"""One more tap of those that are loops: where it lies, its elements of the narrow operand."""
_PLANE = 60.0
"""One more strip of rows: its numbers, entering the function."""
_APART = 3.0
"""Loads of lanes that do not lie side by side, in loads that do."""
_START = 900.0
"""One more loop nest, and the nest of tables or sums."""
_ISSUED = 3.0
"""Instructions a cycle: an update is one, a load has its address, its row and its lanes to be tested."""
_FETCHED = 0.75
"""What is left of the way to memory where rows are fetched ahead."""
_APART_PLANES = 2.5
"""Several planes for one sum: only the first is fetched ahead."""
_STORED = 1.3
"""An element stored, in elements loaded: its line is read before."""
_BARE = 0.2
"""The share of the lesser of arithmetic and memory that the greater does not cover."""
_SUMS = 0.25
"""The share of the second cache that sums of a block of groups may fill."""
_BUSY = 8
"""Additions that wait for nothing keep two units busy; of fewer accumulators each has several."""
_MOST = 64
"""Strips of rows that one call of the function computes: more save nothing."""
_SHARED = 4
"""Calls for each of the parts worth sharing, so that no thread waits long for the last."""
_ITEMS = 8
"""Parts worth sharing among threads; fixed, so that sums do not depend on how many threads there are."""


def _steps(n: Counts) -> bool:
    return n.facts.scheme == "stencil dot"


def bound(n: Counts, machine: Machine) -> float:
    """Cycles that no plan can go below: the multiply-adds of full vectors."""
    return n.flops / 2 / machine.lanes * n.facts.operations / 2


def numbers(n: Counts, machine: Machine) -> dict[str, Array]:
    """Every combination worth trying, by the names of the plan's numbers."""
    *outer, row, lane = n.axes
    one = np.ones(1)
    chosen = {f"T_{axis.name}": one for axis in outer} | {f"T_{lane.name}": one * max(lane.extent, 1)}
    if _steps(n):
        boxes = prod(axis.extent for axis in outer)
        chosen |= {f"T_{row.name}": one * max(row.extent, 1), "MB": one}
        parts = max(1, min(boxes, ceil(_ITEMS / max(n.groups, 1))))
        most = max(1, int(_SUMS * machine.caches.second / (n.rows * (n.columns + 4) * machine.vector_bytes)))
        return chosen | {"S": one * parts, "TG": one * min(most, max(1, ceil(n.groups * parts / _ITEMS)))}
    rows = n.tile[0]
    strips = sorted({max(1, -(-length // rows) * rows) for length in blocks(max(row.extent, 1), most=16)})
    planes = prod(axis.extent for axis in outer) * n.groups * n.rows
    # Whole planes where they are many: a strip reads the rows between strips again.
    strips = strips[-1:] if planes >= _ITEMS else strips
    lengths = np.array(strips, dtype=np.float64)
    each = np.clip(planes * np.ceil(row.extent / lengths) // (_SHARED * _ITEMS), 1, _MOST)
    chosen = {name: np.broadcast_to(value, lengths.shape) for name, value in chosen.items()}
    return chosen | {f"T_{row.name}": lengths, "TZ": each}


def cycles(n: Counts, machine: Machine, chosen: dict[str, Array]) -> Parts:
    """What each combination of numbers costs."""
    *outer, row, lane = n.axes
    planes = prod(axis.extent for axis in outer) * n.groups * n.rows
    strips = np.ceil(row.extent / chosen[f"T_{row.name}"])
    many, single = divmod(row.extent, n.tile[0])
    vectors = max(ceil(lane.extent / machine.lanes), n.facts.whole)
    work = planes * vectors * (many * _block(n, machine, n.tile[0]) + single * _block(n, machine, 1))
    moved = n.wide + (n.cells * n.groups * n.rows if _steps(n) else _STORED * n.writes)
    far = _FETCHED * float(rate(float((moved + n.writes) * machine.itemsize), machine))
    far *= _APART_PLANES if n.planes > 1 and not _steps(n) else 1.0
    memory = moved * machine.itemsize * far * np.ones_like(strips)
    started = (_PLANE + (6.0 * n.columns if _steps(n) else 0.0)) * planes * strips
    return {
        "multiply": work - (1 - _BARE) * np.minimum(work, memory),
        "memory": memory,
        "start": _START + started + (12.0 * n.columns * n.groups * n.rows if _steps(n) else 0.0),
    }


def _block(n: Counts, machine: Machine, rows: int) -> float:
    """Cycles of one block of lanes of some rows, all taps."""
    taps, crossing = max(n.tile[1], 1), machine.vector_bytes / 64
    strided = _APART if n.axes[-1].stride > 1 and n.facts.phases == 1 else 1.0
    lane_stride = n.axes[-2].stride if n.facts.phases == 1 else 1
    reached = (rows - 1) * min(lane_stride, taps) + taps
    if _steps(n):
        across = n.facts.across
        passes = n.columns / (taps * across)
        loads = reached * ((1.0 + crossing) if n.facts.whole == 1 else across * (strided + crossing))
        loads += rows * (across if n.facts.whole > 1 else 1)
        updates = rows * taps * across
        cells = taps * across
        chains = min(1.0, cells * max(1, min(rows, _BUSY // cells)) / _BUSY)
        step = max(updates * n.facts.operations / 2 / chains, loads / 2, (updates + 2 * loads) / _ISSUED)
        return passes * (step + (_WHOLE if n.facts.whole else _BLOCK))
    total = sum(n.taps) * n.planes
    updates = rows * total
    runs = total / taps / n.facts.across
    loads = runs * reached * (strided + crossing) + total
    step = max(updates * n.facts.operations / 2, loads / 2, (updates + 2 * loads) / _ISSUED)
    return float(step + runs * _TAP + (_WHOLE if n.facts.whole else _BLOCK) * len(n.taps))


def workspace(n: Counts, machine: Machine, chosen: dict[str, Array]) -> tuple[Array, Array]:
    """Bytes shared by all threads, and bytes of each thread."""
    none = np.zeros_like(chosen[f"T_{n.axes[-1].name}"])
    if not _steps(n):
        return none, none + n.facts.phases * machine.vector_bytes
    cells = (n.columns + 4) * machine.itemsize * n.rows
    return chosen["S"] * cells * n.groups, none + chosen["TG"] * cells * machine.lanes
