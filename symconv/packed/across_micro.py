"""The register tile of the form across planes: elements of rows times vectors of planes, at each position of a box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symconv.loops.arith import add, const, mul, smallest, sub
from symconv.loops.ir import (
    LANES,
    VECTOR,
    Declare,
    Expr,
    For,
    Load,
    LoadLanes,
    Outlined,
    Scalar,
    Splat,
    Stmt,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.scalars import integer, scalar
from symconv.loops.traverse import rewrite, substitute
from symconv.packed.copying import ZERO
from symconv.packed.frame import Strip, ceiling, extent
from symconv.packed.loops import in_taps

if TYPE_CHECKING:
    from symconv.packed.across import Across

__all__ = ["BLOCK", "COLUMNS", "SUMS", "across_tiles", "in_blocks", "ranks"]

BLOCK = Var("block_")
"""The block at hand of planes that lie side by side."""

COLUMNS, SUMS = "columns_", "sums_"
"""Planes of a box side by side, and the sums of the rows at hand."""
_REAL = Scalar("real", VECTOR)


def ranks(it: Across) -> tuple[Expr, ...]:
    """Where the taps at hand stand among the sums."""
    return tuple(sub(Var(name), extent(it.found, name)[0]) for name in it.found.taps)


def across_tiles(it: Across) -> tuple[Stmt, ...]:
    """Every row and tap, rows outside: what they read stays near while taps pass."""
    taps = in_taps(it.found, it.found.taps, (in_blocks(it.width, (_micro(it),)),))
    return (For("rowblock_", const(0), Var("rowblocks_"), taps),)


def in_blocks(width: Expr, body: tuple[Stmt, ...]) -> For:
    """The body for every block of the planes at hand."""
    return For(BLOCK.name, const(0), ceiling(Var("planes_"), width), body)


def _micro(it: Across) -> Outlined:
    """Accumulators of one tile over the positions of the box."""
    rows, blocks, strips = it.tile.rows, it.tile.blocks, it.space.strips
    cells = [(m, v) for m in range(rows) for v in range(blocks)]
    start = tuple(Declare(f"acc{m}_{v}_", Splat(ZERO), _REAL) for m, v in cells)
    place = tuple(_place(it, strip) for strip in strips)
    columns = [
        Declare(f"column{v}_", LoadLanes(COLUMNS, (BLOCK, *place, mul(const(v), Var(LANES))), 1, ""), _REAL)
        for v in range(blocks)
    ]
    updates: list[Stmt] = []
    for m in range(rows):
        updates.append(Declare(f"row{m}_", _row(it, m)))
        updates += (Update(f"acc{m}_{v}_", "+", _value(it, m, v)) for v in range(blocks))
    loop: tuple[Stmt, ...] = (*columns, *updates)
    for strip in reversed(strips):
        loop = (For(f"{strip.loop}_at_", const(0), strip.size, loop),)
    sums = tuple(StoreLanes(SUMS, _sum(it, m, v), 1, "", "+", Var(f"acc{m}_{v}_")) for m, v in cells)
    return Outlined(f"across{rows}x{blocks}", (*start, *loop, *sums))


def _place(it: Across, strip: Strip) -> Expr:
    """Where the tap at hand finds the packed operand along a flat loop."""
    axis, (low, _) = it.axis(strip), it.reach(strip)
    return add(mul(const(axis.factor), Var(f"{strip.loop}_at_")), sub(integer(axis.rest), low))


def _sum(it: Across, m: int, v: int) -> tuple[Expr, ...]:
    row = add(mul(Var("rowblock_"), const(it.tile.rows)), const(m))
    return (BLOCK, row, *ranks(it), mul(const(v), Var(LANES)))


def _row(it: Across, m: int) -> Expr:
    """The element of a row; rows that only fill the last tile read the last row's."""
    row = add(mul(add(Var("rowblock0_"), Var("rowblock_")), const(it.tile.rows)), const(m))
    first = extent(it.found, it.found.rows[0])[0]
    values: dict[str, Expr] = {it.found.rows[0]: add(first, smallest([row, sub(Var("M_"), const(1))]))}
    values |= {s.loop: add(s.start, Var(f"{s.loop}_at_")) for s in it.space.strips}
    read = it.found.wide[0].read
    return Load(read.tensor, tuple(substitute(integer(form), values) for form in read.index))


def _value(it: Across, m: int, v: int) -> Expr:
    """The body with each read replaced by what the tile holds of it."""
    first, second = (Load(o.read.tensor, tuple(integer(form) for form in o.read.index)) for o in it.found.wide)
    table: dict[Expr, Expr] = {first: Splat(Var(f"row{m}_")), second: Var(f"column{v}_")}
    body = scalar(it.found.solution.body, {}, frozenset())
    result: Expr = rewrite(body, lambda node: table.get(node, node) if isinstance(node, Load) else node)
    return result
