"""The numbers worth trying: lengths of strips and sizes of blocks, as arrays with one entry per combination."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["Array", "blocks", "combined", "strips"]

# numpy.typing alone takes as long to import as a plan.
Array = np.ndarray[Any, np.dtype[np.float64]]


def blocks(extent: int, fewest: int = 1, most: int = 4096) -> tuple[int, ...]:
    """Lengths that cut ``extent`` into nearly equal parts, longest first: every count to 8, then half as many more.

    >>> blocks(56)
    (56, 28, 19, 14, 12, 10, 8, 7, 5, 4, 3, 2, 1)
    >>> blocks(56, most=2)
    (56, 28)
    """
    lengths, parts = set(), fewest
    while parts <= min(most, extent):
        lengths.add(-(-extent // parts))
        parts = parts + 1 if parts < 8 else int(parts * 1.5)
    if most >= extent:
        lengths.add(1)
    return tuple(sorted(lengths, reverse=True))


def strips(extents: Sequence[int], lanes: int) -> list[tuple[int, ...]]:
    """Lengths of strips along every flat axis, outermost first; ``lanes`` is what one register tile covers.

    An axis is cut only where those outside of it are cut to pieces of one (few, outside of the lanes), because boxes of
    whole rows lie together in memory.

    >>> strips([4, 16], 8)
    [(4, 16), (2, 16), (1, 16), (4, 8), (2, 8), (1, 8)]
    """
    *outer, lane = extents
    found: list[tuple[int, ...]] = []
    for position, extent in enumerate(outer):
        inside = tuple(extents[position + 1 :])
        found += [(*(1 for _ in outer[:position]), length, *inside) for length in blocks(extent)]
    few = [n for n in (8, 4, 2, 1) if n <= outer[-1]] if outer else []
    for length in _cut_lanes(lane, lanes):
        found += [(*(1 for _ in outer[:-1]), rows, length) for rows in few] if outer else [(length,)]
    return list(dict.fromkeys(found))


def _cut_lanes(lane: int, lanes: int) -> list[int]:
    """The lane axis whole, in parts of at least one register tile, and in multiples of what that covers."""
    lengths = {lane, *blocks(lane, most=max(1, lane // lanes))}
    return sorted(lengths | {min(lane, -(-length // lanes) * lanes) for length in lengths}, reverse=True)


def combined(rows: Sequence[tuple[int, ...]], *others: Sequence[int]) -> tuple[Array, ...]:
    """Every row with every value of the others, as one array per column.

    >>> [column.tolist() for column in combined([(1, 2), (3, 4)], [5, 6])]
    [[1.0, 1.0, 3.0, 3.0], [2.0, 2.0, 4.0, 4.0], [5.0, 6.0, 5.0, 6.0]]
    """
    table = np.array(rows, dtype=np.float64)
    for values in others:
        column = np.tile(np.array(values, dtype=np.float64), len(table))
        table = np.column_stack([np.repeat(table, len(values), axis=0), column])
    return tuple(np.ascontiguousarray(column) for column in table.T)
