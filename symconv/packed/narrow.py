"""The narrow operand, rows of a register tile side by side, so that a tile finds its broadcasts one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import Compare, Expr, For, If, Let, Load, Nest, Stmt, Store, Var
from symconv.loops.scalars import integer
from symconv.packed.contraction import Contraction
from symconv.packed.copying import ZERO
from symconv.packed.loops import PHASE, counts, decoded, groups_of, in_phases, in_taps, rank

if TYPE_CHECKING:
    from symconv.packed.outer import Outer

__all__ = ["name_of", "narrow_nests"]


def name_of(what: str, number: int = 0) -> str:
    """A buffer's name: the same whatever the target, so that kernels of several outputs share functions."""
    return f"{what}{number or ''}_"


def narrow_nests(it: Outer, found: Contraction, what: str = "narrow") -> Iterator[Nest]:
    """The narrow operands, rows of a tile side by side."""
    if not found.narrow:
        return
    lets = decoded((*found.groups, "rowblock_"), (*counts(found, found.groups, exact=False), Var("MT_")), "z_")
    rows = const(it.tile.rows)
    first = mul(Var("rowblock_"), rows)
    left = sub(Var("M_"), first)
    # Rows are the innermost loop: each of its rounds is one store, with no test and no loop of a few taps inside.
    cell = tuple(Let(name, add(first, Var("row_"))) for name in found.rows)
    copies, zeros = _stores(found, what)
    each: tuple[Stmt, ...] = (
        If(Compare(">=", left, rows), (For("row_", const(0), rows, (*cell, *copies)),)),
        If(
            Compare("<", left, rows),
            (For("row_", const(0), left, (*cell, *copies)), For("row_", left, rows, zeros)),
        ),
    )
    body = in_taps(found, (*found.planes, *found.taps), each)
    comment = f"{it.target}: {', '.join(read.tensor for read in found.narrow)} packed, {it.tile.rows} rows side by side"
    yield Nest("z_", mul(groups_of(found), Var("MT_")), (*lets, *in_phases(found, body)), comment)


def _stores(found: Contraction, what: str) -> tuple[tuple[Stmt, ...], tuple[Stmt, ...]]:
    """An element of every narrow operand where the tile wants it, and 0 there."""
    position, group = rank(found, (*found.planes, *found.taps)), rank(found, found.groups)
    copies, zeros = [], []
    for number, read in enumerate(found.narrow):
        place: tuple[Expr, ...] = (group, PHASE, Var("rowblock_"), position, Var("row_"))
        value = Load(read.tensor, tuple(integer(form) for form in read.index))
        copies.append(Store(name_of(what, number), place, value))
        zeros.append(Store(name_of(what, number), place, ZERO))
    return tuple(copies), tuple(zeros)
