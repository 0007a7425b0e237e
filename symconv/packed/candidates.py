"""Packed kernels of a gather form: one for each register tile that suits it."""

from __future__ import annotations

from symconv.gather.solution import Gather, Solved
from symconv.loops.ir import Buffer, Kernel, Scalar
from symconv.loops.scalars import integer
from symconv.loops.sizes import runtime_sizes
from symconv.notation.operator import Tensor
from symconv.packed.outer import Tile, outer_nests
from symconv.packed.roles import contraction

__all__ = ["packed_kernel"]


def packed_kernel(gather: Gather, name: str, tile: Tile) -> Kernel | None:
    """The kernel with its sum in packed form, or None where it has no such sum."""
    op = gather.operator
    if len(gather.statements) != 1:
        return None
    solved: Solved = gather.statements[0]
    found = contraction(op, solved)
    if found is None or found.lanes != "cells":
        return None
    made = outer_nests(found, tile)
    given = tuple(_buffer(tensor, "in") for tensor in op.inputs)
    known, checks = runtime_sizes(op)
    result = _buffer(solved.statement.target, "out")
    return Kernel(name, (*given, *made.buffers, result), known, checks, made.nests, made.parameters, made.layout)


def _buffer(tensor: Tensor, role: str) -> Buffer:
    axes = tuple(tuple(integer(size) for size in axis) for axis in tensor.axes)
    return Buffer(tensor.name, axes, role, Scalar(tensor.dtype))
