"""Which tensors of an operator are a layer's parameters: what a user says by name, and what a formula sums over."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from symconv.errors import SpecError, shown
from symconv.notation.operator import Operator
from symconv.options import names

__all__ = ["fans", "parameters"]

Shapes = dict[str, tuple[int, ...]]


def parameters(op: Operator, given: Mapping[str, Any]) -> tuple[Shapes, dict[str, Any]]:
    """Of what is given by name the shapes of parameters, in the order of ``op.tensors``, and the options of build.

    Raises SpecError where a name is neither, a shape does not have the tensor's axes, or nothing is left to be called
    with.

    >>> from symconv.ops.registry import conv1d
    >>> parameters(conv1d(), {"dtype": "float64", "w": [4, 3, 2]})
    ({'w': (4, 3, 2)}, {'dtype': 'float64'})
    """
    build = {name: value for name, value in given.items() if name in names() and name not in op.tensors}
    shapes = {name: value for name, value in given.items() if name not in build}
    for name, shape in shapes.items():
        if name not in op.tensors:
            raise SpecError(
                f"{op.name} has no tensor {name!r}, and build no such option; its tensors are "
                f"{', '.join(op.tensors)}, the options of build {', '.join(names())}"
            )
        _check_shape(op, name, shape)
    if len(shapes) == len(op.tensors):
        raise SpecError(f"{op.name}: at least one of {', '.join(op.tensors)} is what the module is called with")
    return {name: tuple(shapes[name]) for name in op.tensors if name in shapes}, build


def _check_shape(op: Operator, name: str, shape: object) -> None:
    rank = len(op.input(name).axes)
    if op.input(name).dtype != "real":
        raise SpecError(f"{op.name}: {name} holds positions and is no parameter")
    plain = isinstance(shape, tuple | list) and all(isinstance(n, int) and n >= 0 for n in shape)
    if not isinstance(shape, tuple | list) or not plain or len(shape) != rank:
        raise SpecError(f"{op.name}: the shape of the parameter {name} is {rank} numbers; given {shown(shape)}")


def fans(op: Operator, shapes: Shapes) -> dict[str, int]:
    """Over how many numbers of each parameter one number of the output sums: the axes that the output has not got.

    A parameter that is not summed over takes the largest of the others.

    >>> from symconv.ops.registry import conv1d
    >>> fans(conv1d(bias=True), {"w": (4, 3, 2), "b": (4,)})
    {'w': 6, 'b': 6}
    """
    kept = {name for axis in op.output.axes for size in axis for name in size.names()}
    found = {}
    for parameter, shape in shapes.items():
        axes = zip(op.input(parameter).axes, shape, strict=True)
        summed = [n for axis, n in axes if not {name for size in axis for name in size.names()} & kept]
        found[parameter] = max(1, prod(summed)) if summed else 0
    most = max(found.values(), default=0) or 1
    return {name: fan or most for name, fan in found.items()}
