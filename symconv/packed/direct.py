"""Register tiles that store their sums in the target itself: one row of cells after the other, all planes at once.

Where few planes are summed for many rows, storing sums apart and copying them takes longer than adding them up. A block
of lanes starts with each row of cells, so that its lanes are neighbours in the target; the last one stores those that
are cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import LANES, Compare, Declare, Expr, For, If, Lanes, Let, Outlined, Scalar, Stmt, StoreLanes, Var
from symconv.loops.scalars import integer
from symconv.loops.traverse import substitute
from symconv.notation.affine import var
from symconv.packed.contraction import Contraction
from symconv.packed.frame import ceiling, product
from symconv.packed.loops import PHASE, counts
from symconv.packed.micro import accumulated
from symconv.packed.runs import STREAMED, streamed
from symconv.packed.unpack import finished

if TYPE_CHECKING:
    from symconv.packed.outer import Outer

__all__ = ["storable", "stored_tiles"]

_FEW = "few_"


def storable(found: Contraction) -> bool:
    """Whether neighbouring lanes of a sum are neighbours in the target, and a tile reads packed and narrow operands."""
    target = found.solution.target
    plain = target[-1] == var(found.flats[-1]) and all(var(loop) in target for loop in found.flats)
    return plain and found.lanes == "cells" and bool(found.rows) and not found.solution.phases and not found.here


def stored_tiles(it: Outer) -> tuple[Stmt, ...]:
    """Every register tile of the box: rows of a tile outside, so that what they store is one piece for each of them."""
    found, blocks, space = it.found, it.tile.blocks, it.space
    left = sub(Var("blocks_"), mul(const(blocks), Var("laneblock_")))
    whole = If(Compare(">=", left, const(blocks)), (_micro(it, blocks),))
    sizes = (whole, *(If(Compare("==", left, const(n)), (_micro(it, n),)) for n in range(1, blocks)))
    start = Let("lane_", mul(const(blocks), mul(Var(LANES), Var("laneblock_"))))
    tiles = For("laneblock_", const(0), ceiling(Var("blocks_"), const(blocks)), (start, *sizes))
    body: tuple[Stmt, ...] = (For("rowblock_", const(0), Var("MT_"), (tiles,)),)
    for strip in reversed(space.strips[:-1]):
        counter = f"{strip.loop}_at_"
        body = (For(counter, const(0), strip.size, (Let(strip.loop, add(strip.start, Var(counter))), *body)),)
    return (
        Let(PHASE.name, const(0)),
        Let("blocks_", ceiling(space.lane.size, Var(LANES))),
        Let("steps_", mul(Var("planes_"), product(counts(found, found.taps)))),
        Let("done_", const(0)),
        streamed(const(0), space.lane.size),
        *body,
    )


def _micro(it: Outer, blocks: int) -> Outlined:
    """One tile over all steps; in its last block the lanes that are cells are stored."""
    row = it.space.row(Var(f"{strip.loop}_at_") for strip in it.space.strips[:-1])
    cells = sub(it.space.lane.size, add(Var("lane_"), mul(const(blocks - 1), Var(LANES))))
    every = If(Compare(">=", cells, Var(LANES)), tuple(_row(it, m, blocks, "") for m in range(it.tile.rows)))
    mask = Declare(_FEW, Lanes(const(0), cells), Scalar("mask"))
    some = If(Compare("<", cells, Var(LANES)), (mask, *(_row(it, m, blocks, _FEW) for m in range(it.tile.rows))))
    return Outlined(f"tile{it.tile.rows}x{blocks}", (*accumulated(it, blocks, False, row), every, some))


def _row(it: Outer, m: int, blocks: int, mask: str) -> Stmt:
    """The sums of one row of a tile in the target, if it has that row."""
    row = add(mul(Var("rowblock_"), const(it.tile.rows)), const(m))
    stores = tuple(_store(it, row, f"acc{m}_{v}_", v, mask if v == blocks - 1 else "") for v in range(blocks))
    return If(Compare("<", row, Var("M_")), stores)


def _store(it: Outer, row: Expr, name: str, v: int, mask: str) -> StoreLanes:
    found, lane = it.found, it.space.lane
    at = add(lane.start, add(Var("lane_"), mul(const(v), Var(LANES))))
    values = {lane.loop: at, **dict.fromkeys(found.rows, row)}
    index = tuple(substitute(integer(form), values) for form in found.solution.target)
    past = None if mask else Var(STREAMED)
    return StoreLanes(it.target, index, 1, mask, "=", finished(found, Var(name), lane.loop, values, mask), past)
