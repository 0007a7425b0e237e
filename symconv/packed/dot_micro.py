"""The register tile of the dot form: lanes of rows times lanes of columns, from where either was packed or lies."""

from __future__ import annotations

from itertools import product as combinations
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
    Scalar,
    Select,
    Splat,
    Stmt,
    StoreReduced,
    Update,
    Var,
)
from symconv.loops.scalars import integer, scalar
from symconv.loops.traverse import rewrite, substitute
from symconv.packed.copying import ZERO
from symconv.packed.frame import ceiling, extent
from symconv.packed.inplace import (
    all_hold,
    base,
    dense,
    ends_inside,
    lies_inside,
    plane_stride,
    reaches_inside,
    same_pitches,
)
from symconv.packed.loops import rank
from symconv.packed.pack import classes_of

if TYPE_CHECKING:
    from symconv.packed.dot import Dot

__all__ = ["dot_tiles", "unless_near"]


_NEAR = ("near_rows_", "near_columns_")


def unless_near(it: Dot, number: int, pack: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """Whether an operand of the box at hand is read where it lies, and its packing where it is not."""
    if not it.near[number]:
        return pack
    conditions = (_rows_lie_as_packed, _columns_lie_as_packed)[number](it)
    name = _NEAR[number]
    return (Let(name, all_hold(conditions)), If(Compare("==", Var(name), const(0)), pack))


def _rows_lie_as_packed(it: Dot) -> tuple[Expr, ...]:
    """Every lane counts in the dot form, so boxes fill whole blocks, and rows whole tiles."""
    rows = const(it.tile.rows)
    tiles = Compare("==", Var("M_"), mul(rows, Var("MT_")))
    return (tiles, *dense(it.space, it.found.wide[0]), *lies_inside(it.space, it.found.wide[0]))


def _columns_lie_as_packed(it: Dot) -> tuple[Expr, ...]:
    """What lies behind a box meets zeros of the packed rows, and has to be there."""
    operand = it.found.wide[1]
    last = {name: sub(extent(it.found, name)[1], const(1)) for name in it.planes}
    over = sub(mul(ceiling(it.space.span, Var(LANES)), Var(LANES)), it.space.span)
    reach = reaches_inside(it.space, operand)
    return (*same_pitches(it.space, operand), *reach, ends_inside(it.space, operand, last, over))


def _sources(it: Dot) -> tuple[Stmt, ...]:
    """Where the rows and the columns of the box at hand begin, and how far rows lie apart."""
    found, lets = it.found, list[Stmt]()
    if it.near[0]:
        near = Compare("==", Var(_NEAR[0]), const(0))
        first: dict[str, Expr] = dict.fromkeys(found.rows, mul(Var("rowblock0_"), const(it.tile.rows)))
        begin = base(it.space, found.wide[0], first, still=True)
        lets.append(Let("still_", Select(near, const(0), begin)))
        lets.append(Let("apart_", Select(near, Var("RB_"), plane_stride(found.wide[0], found.rows))))
    if it.near[1]:
        near = Compare("==", Var(_NEAR[1]), const(0))
        begin = base(it.space, found.wide[1], dict.fromkeys(it.planes, const(0)))
        lets.append(Let("moved_", Select(near, const(0), begin)))
    return tuple(lets)


def dot_tiles(it: Dot) -> tuple[Stmt, ...]:
    """Every tile, the columns in blocks that stay in the nearest cache while the rows pass by."""
    left = sub(Var("NT_"), mul(Var("NC_"), Var("block_")))
    column = Let("column_", add(mul(Var("NC_"), Var("block_")), Var("tile_")))
    tiles = For("tile_", const(0), smallest([Var("NC_"), left]), (column, *_ways(it)))
    rows = For("rowblock_", const(0), Var("rowblocks_"), (tiles,))
    blocks = Let("blocks_", ceiling(it.space.span, Var(LANES)))
    every = For("block_", const(0), ceiling(Var("NT_"), Var("NC_")), (rows,))
    points = (Let("point_", const(0)), every) if it.products == 1 else (_each_point(it, every),)
    return (blocks, *_sources(it), *points)


def _ways(it: Dot) -> tuple[Stmt, ...]:
    """The tile over what was packed, or lies where it is."""
    ways: tuple[Stmt, ...] = ()
    for near in combinations(*((False, True) if possible else (False,) for possible in it.near)):
        tile: Stmt = _micro(it, near)
        for name, here, possible in zip(_NEAR, near, it.near, strict=True):
            tile = If(Compare("==", Var(name), const(int(here))), (tile,)) if possible else tile
        ways = (*ways, tile)
    return ways


def _each_point(it: Dot, body: Stmt) -> For:
    return For("point_", const(0), const(it.products), (body,))


def _micro(it: Dot, near: tuple[bool, ...]) -> Outlined:
    """Accumulators of one tile over the positions of the box."""
    zero, rows, columns = const(0), it.tile.rows, it.tile.columns
    cells = [(m, n) for m in range(rows) for n in range(columns)]
    start = tuple(Declare(f"acc{m}_{n}_", Splat(ZERO), Scalar("real", VECTOR)) for m, n in cells)
    at = Let("lane_", mul(Var("at_"), Var(LANES)))
    still = [Declare(f"row{m}_", _row_lanes(it, m, near[0]), _VECTOR) for m in range(rows)]
    moved = [Declare(f"column{n}_", _column_lanes(it, n, near[1]), _VECTOR) for n in range(columns)]
    # Each row is loaded right before its own updates: all of them at once would not stay in registers.
    by_row: list[Stmt] = []
    for m in range(rows):
        by_row += (still[m], *(Update(f"acc{m}_{n}_", "+", _value(it, m, n)) for n in range(columns)))
    loop = For("at_", zero, Var("blocks_"), (at, *moved, *by_row))
    place = (
        rank(it.found, it.found.groups), Var("chunk_of_"), Var("point_"), add(Var("rowblock0_"), Var("rowblock_")),
        Var("column_"), zero, zero,
    )  # fmt: skip
    stored = sorted(cells, key=lambda cell: cell[::-1]) if it.by_columns else cells
    sums = tuple(Var(f"acc{m}_{n}_") for m, n in stored)
    first = If(Compare("==", Var("box_"), Var("box0_")), (StoreReduced(it.name("sums"), place, "=", sums),))
    later = If(Compare(">", Var("box_"), Var("box0_")), (StoreReduced(it.name("sums"), place, "+", sums),))
    return Outlined(f"dot{rows}x{columns}", (*start, loop, first, later))


_VECTOR = Scalar("real", VECTOR)


def _row_lanes(it: Dot, m: int, near: bool) -> LoadLanes:
    zero, rows = const(0), const(it.tile.rows)
    if not it.near[0]:
        plane = add(mul(Var("point_"), mul(Var("RT_"), rows)), _row(it, m))
        return LoadLanes(it.name("rows"), (plane, *(() if it.by_columns else (zero,)), Var("lane_")), 1, "")
    operand = it.found.wide[0]
    buffer, axes = (operand.read.tensor, len(operand.axes)) if near else (it.name("rows"), 2)
    place = add(add(Var("still_"), mul(_row(it, m), Var("apart_"))), Var("lane_"))
    return LoadLanes(buffer, (*(zero,) * (axes - 1), place), 1, "", zero)


def _column_lanes(it: Dot, n: int, near: bool) -> LoadLanes:
    zero, operand = const(0), it.found.wide[1]
    offset = Load(it.name("distances" if near else "offsets"), (_column(it, n),))
    prefix = (mul(Var("point_"), Var("PP_")), *(zero,) * (1 + len(classes_of(it.space, operand))))
    place = add(Var("moved_"), Var("lane_")) if it.near[1] else Var("lane_")
    if near:
        return LoadLanes(operand.read.tensor, (*(zero,) * (len(operand.axes) - 1), place), 1, "", offset)
    return LoadLanes(it.name("columns"), (*prefix, place), 1, "", offset)


def _row(it: Dot, m: int) -> Expr:
    return add(mul(Var("rowblock_"), const(it.tile.rows)), const(m))


def _column(it: Dot, n: int) -> Expr:
    return add(mul(Var("column_"), const(it.tile.columns)), const(n))


def _value(it: Dot, m: int, n: int) -> Expr:
    """The body with each read replaced by what the tile holds of it."""
    found = it.found
    first, second = (Load(o.read.tensor, tuple(integer(form) for form in o.read.index)) for o in found.wide)
    table: dict[Expr, Expr] = {first: Var(f"row{m}_"), second: Var(f"column{n}_")}
    row = add(mul(add(Var("rowblock0_"), Var("rowblock_")), const(it.tile.rows)), const(m))
    # Rows that only fill the last tile read the last row's cell: what they compute is left alone.
    inside = {name: add(extent(found, name)[0], smallest([row, sub(Var("M_"), const(1))])) for name in found.rows}
    still: dict[str, Expr] = {**dict.fromkeys(found.columns, const(0)), **inside}
    for number, read in enumerate(found.here):
        forms = tuple(integer(form) for form in read.index)
        offset = Load(it.name(f"places{number}"), (_column(it, n),))
        place = tuple(substitute(form, still) for form in forms)
        table[Load(read.tensor, forms)] = Splat(Load(read.tensor, place, offset))
    body = scalar(found.solution.body, {}, frozenset())
    result: Expr = rewrite(body, lambda node: table.get(node, node) if isinstance(node, Load) else node)
    return result
