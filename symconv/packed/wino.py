"""Winograd in the outer form: planes transformed into tiles, one register tile per point, sums transformed back.

``T = Aᵀ[Σ (G k)⊙(Bᵀ d)]`` along one or two axes. Per box of tiles: each plane of the wide operand is packed split by
residue class of the tile, so that every element of a window lies at a constant offset; windows are transformed, lanes
across tiles; for every point a sum over planes runs in the same register tiles as a direct sum does; tiles of outputs
are woven into rows of the target.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from symconv.loops.arith import add, ceildiv, const, floordiv, mul, simplify, smallest, sub
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
    Mod,
    Nest,
    Outlined,
    Scalar,
    Size,
    Stmt,
    StoreLanes,
    StoreZip,
    Var,
)
from symconv.loops.scalars import integer
from symconv.loops.traverse import substitute
from symconv.packed.bilinear import Point, transformed
from symconv.packed.copying import span, zeroed
from symconv.packed.frame import apart, ceiling, extent, product, quotient
from symconv.packed.loops import counts, decoded, in_boxes, in_taps, rank
from symconv.packed.outer import Outer, Packed, Tile, name_of, narrow_nests, offsets_table, register_tiles
from symconv.packed.pack import line_buffers, packed_operand
from symconv.packed.roles import Operand
from symconv.packed.tiling import Tiled, number_of
from symconv.packed.unpack import finished

__all__ = ["transformed_planes", "winograd_nests"]


SLAB = 128
"""Planes whose products are added in one chain."""


def winograd_nests(it: Tiled, tile: Tile) -> Packed:
    """Its nests, buffers, numbers and parameters of a plan."""
    sums = Outer(it.still, tile, it.windows, it.products)
    own = {size.name for size in it.windows.layout()}
    layout = (
        *it.windows.layout(),
        *(size for size in it.pieces.layout() if size.name not in own),
        # The last block of a row of tiles runs over its end.
        Size("RS_", add(add(it.pieces.rows, quotient(Var(LANES), it.pieces.lane.pitch)), const(1))),
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
    taps = const(prod(axis.transform.r for axis in it.form.axes))
    steps, points = mul(Var("P_"), Var("KT_")), const(it.products)
    slack = mul(const(2 + sums.tile.blocks), lanes)
    yield Buffer(name_of("offsets"), ((const(1),), (steps,)), "workspace", Scalar("offset"))
    raw = ((Var("G_"),), (const(1),), (Var("MT_"),), (mul(steps, taps),), (rows,))
    yield Buffer(name_of("raw"), raw, "workspace")
    narrow = ((Var("G_"),), (points,), (Var("MT_"),), (steps,), (rows,))
    yield Buffer(name_of("narrow"), narrow, "workspace")
    classes: tuple[tuple[Expr, ...], ...] = tuple((const(axis.transform.m),) for axis in it.form.axes)
    pieces = ((const(1),), *classes, (Var("RS_"), it.pieces.lane.pitch))
    yield Buffer(name_of("pieces"), pieces, "private", slack=mul(const(2), lanes))
    yield from line_buffers(it.pieces, it.split, name_of("pieces"))
    windows = ((mul(points, Var("PP_")),), (Var("RV_"), it.windows.lane.pitch))
    yield Buffer(name_of("wide"), windows, "private", slack=slack)
    made = ((mul(Var("MT_"), rows),), (points,), (Var("RC_"), it.windows.lane.pitch))
    yield Buffer(name_of("sums"), made, "private", slack=slack)
    m = [axis.transform.m for axis in it.form.axes]
    lines = ((const(prod(m[:-1])),), (mul(const(m[-1]), add(it.windows.lane.tile, lanes)),))
    yield Buffer(name_of("lines"), lines, "private", slack=lanes)


def _narrow(it: Tiled, sums: Outer) -> Nest:
    """The narrow operand at every point: rows of a tile in lanes."""
    found, tile = it.found, sums.tile
    lets = decoded(("group_", "rowblock_"), (Var("G_"), Var("MT_")), "z_")
    taps = [axis.taps() for axis in it.form.axes]
    row = mul(Var("at_"), Var(LANES))
    names = (*found.planes, *found.taps)
    kept = rank(it.still, (*found.planes, *it.still.taps))

    def load(point: Point) -> Expr:
        chosen = {axis.tap: const(taps[k][point[k]]) for k, axis in enumerate(it.form.axes)}
        position = substitute(rank(found, names), dict(chosen))
        return LoadLanes(name_of("raw"), (Var("group_"), const(0), Var("rowblock_"), position, row), 1, "mask_")

    def store(point: Point, value: Expr) -> Stmt:
        number = const(number_of(point, it.form))
        place = (Var("group_"), number, Var("rowblock_"), kept, row)
        return StoreLanes(name_of("narrow"), place, 1, "mask_", "=", value)

    scale = it.form.coefficient
    first, *others = it.form.narrow_matrices
    matrices = (tuple(tuple(scale * value for value in line) for line in first), *others)
    mask = Declare("mask_", Lanes(const(0), sub(const(tile.rows), row)), Scalar("mask"))
    body = (mask, *transformed(matrices, load, store))
    each = For("at_", const(0), ceiling(const(tile.rows), Var(LANES)), body)
    inner = in_taps(it.still, (*found.planes, *it.still.taps), (each,))
    comment = f"{sums.target}: {found.narrow[0].tensor} transformed for {it.form.name}"
    return Nest("z_", mul(Var("G_"), Var("MT_")), (*lets, *inner), comment)


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
    planes = tuple(add(Var("plane_"), extent(found, name)[0]) for name in found.planes)
    work = transformed_planes(
        it,
        it.split,
        name_of("pieces"),
        name_of("wide"),
        dict(zip(found.planes, planes, strict=True)),
        "R_",
        False,
    )
    body = (
        *decoded(names, sizes, "z_"),
        *in_boxes(it.windows),
        blocks,
        For("plane_", const(0), Var("P_"), work),
        For("slab_", const(0), ceiling(Var("P_"), const(SLAB)), slab),
        *_unpacked(it, sums),
    )
    wide = it.form.data.tensor
    return Nest("z_", product(sizes), body, f"{sums.target}: {wide} in windows of {it.form.name}, a sum for each point")


def transformed_planes(
    it: Tiled, operand: Operand, pieces: str, windows: str, planes: dict[str, Expr], rows: str, gaps: bool
) -> tuple[Stmt, ...]:
    """One plane of the data: split by residue class of a tile, then every window transformed.

    ``rows`` names how many a plane of windows has; ``gaps`` says that all of them are read, for a product with 0.
    """
    frame_ = it.pieces
    packed = packed_operand(frame_, operand, pieces, const(0), planes, Var("RS_"), True)
    coordinates = {strip.loop: Var(f"{strip.loop}_at_") for strip in frame_.strips[:-1]}
    row = it.windows.row(coordinates.values())
    column = mul(Var("chunk_"), Var(LANES))

    def load(point: Point) -> Expr:
        classes = []
        at: dict[str, Expr] = {**coordinates, frame_.lane.loop: column}
        for value, axis in zip(point, it.form.axes, strict=True):
            position = add(integer(axis.offset), const(value))
            classes.append(_residue(position, axis.transform.m))
            low = next(s.low_ for s in frame_.strips if s.loop == axis.moving)
            at[axis.moving] = add(at[axis.moving], sub(floordiv(position, axis.transform.m), low))
        *outer, last = at.values()
        return LoadLanes(pieces, (const(0), *classes, frame_.row(outer), last), 1, "")

    def store(point: Point, value: Expr) -> Stmt:
        plane = add(mul(const(number_of(point, it.form)), Var("PP_")), Var("plane_"))
        return StoreLanes(windows, (plane, row, column), 1, "", "=", value)

    body = transformed(it.form.data_matrices, load, store)
    width = it.windows.lane.pitch if gaps else it.windows.lane.size
    chunks = For("chunk_", const(0), ceiling(width, Var(LANES)), body)
    inner: tuple[Stmt, ...] = (Outlined("windows", (chunks,)),)
    for strip in reversed(it.windows.strips[:-1]):
        # Reach along loops that are not transformed is transformed with the cells.
        count = smallest([strip.pitch, add(strip.size, strip.reach)])
        count = strip.pitch if gaps and strip is not it.windows.strips[0] else count
        inner = (For(f"{strip.loop}_at_", const(0), count, inner),)
    return (*packed, *inner, *(_behind(it, windows, rows) if it.has_reach or gaps else ()))


def _residue(value: Expr, modulus: int) -> Expr:
    result: Expr = simplify(Mod(value, modulus))
    return result


def _behind(it: Tiled, windows: str, rows: str) -> tuple[Stmt, ...]:
    """Zeros behind the last row of windows, at every point."""
    strips = it.windows.strips
    outermost = smallest([strips[0].pitch, add(strips[0].size, strips[0].reach)])
    first = mul(outermost, product(strip.pitch for strip in strips[1:-1]))
    plane = add(mul(Var("point_"), Var("PP_")), Var("plane_"))
    fill = zeroed(windows, (plane, Var("gap_")), const(0), strips[-1].pitch)
    return (For("point_", const(0), const(it.products), (For("gap_", first, Var(rows), fill),)),)


def _unpacked(it: Tiled, sums: Outer) -> tuple[Stmt, ...]:
    """Sums of every point transformed into rows of the target."""
    found, lane = it.found, it.windows.lane
    lines = name_of("lines")
    coordinates = [Var(f"{strip.loop}_at_") for strip in it.windows.strips[:-1]]
    row = it.windows.row(coordinates)
    column = mul(Var("chunk_"), Var(LANES))
    last = it.form.axes[-1].transform.m
    made: dict[Point, Expr] = {}

    def load(point: Point) -> Expr:
        place = (Var("row_"), const(number_of(point, it.form)), row, column)
        return LoadLanes(name_of("sums"), place, 1, "")

    def keep(point: Point, value: Expr) -> Stmt | None:
        made[point] = value
        if point[-1] + 1 < last:
            return None
        values = tuple(made[(*point[:-1], k)] for k in range(last))
        line = point[0] if len(point) > 1 else 0
        return StoreZip(lines, (const(line), mul(const(last), column)), values)

    body = transformed(it.form.target_matrices, load, keep)
    chunks = For("chunk_", const(0), ceiling(lane.size, Var(LANES)), body)
    inner: tuple[Stmt, ...] = (Outlined("outputs", (chunks,)), *_woven(it, lines))
    for strip in reversed(it.windows.strips[:-1]):
        name = strip.loop
        here = () if it.axis(name) else (Let(name, add(strip.start, Var(f"{name}_at_"))),)
        inner = (For(f"{name}_at_", const(0), strip.size, (*here, *inner)),)
    cell = tuple(Let(name, Var("row_")) for name in found.rows)
    return (For("row_", const(0), Var("M_"), (*cell, *inner)),)


def _woven(it: Tiled, lines: str) -> tuple[Stmt, ...]:
    """The lines of one row of tiles copied to the target, those that lie in it."""
    found, lane = it.found, it.windows.lane
    *outer, inner = it.form.axes
    m = inner.transform.m
    start = mul(const(m), lane.start)
    _, width = extent(found, lane.loop)
    upper = smallest([mul(const(m), lane.size), sub(width, start)])
    line = Var("line_") if outer else const(0)
    values: dict[str, Expr] = {}
    for axis in outer:
        values[axis.moving] = Var("at_line_")

    def index(k: Expr) -> tuple[Expr, ...]:
        cells = {**values, lane.loop: add(start, k)}
        return tuple(substitute(integer(form), cells) for form in found.solution.target)

    def block(k: Expr, mask: str) -> Stmt:
        total = LoadLanes(lines, (line, k), 1, mask)
        value = finished(found, total, lane.loop, {**values, lane.loop: add(start, k)})
        return StoreLanes(found.statement.target.name, index(k), 1, mask, "=", value)

    body: tuple[Stmt, ...] = (Let("upper_", upper), *span(const(0), Var("upper_"), block))
    if not outer:
        return body
    axis = outer[0]
    strip = next(s for s in it.windows.strips if s.loop == axis.moving)
    position = add(mul(const(axis.transform.m), add(strip.start, Var(f"{axis.moving}_at_"))), Var("line_"))
    _, height = extent(found, axis.moving)
    inside = If(Compare("<", Var("at_line_"), height), body)
    return (For("line_", const(0), const(axis.transform.m), (Let("at_line_", position), inside)),)
