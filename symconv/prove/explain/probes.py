"""Numbers at which a gradient is probed: one element of a tensor is moved to where parts of a formula have kinks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from symconv.limits import KINK_ELEMENTS
from symconv.notation.operator import Operator
from symconv.prove.concrete.sides import Array
from symconv.prove.explain.generic import trials
from symconv.prove.explain.places import places

__all__ = ["moved_to", "probed", "probes"]


def probes(whole: Operator, op: Operator, tensor: str) -> Iterator[tuple[dict[str, Array], tuple[int, ...]]]:
    """Numbers away from kinks but for one element, each of those that are probed in turn."""
    for arrays, cell, kinks, usual in probed(whole, op, tensor):
        for number in (*kinks, *usual):
            yield moved_to(arrays, tensor, cell, number), cell


def probed(
    whole: Operator, op: Operator, tensor: str
) -> Iterator[tuple[dict[str, Array], tuple[int, ...], list[Any], list[Any]]]:
    """Numbers away from kinks, an element, and what else it may be: where a part has a kink; a small integer, or equal
    or opposite to another element."""
    arrays = min(trials(op), key=lambda one: sum(array.size for array in one.values()), default=None)
    if arrays is None:
        return
    mine = arrays[tensor]
    others = [arrays[one.name] for one in op.inputs if one.dtype == "real" and one.name != tensor]
    cells = [*np.ndindex(mine.shape)]
    for cell in cells[:: max(1, len(cells) // KINK_ELEMENTS)][:KINK_ELEMENTS]:
        beside = [float(one[cell]) for one in others if one.shape == mine.shape]
        beside += [float(mine[other]) for other in cells[:2] if other != cell]
        kinks = [*dict.fromkeys(places(whole, tensor, cell, arrays))]
        usual = dict.fromkeys((*range(-2, 3), *(sign * one for one, sign in product(beside, (1, -1)))))
        yield arrays, cell, kinks, [number for number in usual if number not in kinks]


def moved_to(arrays: Mapping[str, Array], tensor: str, cell: tuple[int, ...], number: Any) -> dict[str, Array]:
    """The arrays with one element changed, a fraction as it is."""
    moved = arrays[tensor].astype(object if isinstance(number, Fraction) else np.float64)
    moved[cell] = number
    return {**arrays, tensor: moved}
