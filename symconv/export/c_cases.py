"""What a written library in C is checked against: inputs, and what the definition makes of them.

The numbers come from ``verify``, which shares nothing with the derivation and the loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from symconv.errors import SpecError
from symconv.export.layer import Function, Layer
from symconv.notation.operator import Operator
from symconv.verify.analysis import kinks_are_exact
from symconv.verify.cases import INTEGERS, REALS, Case, Expected, Ruling, prepare
from symconv.verify.geometry import Geometry, geometries, rows, volumes
from symconv.verify.grid import Array

__all__ = ["Wanted", "cases", "unfit", "wanted"]

_EACH, _ALL = 5_000, 20_000
"""Most numbers of one geometry and of all: a file that is still read and compiled in a moment."""
_COUNT = 6


@dataclass(frozen=True, slots=True)
class Wanted:
    """A result's numbers, NaN where they are not judged, and by element type the largest error allowed."""

    value: Array
    allowed: tuple[tuple[str, float], ...]


def cases(layer: Layer) -> tuple[Case, ...]:
    """Small shapes, rows as long as lanes, and many channels, each with data: integers where these are exact."""
    op = layer.operator
    kind = INTEGERS if kinks_are_exact(op) else REALS
    # Numbers of float32 are numbers of both types.
    ruling = Ruling("float32", tuple(function.wrt for function in layer.gradients))
    drawn = (*geometries(op, _COUNT), *rows(op), *rows(op, 9), *volumes(op))
    # However large its windows are, a layer is checked on something.
    least = min((shapes for shapes in drawn if prod(op.output_shape(**shapes))), key=lambda s: _numbers(op, s))
    found, left = [], _ALL
    for number, shapes in enumerate(drawn):
        count = _numbers(op, shapes)
        if count <= min(left, _EACH) or shapes == least:
            left -= count
            found.append(prepare(op, shapes, kind, ruling, number))
    return tuple(found)


def _numbers(op: Operator, shapes: Geometry) -> int:
    inputs = sum(prod(shape) for shape in shapes.values())
    return 2 * (inputs + prod(op.output_shape(**shapes)))


def wanted(case: Case, function: Function) -> Wanted:
    """What a function is to make of a case."""
    expected = case.gradients[function.wrt] if function.wrt else case.output
    value = np.where(np.isfinite(expected.value) & np.isfinite(expected.bound), expected.value, np.nan)
    return Wanted(value, tuple((dtype, _allowed(expected, dtype)) for dtype in ("float32", "float64")))


def _allowed(expected: Expected, dtype: str) -> float:
    bounds = np.broadcast_to(expected.bound, expected.value.shape)
    largest = float(np.max(bounds[np.isfinite(bounds)], initial=0.0))
    # A bound counts roundings: those of double precision are smaller by as many bits as it has more, and one to spare.
    more = int(np.finfo("float64").nmant - np.finfo("float32").nmant)
    return largest if dtype == "float32" else largest * 2.0 ** (1 - more)


def unfit(op: Operator, shapes: Geometry) -> Iterator[Geometry]:
    """Shapes that the operator refuses, one length away from these."""
    for tensor in op.inputs:
        shape = shapes[tensor.name]
        for axis in range(len(shape)):
            other = shapes | {tensor.name: (*shape[:axis], shape[axis] + 1, *shape[axis + 1 :])}
            try:
                op.sizes(**other)
            except SpecError:
                yield other
