"""What a written library in C is checked against: inputs, and what the definition makes of them.

The numbers come from ``verify``, which shares nothing with the derivation and the loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from symconv.errors import SpecError
from symconv.export.layer import Function, Layer
from symconv.notation.loss import loss
from symconv.notation.operator import Operator
from symconv.verify.analysis import kinks_are_exact
from symconv.verify.cases import INTEGERS, REALS, Expected, Ruling, answered, prepare
from symconv.verify.geometry import Geometry, geometries, rows, volumes
from symconv.verify.grid import Array

__all__ = ["Checked", "Wanted", "cases", "unfit", "wanted"]

_EACH, _ALL = 5_000, 20_000
"""Most numbers of one geometry and of all: a file that is still read and compiled in a moment."""
_COUNT = 6


@dataclass(frozen=True, slots=True)
class Wanted:
    """A result's numbers, NaN where they are not judged, and by element type the largest error allowed."""

    value: Array
    allowed: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """Shapes with data, a cotangent for each output, and by name what each output and each gradient has to be."""

    shapes: Geometry
    arrays: dict[str, Array]
    cotangents: dict[str, Array]
    outputs: dict[str, Expected]
    gradients: dict[str, Expected]


def cases(layer: Layer) -> tuple[Checked, ...]:
    """Small shapes, rows as long as lanes, and many channels, each with data: integers where these are exact."""
    op = layer.operator
    kind = INTEGERS if kinks_are_exact(op) else REALS
    # Numbers of float32 are numbers of both types.
    ruling = Ruling("float32", tuple(function.wrt for function in layer.gradients))
    drawn = (*geometries(op, _COUNT), *rows(op), *rows(op, 9), *volumes(op))
    # However large its windows are, a layer is checked on something.
    least = min((shapes for shapes in drawn if _count(op, shapes)), key=lambda s: _numbers(op, s))
    found, left = [], _ALL
    for number, shapes in enumerate(drawn):
        count = _numbers(op, shapes)
        if count <= min(left, _EACH) or shapes == least:
            left -= count
            found.append(_checked(op, shapes, kind, ruling, number))
    return tuple(found)


def _numbers(op: Operator, shapes: Geometry) -> int:
    inputs = sum(prod(shape) for shape in shapes.values())
    return 2 * (inputs + _count(op, shapes))


def _count(op: Operator, shapes: Geometry) -> int:
    return sum(map(prod, op.output_shapes(**shapes).values()))


def _checked(op: Operator, shapes: Geometry, kind: str, ruling: Ruling, seed: int) -> Checked:
    if not op.several:
        case = prepare(op, shapes, kind, ruling, seed)
        return Checked(
            shapes, case.arrays, {f"g{op.output.name}": case.gy}, {op.output.name: case.output}, case.gradients
        )
    # The outputs are the gradients of their loss by the cotangents.
    names = {f"g{name}": name for name in op.several}
    whole = {f"g{name}": shape for name, shape in op.output_shapes(**shapes).items()} | dict(shapes)
    ruling = replace(ruling, gradients=(*names, *ruling.gradients))
    drawn = prepare(loss(op), whole, kind, ruling, seed).arrays
    case = answered(loss(op), kind, ruling, drawn, np.ones((), ruling.dtype))
    return Checked(
        shapes,
        {name: drawn[name] for name in op.tensors},
        {name: drawn[name] for name in names},
        {output: case.gradients[cotangent] for cotangent, output in names.items()},
        {name: expected for name, expected in case.gradients.items() if name not in names},
    )


def wanted(case: Checked, function: Function) -> dict[str, Wanted]:
    """What a function is to make of a case, by result."""
    if function.wrt:
        return {function.outputs[-1].name: _wanted(case.gradients[function.wrt])}
    return {output.name: _wanted(case.outputs[output.name]) for output in function.outputs}


def _wanted(expected: Expected) -> Wanted:
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
