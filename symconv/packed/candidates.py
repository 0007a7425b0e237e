"""Packed kernels of a gather form: one for each register tile that suits it."""

from __future__ import annotations

from symconv.gather.solution import Gather, Solved
from symconv.loops.ir import Buffer, Kernel, Scalar
from symconv.loops.scalars import integer
from symconv.loops.sizes import runtime_sizes
from symconv.notation.operator import Operator, Tensor
from symconv.packed.dot import DotTile, dot_nests
from symconv.packed.outer import Tile, outer_nests
from symconv.packed.roles import Contraction, contraction

__all__ = ["packed_kernel"]


def packed_kernel(gather: Gather, name: str, tile: Tile | DotTile) -> Kernel | None:
    """The kernel with its sum in packed form, or None where it has no such sum."""
    op = gather.operator
    if len(gather.statements) != 1:
        return None
    solved: Solved = gather.statements[0]
    found = contraction(op, solved)
    if found is None or (found.lanes == "cells") != isinstance(tile, Tile):
        return None
    if _named(op, found) & OWN:
        return None
    made = outer_nests(found, tile) if isinstance(tile, Tile) else dot_nests(found, tile)
    given = tuple(_buffer(tensor, "in") for tensor in op.inputs)
    known, checks = runtime_sizes(op)
    result = _buffer(solved.statement.target, "out")
    return Kernel(name, (*given, *made.buffers, result), known, checks, made.nests, made.parameters, made.layout)


OWN = frozenset(
    (
        *("z_", "at_", "chunk_", "lower_", "upper_", "plane_", "plane0_", "planes_", "slab_", "row_", "rowblock_"),
        *("lane_", "laneblock_", "blocks_", "phase_", "gap_", "taps_", "step_", "steps_", "done_", "total_"),
        *("chunk_of_", "rows_of_", "rowblock0_", "rowblocks_", "box_", "box0_", "block_", "tile_", "column_", "sum_"),
        *("N_", "NT_", "BX_", "SC_", "RT_", "RN_", "NC_", "RG_", "RA_", "S_", "RB_", "NB_"),
        *("R_", "RC_", "M_", "MB_", "KT_", "P_", "PB_", "G_", "FB_"),
    )
)
"""The names that packed nests use beside those made from a loop's: an operator that uses one is not packed."""


def _named(op: Operator, found: Contraction) -> set[str]:
    loops = {*found.solution.cells, *found.solution.steps, *(n for p in found.solution.phases for n in p.names)}
    return loops | {
        n for tensor in (*op.inputs, found.statement.target) for axis in tensor.axes for s in axis for n in s.names()
    }


def _buffer(tensor: Tensor, role: str) -> Buffer:
    axes = tuple(tuple(integer(size) for size in axis) for axis in tensor.axes)
    return Buffer(tensor.name, axes, role, Scalar(tensor.dtype))
