"""A kernel run on small numbers against the definition: what is called wrong has been seen to be wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import isfinite, isnan, prod
from typing import Any

import numpy as np

from symconv.errors import InternalError, SpecError
from symconv.loops.interpret import OverrunError, interpret
from symconv.loops.ir import Const, Kernel
from symconv.notation.expr import Apply, walk
from symconv.notation.operator import Operator
from symconv.verify.geometry import geometries, rows
from symconv.verify.grid import Array
from symconv.verify.reference import evaluate
from symconv.verify.scalars import COMPARISONS

__all__ = ["witness"]

_STATEMENTS = 100_000
"""Of the interpreter, for one run: about a quarter of a second."""
_SHAPES = 6
_RATIONAL = {"add", "sub", "mul", "div", "neg", "abs", "sign", "relu", "max", "min", "where"} | COMPARISONS
_CLOSE = 1e-6

Shapes = Mapping[str, tuple[int, ...]]


def witness(op: Operator, kernel: Kernel) -> str:
    """Arrays for which ``kernel`` computes something else than ``op``, and what; empty where no run shows any.

    A run also shows it where the kernel leaves an array, reads what is not stored, or lets two threads meet in a cell.
    """
    for seed, shapes in enumerate(_shapes(op, kernel)):
        arrays = _drawn(op, shapes, seed)
        where = ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in shapes.items())
        given = {b.name: (shapes[b.name], arrays[b.name].ravel().tolist()) for b in kernel.buffers if b.role == "in"}
        try:
            # Small numbers of a plan have many boxes, and boxes that are not full.
            numbers = {name: 1 + (seed + k) % 3 for k, name in enumerate(kernel.parameters)}
            got = interpret(kernel, given, _STATEMENTS, numbers)
            want = evaluate(op, arrays)
        except InternalError as error:
            return f"{error} ({where})"
        except (OverrunError, ArithmeticError, ValueError, KeyError, SpecError):
            continue
        if difference := _difference(op.output.name, got, want):
            return f"{difference} ({where})"
    return ""


def _shapes(op: Operator, kernel: Kernel) -> Iterator[Shapes]:
    sizes = {size.name: int(size.value.value) for size in kernel.sizes if isinstance(size.value, Const)}
    if sizes:
        yield {tensor.name: tensor.shape(sizes) for tensor in op.inputs}
        return
    try:
        # Few cells hold no block of lanes that borders leave alone.
        found = (*geometries(op, _SHAPES, 0), *rows(op))
    except SpecError:
        return
    yield from sorted(found, key=lambda shapes: sum(prod(shape) for shape in shapes.values()))


def _drawn(op: Operator, shapes: Shapes, seed: int) -> dict[str, Array]:
    rng = random.Random(seed)
    exact = all(
        node.function in _RATIONAL or _squared(node)
        for statement in op.statements
        for node in walk(statement.expr)
        if isinstance(node, Apply)
    )
    arrays: dict[str, Array] = {}
    for tensor in op.inputs:
        shape = shapes[tensor.name]
        values = [rng.randrange(-9, 10) for _ in range(prod(shape))]
        if tensor.dtype == "index":
            arrays[tensor.name] = np.zeros(shape, dtype=np.int32)
        elif exact:
            arrays[tensor.name] = np.array(list(map(Fraction, values)), dtype=object).reshape(shape)
        else:
            arrays[tensor.name] = np.array(values).reshape(shape) / 8
    return arrays


def _squared(node: Apply) -> bool:
    power = node.arguments[-1]
    return node.function == "pow" and getattr(power, "value", Fraction(1, 2)).denominator == 1


def _difference(name: str, got: list[Any], want: Array) -> str:
    wanted = want.ravel().tolist()
    scale = 1 + max((abs(value) for value in wanted if isfinite(value)), default=0)
    for at, (one, other) in enumerate(zip(got, wanted, strict=True)):
        cell = f"{name}[{', '.join(map(str, np.unravel_index(at, want.shape)))}]"
        if one is None:
            return f"{cell} is never stored"
        if isinstance(other, float) and isfinite(other):
            same = abs(one - other) <= _CLOSE * scale
        else:
            same = one == other or (isinstance(other, float) and isnan(other))
        if not same:
            return f"{cell} is {one}, not {other}"
    return ""
