"""The register tile of the form abreast: elements of neighbouring cells times vectors of rows, over all steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symconv.loops.arith import add, const, mul, smallest, sub
from symconv.loops.ir import (
    LANES,
    VECTOR,
    Compare,
    Declare,
    Expr,
    For,
    If,
    Let,
    Load,
    LoadLanes,
    Outlined,
    Prefetch,
    Scalar,
    Splat,
    Stmt,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.scalars import integer, scalar
from symconv.loops.traverse import rewrite, substitute
from symconv.packed.across_micro import BLOCK, COLUMNS, SUMS, in_blocks
from symconv.packed.copying import ZERO
from symconv.packed.frame import ceiling, extent
from symconv.packed.loops import in_taps

if TYPE_CHECKING:
    from symconv.packed.abreast import Abreast

__all__ = ["abreast_tiles"]

_TILE = Var("tile_")
"""The number of the tile at hand in its row of cells."""
_FIRST, _MANY = Var("slab_start_"), Var("slab_size_")
"""The first of the planes at hand, and how many they are."""
_REAL = Scalar("real", VECTOR)


def abreast_tiles(it: Abreast) -> tuple[Stmt, ...]:
    """Every block of rows and every cell, rows outside: what is packed of them stays near while cells pass."""
    cells, size = const(it.tile.cells), it.space.lane.size
    left = sub(size, mul(cells, _TILE))
    tile: tuple[Stmt, ...] = (
        Let("left_", left),
        If(Compare("==", BLOCK, const(0)), _ahead(it)),
        *_wanted(it),
        If(Compare(">=", Var("left_"), cells), (_micro(it, whole=True),)),
        If(Compare("<", Var("left_"), cells), (_micro(it, whole=False),)),
    )
    body: tuple[Stmt, ...] = (For(_TILE.name, const(0), ceiling(size, cells), tile),)
    for strip in reversed(it.space.strips[:-1]):
        body = (For(f"{strip.loop}_at_", const(0), strip.size, body),)
    work: tuple[Stmt, ...] = (in_blocks(it.width, body),)
    for name in it.found.planes:
        every, first = Var(f"K_{name}_"), mul(Var("PB_"), Var("slab_"))
        lets = (Let(_FIRST.name, first), Let(_MANY.name, smallest([Var("PB_"), sub(every, first)])))
        work = (For("slab_", const(0), ceiling(every, Var("PB_")), (*lets, *work)),)
    return work


def _ahead(it: Abreast) -> tuple[Stmt, ...]:
    """What the next tile reads is fetched while this one is summed up: later blocks of rows find it near."""
    factor = it.found.wide[0].along(it.space.lane.loop).factor
    read = _element(it, 0, whole=True)
    assert isinstance(read, Load)
    return _in_steps(it, (Prefetch(read.buffer, read.index, const((2 * it.tile.cells - 1) * factor)),))


def _wanted(it: Abreast) -> tuple[Stmt, ...]:
    """Cells of the target, which get their sums soon after the last planes."""
    cell = add(it.space.lane.start, mul(const(it.tile.cells), _TILE))
    values: dict[str, Expr] = {s.loop: add(s.start, Var(f"{s.loop}_at_")) for s in it.space.strips[:-1]}
    block = add(Var("plane0_"), mul(BLOCK, it.width))
    values |= {it.space.lane.loop: cell, it.row: add(add(block, extent(it.found, it.row)[0]), Var("lane_"))}
    index = tuple(substitute(integer(form), values) for form in it.found.solution.target)
    fetch: tuple[Stmt, ...] = (For("lane_", const(0), it.width, (Prefetch(it.target, index),)),)
    for name in it.found.planes:
        fetch = (If(Compare(">=", add(_FIRST, _MANY), Var(f"K_{name}_")), fetch),)
    return fetch


def _in_steps(it: Abreast, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """The body for every tap, and for the planes at hand."""
    for name in it.found.planes:
        first = add(extent(it.found, name)[0], _FIRST)
        body = (For(name, first, add(first, _MANY), body),)
    return in_taps(it.found, it.found.taps, body)


def _micro(it: Abreast, whole: bool) -> Outlined:
    """Accumulators of one tile over all steps; ``whole``: each of its cells is one of the box."""
    cells, blocks = it.tile.cells, it.tile.blocks
    every = [(m, v) for m in range(cells) for v in range(blocks)]
    start = tuple(Declare(f"acc{m}_{v}_", Splat(ZERO), _REAL) for m, v in every)
    columns = [
        Declare(f"column{v}_", LoadLanes(COLUMNS, (BLOCK, *it.ranks, mul(const(v), Var(LANES))), 1, ""), _REAL)
        for v in range(blocks)
    ]
    updates: list[Stmt] = []
    for m in range(cells):
        updates.append(Declare(f"row{m}_", _element(it, m, whole)))
        updates += (Update(f"acc{m}_{v}_", "+", _value(it, m, v)) for v in range(blocks))
    loop = _in_steps(it, (*columns, *updates))
    sums = tuple(StoreLanes(SUMS, _sum(it, m, v), 1, "", "+", Var(f"acc{m}_{v}_")) for m, v in every)
    return Outlined(f"abreast{cells}x{blocks}{'' if whole else '_rest'}", (*start, *loop, *sums))


def _sum(it: Abreast, m: int, v: int) -> tuple[Expr, ...]:
    outer = (Var(f"{strip.loop}_at_") for strip in it.space.strips[:-1])
    return (BLOCK, *outer, _cell(it, m), mul(const(v), Var(LANES)))


def _cell(it: Abreast, m: int) -> Expr:
    return add(mul(const(it.tile.cells), _TILE), const(m))


def _element(it: Abreast, m: int, whole: bool) -> Expr:
    """The element of a cell; cells that only fill the last tile read the last cell's."""
    *outer, lane = it.space.strips
    cell = _cell(it, m) if whole else smallest([_cell(it, m), sub(lane.size, const(1))])
    values: dict[str, Expr] = {strip.loop: add(strip.start, Var(f"{strip.loop}_at_")) for strip in outer}
    values[lane.loop] = add(lane.start, cell)
    read = it.found.wide[0].read
    return Load(read.tensor, tuple(substitute(integer(form), values) for form in read.index))


def _value(it: Abreast, m: int, v: int) -> Expr:
    """The body with each read replaced by what the tile holds of it."""
    wide, narrow = (Load(r.tensor, tuple(map(integer, r.index))) for r in (it.found.wide[0].read, it.found.narrow[0]))
    table: dict[Expr, Expr] = {wide: Splat(Var(f"row{m}_")), narrow: Var(f"column{v}_")}
    body = scalar(it.found.solution.body, {}, frozenset())
    result: Expr = rewrite(body, lambda node: table.get(node, node) if isinstance(node, Load) else node)
    return result
