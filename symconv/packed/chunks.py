"""The chunks of the dot form added in order, into the target."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from symconv.loops.arith import add, const, mul, smallest, sub
from symconv.loops.ir import (
    VECTOR,
    Declare,
    Expr,
    For,
    Let,
    Load,
    LoadLanes,
    Nest,
    Scalar,
    Splat,
    Stmt,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.scalars import integer, scalar
from symconv.loops.traverse import substitute
from symconv.notation.affine import var
from symconv.packed.copying import ZERO, spans
from symconv.packed.frame import extent, product, quotient
from symconv.packed.loops import counts, decoded, groups_of, in_taps, rank

if TYPE_CHECKING:
    from symconv.packed.dot import Dot

__all__ = ["added_chunks", "target_flat"]


def target_flat(it: Dot) -> int:
    """How many axes of the target the columns are, one after the other as they lie in memory; 0 where they are not."""
    found = it.found
    target = found.statement.target
    axes, names = target.axes, found.columns
    if len(axes) < len(names) or found.statement.expr != found.reduce:
        return 0
    behind = axes[len(axes) - len(names) :]
    whole = all(
        len(axis) == 1 and extent(found, name)[1] == integer(axis[0]) for axis, name in zip(behind, names, strict=True)
    )
    return len(names) if whole and found.solution.target[-len(names) :] == tuple(map(var, names)) else 0


def added_chunks(it: Dot) -> Nest:
    """The chunks of every cell summed in order, and what the statement does to the sum."""
    return _by_rows(it) if target_flat(it) else _by_cells(it)


def _by_rows(it: Dot) -> Nest:
    """Rows of the target in lanes: tiles of sums lie column by column, a row has every ``rows``-th of them."""
    found, rows = it.found, const(it.tile.rows)
    group = rank(found, found.groups)
    lets = decoded((*found.groups, "rowblock_"), (*counts(found, found.groups, exact=False), Var("MT_")), "z_")
    first = mul(Var("rowblock_"), rows)
    lead = tuple(integer(form) for form in found.solution.target[: -len(found.columns)])
    zeros = (const(0),) * (len(found.columns) - 1)

    def block(k: Expr, mask: str) -> tuple[Stmt, ...]:
        place = (group, Var("chunk_of_"), const(0), Var("rowblock_"), const(0), k, Var("row_"))
        chunk = Update("sum_", "+", LoadLanes(it.name("sums"), place, 1, mask, axis=-2))
        return (
            Declare("sum_", Splat(ZERO), Scalar("real", VECTOR)),
            For("chunk_of_", const(0), Var("SC_"), (chunk,)),
            StoreLanes(it.target, (*lead, *zeros, k), 1, mask, "=", Var("sum_")),
        )

    cell = tuple(Let(name, add(first, Var("row_"))) for name in found.rows)
    each = For("row_", const(0), smallest([rows, sub(Var("M_"), first)]), (*cell, *spans(const(0), Var("N_"), block)))
    comment = f"{it.target}: the chunks of each cell summed in order, rows in lanes"
    return replace(Nest("z_", mul(groups_of(found), Var("MT_")), (*lets, each), comment), minor=True)


def _by_cells(it: Dot) -> Nest:
    found, rows = it.found, it.tile.rows
    names = (*found.groups, *found.rows)
    sizes = (*counts(found, found.groups, exact=False), *counts(found, found.rows, exact=False))
    row, position = rank(found, found.rows), rank(found, found.columns)
    place = (
        rank(found, found.groups), Var("chunk_of_"), const(0), quotient(row, const(rows)), const(0), position,
        sub(row, mul(const(rows), quotient(row, const(rows)))),
    )  # fmt: skip
    cells = dict(zip(found.statement.indices, found.solution.target, strict=True))
    expr = scalar(found.statement.expr, {found.reduce: Var("sum_")}, frozenset())
    value = substitute(expr, {name: integer(form) for name, form in cells.items()})
    body = (
        Declare("sum_", ZERO),
        For("chunk_of_", const(0), Var("SC_"), (Update("sum_", "+", Load(it.name("sums"), place)),)),
        Store(it.target, tuple(integer(form) for form in found.solution.target), value),
    )
    made = (*decoded(names, sizes, "z_"), *in_taps(found, found.columns, body))
    return replace(
        Nest("z_", product(sizes), made, f"{it.target}: the chunks of each cell summed in order"), minor=True
    )
