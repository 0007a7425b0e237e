"""The sums of a stencil whose lanes are contributions: cleared, their lanes added, and their chunks summed in order."""

from __future__ import annotations

from dataclasses import replace

from symconv.loops.arith import add, const, mul
from symconv.loops.ir import (
    Declare,
    For,
    Load,
    LoadLanes,
    Nest,
    Outlined,
    Splat,
    Stmt,
    Store,
    StoreLanes,
    StoreReduced,
    Update,
    Var,
)
from symconv.loops.scalars import integer
from symconv.packed.copying import ZERO
from symconv.packed.frame import product
from symconv.packed.loops import counts, decoded, in_taps, rank
from symconv.packed.stencil_form import Steps
from symconv.packed.unpack import finished

__all__ = ["FOUR", "cleared", "combined", "folded"]

FOUR = 4
"""Sums of lanes that are folded side by side."""


def cleared() -> Stmt:
    place = (Var("group_"), Var("rank_"), Var("sum_"), const(0))
    zero = For("sum_", const(0), mul(const(FOUR), Var("NT_")), (StoreLanes("sums_", place, 1, "", "=", Splat(ZERO)),))
    return For("group_", const(0), Var("groups_"), (For("rank_", const(0), Var("M_"), (zero,)),))


def folded() -> Stmt:
    """The lanes of every sum added, four sums side by side."""
    first = mul(const(FOUR), Var("four_"))
    four = tuple(
        LoadLanes("sums_", (Var("group_"), Var("rank_"), add(first, const(n)), const(0)), 1, "") for n in range(FOUR)
    )
    place = (add(Var("group0_"), Var("group_")), Var("rank_"), Var("chunk_of_"), first)
    fold = Outlined("folded", (For("four_", const(0), Var("NT_"), (StoreReduced("parts_", place, "=", four),)),))
    return For("group_", const(0), Var("groups_"), (For("rank_", const(0), Var("M_"), (fold,)),))


def combined(it: Steps) -> Nest:
    """The chunks of every cell summed in order, and what the statement does to the sum."""
    found = it.found
    names = (*found.groups, *found.rows)
    sizes = (*counts(found, found.groups, False), *counts(found, found.rows, False))
    place = (rank(found, found.groups), rank(found, found.rows), Var("chunk_of_"), rank(found, found.columns))
    cell = tuple(integer(form) for form in found.solution.target)
    body = (
        Declare("sum_", ZERO),
        For("chunk_of_", const(0), Var("SC_"), (Update("sum_", "+", Load("parts_", place)),)),
        Store(found.statement.target.name, cell, finished(found, Var("sum_"), "", {})),
    )
    made = (*decoded(names, sizes, "z_"), *in_taps(found, found.columns, body))
    comment = f"{found.statement.target.name}: the chunks of each cell summed in order"
    return replace(Nest("z_", product(sizes), made, comment), minor=True)
