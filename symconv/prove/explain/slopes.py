"""The derivative of an operator in one element, where there is one: by difference quotients from both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from symconv.notation.expr import Const, walk
from symconv.notation.operator import Operator
from symconv.notation.rearranged import with_axis
from symconv.prove.concrete.sides import Array, truth_of

__all__ = ["Slopes", "near", "slopes", "slopes_at"]

_STEP = 2.0**-12
_STEPS = (_STEP, -_STEP, _STEP / 4, -_STEP / 4)
_LARGE = 1e5
_CLOSE = 1e-5
"""What difference quotients of that step tell apart, relative to what they are."""


@dataclass(frozen=True, slots=True)
class Slopes:
    """By the name of each output, how it changes with one element, and which of its elements have a derivative."""

    values: Mapping[str, Array]
    known: Mapping[str, Array]
    rounding: float = 0.0
    """How far the quotients may be off, where -1e9 stands for infinity in a mask."""

    @property
    def whole(self) -> bool:
        """Whether every element of every output has a derivative."""
        return all(bool(known.all()) for known in self.known.values())

    def smooth(self, arrays: Mapping[str, Array], there: bool = True) -> dict[str, Array]:
        """The arrays with cotangents of 0 but where there is a derivative, or but where there is none."""
        return {**arrays, **{f"g{n}": np.where(k == there, arrays[f"g{n}"], 0) for n, k in self.known.items()}}

    def gradient(self, arrays: Mapping[str, Array]) -> float:
        """The element of the gradient, as far as there is a derivative."""
        parts = (np.where(k, arrays[f"g{n}"].astype(np.float64) * self.values[n], 0.0) for n, k in self.known.items())
        return float(sum(part.sum() for part in parts))


def slopes(op: Operator, tensor: str, cell: tuple[int, ...], arrays: Mapping[str, Array]) -> Slopes:
    """The derivatives of all outputs in ``tensor[cell]``, by quotients of second order for two steps on each side."""
    (found,) = slopes_at(op, tensor, cell, arrays, [arrays[tensor][cell]])
    return found


def slopes_at(
    op: Operator, tensor: str, cell: tuple[int, ...], arrays: Mapping[str, Array], numbers: Sequence[Any]
) -> tuple[Slopes, ...]:
    """The derivatives in ``tensor[cell]`` where it is each of these ``numbers``, from one walk of the formula."""
    if not numbers:
        return ()
    arrays = {name: array.astype(np.float64) for name, array in arrays.items()}
    steps = np.array((0.0, *(times * step for step in _STEPS for times in (1, 2))))
    moved = np.repeat(arrays[tensor][None], len(numbers) * len(steps), axis=0)
    place: Any = (slice(None), *cell)
    moved[place] = (np.array([float(one) for one in numbers])[:, None] + steps).ravel()
    each = [(dict[str, Array](), dict[str, Array]()) for _ in numbers]
    off = _rounding(op)
    with np.errstate(all="ignore"):
        for one in op.outputs:
            values = truth_of(_stacked(op.only(one.name), tensor), one.name, {**arrays, tensor: moved})
            rounds = values.reshape(len(numbers), len(steps), *values.shape[1:])
            for (first, known), (start, *rows) in zip(each, rounds, strict=True):
                quotients = [
                    (4 * (near_by - start) - (further - start)) / (2 * step)
                    for step, near_by, further in zip(_STEPS, rows[::2], rows[1::2], strict=True)
                ]
                first[one.name] = row = np.asarray(quotients[0])
                agreed = [near(np.asarray(other), row, off) for other in quotients[1:]]
                known[one.name] = np.isfinite(row) & np.logical_and.reduce(agreed)
    return tuple(Slopes(first, known, off) for first, known in each)


@lru_cache(maxsize=64)
def _stacked(op: Operator, tensor: str) -> Operator:
    """The operator for a stack of ``tensor``: a formula is walked once for all steps."""
    return with_axis(op, (tensor,))


def _rounding(op: Operator) -> float:
    """What the largest number of a formula loses of others that it is added to, divided by the shortest step."""
    numbers = (one.value for statement in op.statements for one in walk(statement.expr) if isinstance(one, Const))
    largest = float(max(map(abs, numbers), default=0))
    return 16 * largest * 2.0**-52 / _STEP if largest > _LARGE else 0.0


def near(left: Array | float, right: Array | float, rounding: float = 0.0) -> Array:
    """Whether numbers are the same as far as quotients tell."""
    return np.asarray(np.abs(left - right) <= _CLOSE * np.maximum(1.0, np.abs(right)) + rounding)
