"""Plans for several threads: work is cut finer where a finer cut changes no sum, so that results are the same bits.

A cell of the outer form is summed by one thread whatever strip it lies in, and a row of the dot form whatever block of
rows; blocks of planes, boxes and chunks decide in which order numbers are added and stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from symconv.tune.counts import Counts
from symconv.tune.grid import Array, blocks

__all__ = ["parts", "row_blocks", "spread"]

_CUT = ("outer", "dot", "across", "abreast", "winograd")


def parts(n: Counts, chosen: dict[str, Array]) -> Array:
    """How many parts threads may take, one at a time."""
    cut: Array
    if "PT" in chosen:
        first = n.axes[0]
        cut = np.ceil(n.rows / chosen["MB"]) if "MB" in chosen else np.ceil(first.extent / chosen[f"T_{first.name}"])
        return n.groups * chosen["PT"] * cut
    cut = np.prod([np.ceil(axis.extent / chosen[f"T_{axis.name}"]) for axis in n.axes], axis=0)
    return n.groups * (chosen["S"] * np.ceil(n.rows / chosen["MB"]) if "S" in chosen else cut)


def row_blocks(n: Counts, most: int = 8) -> list[int]:
    """Rows of the dot form that are packed together: whole tiles, in nearly equal blocks."""
    m = n.tile[0]
    return sorted({max(m, -(-length // m) * m) for length in blocks(max(n.rows, 1), most=most)})


def spread(
    n: Counts, chosen: dict[str, Array], k: int, threads: int, cost: Callable[[dict[str, Array]], Array]
) -> dict[str, Array]:
    """Numbers that add the same in the same order as the ``k``-th, cut so that so many threads are done soonest.

    ``cost`` is what each combination of numbers takes in all, infinite for those that take too much memory.
    """
    one = {name: values[k : k + 1] for name, values in chosen.items()}
    if threads == 1 or n.facts.scheme not in _CUT:
        return one
    if "MB" in chosen:
        # The chosen one may be the only one that memory suffices for.
        rows = np.array(sorted({*row_blocks(n, most=2 * threads), int(one["MB"][0])}), dtype=np.float64)
        others = {name: np.full_like(rows, values[0]) for name, values in one.items()} | {"MB": rows}
    else:
        others = chosen
        if "FB" in chosen:
            others = {name: values[chosen["FB"] == one["FB"]] for name, values in chosen.items()}
    number = parts(n, others)
    best = int(np.argmin(cost(others) * np.ceil(number / threads) / number))
    return {name: values[best : best + 1] for name, values in others.items()}
