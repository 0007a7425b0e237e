"""A gradient at small sizes: its cells with their classes, their terms and the numbers in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from symconv.errors import SpecError
from symconv.gather.derivation import Derivation
from symconv.notation.operator import Operator
from symconv.views.lesson.classes import Classes, classes_of
from symconv.views.lesson.numbers import Numbers, worked
from symconv.views.panels import Plane, plane_of
from symconv.views.sized import sizes_to_show
from symconv.views.terms import Cell, Term, cell_terms, logical

__all__ = ["Lesson", "Shown", "lesson"]

_TERMS, _WIDEST = 5000, 16
"""Terms that are shown of a gradient (some 100 kB), cells in a row or a column."""
_VOLUME = 3
"""Sliding axes from which on the smallest sizes are taken: grids of the definition are of the sixth power of them."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell: its index, its residues, its terms."""

    index: Cell
    residues: tuple[int, ...]
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is shown of a gradient: ``cells`` by their place in the array, row-major, and the planes of every tensor."""

    derivation: Derivation
    shapes: Mapping[str, tuple[int, ...]]
    numbers: Numbers
    classes: Classes
    planes: Mapping[str, Plane]
    cells: Mapping[int, Shown]
    complete: bool

    @property
    def operator(self) -> Operator:
        """The gradient as an operator."""
        return self.derivation.operator

    @property
    def total(self) -> Any:
        """The gradient itself, with the numbers."""
        return self.numbers.arrays[self.operator.output.name]

    def typical(self, residues: tuple[int, ...]) -> Shown | None:
        """The cell of a class that sums most: one that is not zero, nearest to the middle."""
        middle = [length / 2 for length in self.total.shape]

        def rank(shown: Shown) -> tuple[bool, int, float]:
            zero = bool(self.total[shown.index] == 0)
            return zero, -len(shown.terms), sum(abs(k - m) for k, m in zip(shown.index, middle, strict=True))

        return min((one for one in self.cells.values() if one.residues == residues), key=rank, default=None)


def lesson(derivation: Derivation) -> Lesson:
    """A gradient at the small sizes of its picture; raises SpecError where there are none, or where cells sum too
    many terms."""
    op = derivation.operator
    shapes = sizes_to_show(op, small=len({window.size for window in op.windows}) >= _VOLUME)
    numbers = worked(derivation, shapes)
    classes = classes_of(derivation.gather)
    sizes = numbers.problem.sizes
    tensors = (*op.inputs, *(statement.target for statement in op.statements))
    planes = {tensor.name: plane_of(op, tensor, sizes) for tensor in tensors}
    cells, complete = _cells(op, planes[op.output.name], classes, sizes)
    return Lesson(derivation, shapes, numbers, classes, planes, cells, complete)


def _cells(op: Operator, plane: Plane, classes: Classes, sizes: Mapping[str, int]) -> tuple[dict[int, Shown], bool]:
    """Plane after plane as long as there is room; the first one always."""
    shape, flat = plane.shape, plane.drawn[-2:]
    found: dict[int, Shown] = {}
    count, complete = 0, all(shape[axis] <= _WIDEST for axis in flat)
    for fixed in product(*(range(n) if axis not in flat else range(1) for axis, n in enumerate(shape))):
        if count > _TERMS:
            return found, False
        for place in product(*(range(min(shape[axis], _WIDEST)) for axis in flat)):
            index = list(fixed)
            for axis, k in zip(flat, place, strict=True):
                index[axis] = k
            shown = _shown(op, tuple(index), classes, sizes)
            count += len(shown.terms)
            if count > 2 * _TERMS:
                raise SpecError(f"its cells sum more than {2 * _TERMS:,} terms even at small sizes")
            found[int(np.ravel_multi_index(tuple(index), shape)) if shape else 0] = shown
    return found, complete


def _shown(op: Operator, cell: Cell, classes: Classes, sizes: Mapping[str, int]) -> Shown:
    statement = op.statements[-1]
    known = {**sizes, **dict(zip(statement.indices, logical(statement.target, cell, sizes), strict=True))}
    return Shown(cell, classes.of(known), cell_terms(op, cell, sizes))
