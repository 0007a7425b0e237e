"""Winograd in the outer form: planes transformed into tiles, one register tile per point, sums transformed back.

``T = Aᵀ[Σ (G k)⊙(Bᵀ d)]`` along one or two axes. Per box of tiles: windows of each plane of the wide operand are
transformed, lanes across tiles; for every point a sum over planes runs in the same register tiles as a direct sum does;
tiles of outputs are woven into rows of the target.
"""

from __future__ import annotations

from collections.abc import Iterator

from symconv.loops.arith import add, ceildiv, const, mul, smallest, sub
from symconv.loops.ir import (
    LANES,
    Buffer,
    Compare,
    Declare,
    Expr,
    For,
    If,
    Lanes,
    Let,
    LoadLanes,
    Nest,
    Outlined,
    Prefetch,
    Scalar,
    Select,
    Size,
    Stmt,
    StoreLanes,
    Var,
    Zip,
)
from symconv.loops.scalars import integer
from symconv.loops.traverse import substitute
from symconv.packed.bilinear import Point, points, transformed
from symconv.packed.frame import apart, ceiling, extent, product, quotient
from symconv.packed.loops import counts, decoded, in_boxes, in_taps, rank
from symconv.packed.narrow import name_of, narrow_nests
from symconv.packed.outer import Outer, Packed, Tile, offsets_table, register_tiles
from symconv.packed.tiling import Tiled, number_of, turned
from symconv.packed.unpack import finished
from symconv.packed.windows import AHEAD, Windows, line_layout, lines_buffer, transformed_planes

__all__ = ["winograd_nests"]


SLAB = 128
"""Planes whose products are added in one chain."""


def winograd_nests(it: Tiled, tile: Tile) -> Packed:
    """Its nests, buffers, numbers and parameters of a plan."""
    sums = Outer(it.still, tile, it.windows, it.products)
    layout = (
        *it.windows.layout(),
        *line_layout(it),
        # The last block of windows runs over their end.
        Size("RV_", add(add(Var("R_"), quotient(Var(LANES), it.windows.lane.pitch)), const(1))),
        Size("M_", sums.rows),
        Size("MT_", ceildiv(Var("M_"), tile.rows)),
        Size("KT_", product(counts(it.still, it.still.taps, exact=False))),
        Size("P_", sums.planes),
        Size("PB_", Var("P_")),
        Size("PP_", apart(Var("P_"))),
        Size("G_", product(counts(it.found, it.found.groups, exact=False))),
    )
    nests = (offsets_table(sums), *narrow_nests(sums, it.found, "raw"), _narrow(it, sums), _main(it, sums))
    parameters = tuple(strip.parameter for strip in it.windows.strips)
    return Packed(nests, tuple(_buffers(it, sums)), layout, parameters)


def _buffers(it: Tiled, sums: Outer) -> Iterator[Buffer]:
    lanes, rows = Var(LANES), const(sums.tile.rows)
    loops = (*it.found.planes, *it.found.taps)
    steps, every = mul(Var("P_"), Var("KT_")), const(it.products)
    slack = mul(const(2 + sums.tile.blocks), lanes)
    yield Buffer(name_of("offsets"), ((const(1),), (steps,)), "workspace", Scalar("offset"))
    raw = ((Var("G_"),), (const(1),), (Var("MT_"),), (product(counts(it.found, loops, exact=False)),), (rows,))
    yield Buffer(name_of("raw"), raw, "workspace")
    narrow = ((Var("G_"),), (every,), (Var("MT_"),), (steps,), (rows,))
    yield Buffer(name_of("narrow"), narrow, "workspace")
    yield from lines_buffer(it)
    windows = ((mul(every, Var("PP_")),), (Var("RV_"), it.windows.lane.pitch))
    yield Buffer(name_of("wide"), windows, "private", slack=slack)
    made = ((mul(Var("MT_"), rows),), (every,), (Var("RC_"), it.windows.lane.pitch))
    yield Buffer(name_of("sums"), made, "private", slack=slack)


def _narrow(it: Tiled, sums: Outer) -> Nest:
    """The narrow operand at every point: rows of a tile in lanes."""
    found, tile = it.found, sums.tile
    lets = decoded(("group_", "rowblock_"), (Var("G_"), Var("MT_")), "z_")
    row = mul(Var("at_"), Var(LANES))
    names = (*found.planes, *found.taps)
    kept = rank(it.still, (*it.still.planes, *it.still.taps))

    def load(point: Point) -> Expr:
        # A tap beyond the last one is read under no lane of a mask, from where the last one lies.
        chosen = {
            axis.tap: smallest([it.tap(axis, k), sub(extent(found, axis.tap)[1], const(1))])
            for k, axis in zip(point, it.form.axes, strict=True)
        }
        position = substitute(rank(found, names), dict(chosen))
        place = (Var("group_"), const(0), Var("rowblock_"), position, row)
        return LoadLanes(name_of("raw"), place, 1, _mask_of(point))

    def store(point: Point, value: Expr) -> Stmt:
        number = const(number_of(point, it.form))
        place = (Var("group_"), number, Var("rowblock_"), kept, row)
        return StoreLanes(name_of("narrow"), place, 1, "mask_", "=", value)

    scale = it.form.coefficient
    first, *others = it.form.narrow_matrices
    matrices = (tuple(tuple(scale * value for value in line) for line in first), *others)
    body = (*_masks(it, sub(const(tile.rows), row)), *transformed(matrices, load, store))
    each = For("at_", const(0), ceiling(const(tile.rows), Var(LANES)), body)
    inner = in_taps(it.still, (*it.still.planes, *it.still.taps), (each,))
    comment = f"{sums.target}: {found.narrow[0].tensor} transformed for {it.form.name}"
    return Nest("z_", mul(Var("G_"), Var("MT_")), (*lets, *inner), comment)


def _mask_of(point: Point) -> str:
    return f"mask{'_'.join(map(str, point))}_"


def _masks(it: Tiled, rows: Expr) -> Iterator[Declare]:
    """Which rows of a tile there are; for every tap of a block, none where there is no such tap."""
    yield Declare("mask_", Lanes(const(0), rows), Scalar("mask"))
    for point in points(tuple(axis.transform.r for axis in it.form.axes)):
        count = rows
        for k, axis in zip(point, it.form.axes, strict=True):
            count = Select(it.known(axis, k), count, const(0))
        yield Declare(_mask_of(point), Lanes(const(0), count), Scalar("mask"))


def _main(it: Tiled, sums: Outer) -> Nest:
    found = it.found
    names = (*(f"{s.loop}_box_" for s in it.windows.strips), *found.groups)
    sizes = (*it.windows.boxes, *counts(found, found.groups, exact=False))
    blocks = Let("blocks_", ceiling(it.windows.span, Var(LANES)))
    # Long chains of additions lose digits: sums are made in slabs of planes, which are then added.
    slab = (
        Let("plane0_", mul(const(SLAB), Var("slab_"))),
        Let("planes_", smallest([const(SLAB), sub(Var("P_"), Var("plane0_"))])),
        *register_tiles(sums),
    )
    plane = Let("plane_", rank(it.still, it.still.planes))
    job = Windows(it, it.split, it.form.data_matrices, name_of("wide"), _plane, "RV_")
    work = transformed_planes(job, {})
    body = (
        *decoded(names, sizes, "z_"),
        *in_boxes(it.windows),
        blocks,
        *in_taps(it.still, it.still.planes, (plane, *work)),
        For("slab_", const(0), ceiling(Var("P_"), const(SLAB)), slab),
        *_unpacked(it, sums),
    )
    wide = it.form.data.tensor
    return Nest("z_", product(sizes), body, f"{sums.target}: {wide} in windows of {it.form.name}, a sum for each point")


def _plane(number: Expr) -> Expr:
    """The plane of windows of a point."""
    return add(mul(number, Var("PP_")), Var("plane_"))


def _unpacked(it: Tiled, sums: Outer) -> tuple[Stmt, ...]:
    """Sums of every point transformed, and stored to the rows of the target that they are."""
    found, (*outer, lane) = it.found, it.windows.strips
    across = outer[-1] if len(it.form.axes) > 1 else None
    body = _outputs(it)
    blocks = ceiling(lane.size, Var(LANES))
    if across is not None:
        body = (For(f"{across.loop}_at_", const(0), across.size, body),)
    inner: tuple[Stmt, ...] = (Outlined("outputs", _in_blocks(it, blocks, (*_inside(it), *body))),)
    for strip in reversed(outer[:-1] if across is not None else outer):
        here = Let(strip.loop, add(strip.start, Var(f"{strip.loop}_at_")))
        inner = (For(f"{strip.loop}_at_", const(0), strip.size, (here, *inner)),)
    cell = tuple(Let(name, Var("row_")) for name in found.rows)
    return (For("row_", const(0), Var("M_"), (*cell, *inner)),)


def _in_blocks(it: Tiled, blocks: Expr, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """Blocks of lanes: of neighbouring tiles, or of the classes of one tile."""
    lane, chunk = it.windows.lane, mul(Var(LANES), Var("chunk_"))
    if it.dealt:
        return (For("chunk_", const(0), blocks, (Let("at_", chunk), *body)),)
    turn = const(lane.block)
    column = Let("at_", add(mul(turn, Var("turn_")), chunk))
    inner = For("chunk_", const(0), ceiling(turn, Var(LANES)), (column, *body))
    return (For("turn_", const(0), quotient(lane.size, turn), (inner,)),)


def _place(it: Tiled, vector: int) -> Expr:
    """Where a vector of outputs begins in the row of the target."""
    m, lane = it.form.axes[-1].transform.m, it.windows.lane
    if it.dealt:
        return add(mul(const(m), add(lane.start, Var("at_"))), mul(const(vector), Var(LANES)))
    first = mul(const(m), add(lane.start, mul(const(lane.block), Var("turn_"))))
    return add(first, add(mul(Var(LANES), Var("chunk_")), const(vector * lane.block)))


def _inside(it: Tiled) -> Iterator[Stmt]:
    """Which lanes of each vector of outputs lie in the box, and in the target."""
    lane, m = it.windows.lane, it.form.axes[-1].transform.m
    _, width = extent(it.found, lane.loop)
    end = smallest([mul(const(m), add(lane.start, lane.size)), width])
    for vector in range(m):
        count = sub(end, _place(it, vector))
        if not it.dealt:
            count = smallest([count, sub(const(lane.block), mul(Var(LANES), Var("chunk_")))])
        yield Let(f"left{vector}_", count)
        yield Declare(f"in{vector}_", Lanes(const(0), Var(f"left{vector}_")), Scalar("mask"))


def _outputs(it: Tiled) -> tuple[Stmt, ...]:
    """The tiles of outputs of one block of lanes."""
    *outer, inner = it.form.axes
    row = it.windows.row([Var(f"{strip.loop}_at_") for strip in it.windows.strips[:-1]])
    made: dict[Point, Expr] = {}

    def load(point: Point) -> Expr:
        place = (Var("row_"), const(number_of(point, it.form)), row, Var("at_"))
        return LoadLanes(name_of("sums"), place, 1, "")

    def keep(point: Point, value: Expr) -> tuple[Stmt, ...]:
        made[point] = value
        if point[-1] + 1 < inner.transform.m:
            return ()
        values = tuple(made[(*point[:-1], k)] for k in range(inner.transform.m))
        return _line(it, point[0] if outer else None, values)

    # What the next row of the target is made of lies far from here: it is fetched meanwhile.
    sizes = tuple(axis.transform.n for axis in it.form.axes)
    ahead = [
        Prefetch(name_of("sums"), (add(Var("row_"), const(1)), const(number_of(p, it.form)), row, Var("at_")))
        for p in points(sizes)
    ]
    return (*ahead, *transformed(it.form.target_matrices, load, keep))


def _line(it: Tiled, number: int | None, values: tuple[Expr, ...]) -> tuple[Stmt, ...]:
    """One row of the target, where there is such a row."""
    found, lane = it.found, it.windows.lane
    cells: dict[str, Expr] = {}
    if number is not None:
        axis, strip = it.form.axes[0], it.windows.strips[-2]
        tile = turned(Var(f"{strip.loop}_at_"), axis.transform.m, axis.dilation)
        first = add(mul(const(axis.transform.m), strip.start), tile)
        cells[axis.moving] = add(first, const(axis.dilation * number))
    target, stores = found.statement.target.name, list[Stmt]()
    for vector in range(len(values)):
        here = {**cells, lane.loop: _place(it, vector)}
        index = tuple(substitute(integer(form), here) for form in found.solution.target)
        whole = Zip(values, vector, lane.block) if it.dealt else values[vector]
        value = finished(found, whole, lane.loop, here, f"in{vector}_")
        stores.append(Prefetch(target, index, const(AHEAD)))
        store = StoreLanes(target, index, 1, f"in{vector}_", "=", value)
        # Where vectors are short, the last ones of a row are often empty.
        stores.append(If(Compare(">", Var(f"left{vector}_"), const(0)), (store,)))
    if number is None:
        return tuple(stores)
    return (If(Compare("<", cells[axis.moving], extent(found, axis.moving)[1]), tuple(stores)),)
