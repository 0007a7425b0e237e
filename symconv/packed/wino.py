"""Winograd in the outer form: planes transformed into tiles, one register tile per point, sums transformed back.

``T = Aᵀ[Σ (G k)⊙(Bᵀ d)]`` along one or two axes. Per box of tiles: windows of each plane of the wide operand are
transformed, lanes across tiles; for every point a sum over planes runs in the same register tiles as a direct sum does;
tiles of outputs are woven into rows of the target.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from symconv.loops.arith import add, ceildiv, const, largest, mul, smallest, sub
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
    Load,
    LoadLanes,
    Nest,
    Outlined,
    Prefetch,
    Scalar,
    Select,
    Size,
    Stmt,
    Store,
    StoreLanes,
    Var,
    Zip,
)
from symconv.loops.scalars import integer
from symconv.loops.traverse import substitute
from symconv.packed.bilinear import Point, points, transformed
from symconv.packed.copying import ZERO
from symconv.packed.frame import apart, ceiling, extent, product, quotient
from symconv.packed.loops import counts, decoded, in_boxes, in_taps, rank
from symconv.packed.narrow import name_of
from symconv.packed.outer import Outer, Packed, Tile, offsets_table, register_tiles
from symconv.packed.tiling import Tiled, number_of, turned
from symconv.packed.unpack import finished
from symconv.packed.windows import AHEAD, Windows, line_layout, lines_buffer, transformed_planes

__all__ = ["winograd_nests"]


LONGEST, SHORTEST = 128, 16
"""Planes whose products are added in one chain: longer ones lose digits, shorter ones load and store sums too often."""

NEAR = 2**18
"""Elements of windows that are made before their products: what the second cache holds."""


_STACK = 16
"""Planes of the narrow operand that are transformed together: their rows of a tile fill whole vectors."""


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
        Size("PB_", _slab(it)),
        Size("PP_", apart(Var("PB_"))),
        Size("ST_", ceiling(Var("P_"), const(_STACK))),
        Size("G_", product(counts(it.found, it.found.groups, exact=False))),
    )
    nests = (offsets_table(sums), _narrow(it, sums), _main(it, sums))
    parameters = tuple(strip.parameter for strip in it.windows.strips)
    return Packed(nests, tuple(_buffers(it, sums)), layout, parameters)


def _slab(it: Tiled) -> Expr:
    """How many planes are transformed before their products are added."""
    held = mul(const(it.products), mul(Var("RV_"), it.windows.lane.pitch))
    near = largest([const(SHORTEST), smallest([const(LONGEST), quotient(const(NEAR), held)])])
    return largest([const(1), smallest([Var("P_"), near])])


def _buffers(it: Tiled, sums: Outer) -> Iterator[Buffer]:
    lanes, rows = Var(LANES), const(sums.tile.rows)
    taps = const(prod(axis.transform.r for axis in it.form.axes))
    steps, every = mul(Var("P_"), Var("KT_")), const(it.products)
    slack = mul(const(2 + sums.tile.blocks), lanes)
    yield Buffer(name_of("offsets"), ((const(1),), (mul(Var("PB_"), Var("KT_")),)), "workspace", Scalar("offset"))
    raw = ((taps,), (mul(mul(const(_STACK), Var("KT_")), rows),))
    yield Buffer(name_of("raw"), raw, "private", slack=lanes)
    narrow = ((Var("G_"),), (every,), (Var("MT_"),), (steps, rows))
    yield Buffer(name_of("narrow"), narrow, "workspace")
    yield from lines_buffer(it)
    windows = ((mul(every, Var("PP_")),), (Var("RV_"), it.windows.lane.pitch))
    yield Buffer(name_of("wide"), windows, "private", slack=slack)
    made = ((mul(Var("MT_"), rows),), (every,), (Var("RC_"), it.windows.lane.pitch))
    yield Buffer(name_of("sums"), made, "private", slack=slack)


def _narrow(it: Tiled, sums: Outer) -> Nest:
    """The narrow operand at every point: a few planes at a time, so that what lies together is read together."""
    found, rows = it.found, const(sums.tile.rows)
    names, sizes = (*found.groups, "stack_"), (*counts(found, found.groups, exact=False), Var("ST_"))
    first = mul(const(_STACK), Var("stack_"))
    count = smallest([const(_STACK), sub(Var("P_"), first)])
    column = mul(Var("chunk_"), Var(LANES))

    def load(point: Point) -> Expr:
        return LoadLanes(name_of("raw"), (const(_tap_number(it, point)), column), 1, "")

    def store(point: Point, value: Expr) -> Stmt:
        number = const(number_of(point, it.form))
        place = (rank(found, found.groups), number, Var("rowblock_"), mul(first, Var("KT_")), column)
        return StoreLanes(name_of("narrow"), place, 1, "mask_", "=", value)

    scale = it.form.coefficient
    matrix, *others = it.form.narrow_matrices
    matrices = (tuple(tuple(scale * value for value in line) for line in matrix), *others)
    mask = Declare("mask_", Lanes(const(0), sub(Var("width_"), column)), Scalar("mask"))
    each = For("chunk_", const(0), ceiling(Var("width_"), Var(LANES)), (mask, *transformed(matrices, load, store)))
    held = Let("held_", smallest([rows, sub(Var("M_"), mul(Var("rowblock_"), rows))]))
    planes = For("plane_", const(0), count, (Let("position_", add(first, Var("plane_"))), *_raw(it, sums)))
    block = For("rowblock_", const(0), Var("MT_"), (held, planes, Outlined("factors", (each,))))
    width = Let("width_", mul(mul(count, Var("KT_")), rows))
    comment = f"{sums.target}: {found.narrow[0].tensor} transformed for {it.form.name}"
    return Nest("z_", product(sizes), (*decoded(names, sizes, "z_"), width, block), comment)


def _tap_number(it: Tiled, point: Point) -> int:
    """The number of a tap of a block."""
    number = 0
    for at, axis in zip(point, it.form.axes, strict=True):
        number = number * axis.transform.r + at
    return number


def _raw(it: Tiled, sums: Outer) -> tuple[Stmt, ...]:
    """One plane of the narrow operand as it is given, rows of a tile side by side; 0 where there is no row, no tap."""
    found, rows, (read,) = it.found, const(sums.tile.rows), it.found.narrow
    kept, row = it.still.taps, add(mul(Var("rowblock_"), rows), Var("row_"))
    cell = tuple(Let(name, row) for name in found.rows)
    step = add(mul(Var("plane_"), Var("KT_")), rank(it.still, kept))
    column = add(mul(step, rows), Var("row_"))
    body: list[Stmt] = []
    for point in points(tuple(axis.transform.r for axis in it.form.axes)):
        pairs = list(zip(it.form.axes, point, strict=True))
        count: Expr = Var("held_")
        for axis, k in pairs:
            count = Select(it.known(axis, k), count, const(0))
        taps: dict[str, Expr] = {axis.tap: it.tap(axis, k) for axis, k in pairs}
        index = tuple(substitute(integer(form), taps) for form in read.index)
        place = (const(_tap_number(it, point)), column)
        copy: tuple[Stmt, ...] = (*cell, Store(name_of("raw"), place, Load(read.tensor, index)))
        if not any(point):
            # Rows of later blocks lie apart, by whole planes or not: what is read there is fetched meanwhile.
            later: dict[str, Expr] = dict.fromkeys(found.rows, add(row, const(2 * sums.tile.rows)))
            copy = (*copy, Prefetch(read.tensor, tuple(substitute(form, later) for form in index)))
        nothing = Store(name_of("raw"), place, ZERO)
        body += [
            Let("count_", count),
            For("row_", const(0), Var("count_"), copy),
            For("row_", Var("count_"), rows, (nothing,)),
        ]
    return (*_loops_of(it, "position_"), *in_taps(it.still, kept, tuple(body)))


def _main(it: Tiled, sums: Outer) -> Nest:
    found = it.found
    names = (*(f"{s.loop}_box_" for s in it.windows.strips), *found.groups)
    sizes = (*it.windows.boxes, *counts(found, found.groups, exact=False))
    blocks = Let("blocks_", ceiling(it.windows.span, Var(LANES)))
    job = Windows(it, it.split, it.form.data_matrices, name_of("wide"), _plane, "RV_")
    chosen = Let("position_", add(Var("plane0_"), Var("plane_")))
    # Long chains of additions lose digits: sums are made in slabs of planes, whose windows stay near, and then added.
    slab = (
        Let("plane0_", mul(Var("PB_"), Var("slab_"))),
        Let("planes_", smallest([Var("PB_"), sub(Var("P_"), Var("plane0_"))])),
        For("plane_", const(0), Var("planes_"), (chosen, *_loops_of(it, "position_"), *transformed_planes(job, {}))),
        *register_tiles(sums),
    )
    body = (
        *decoded(names, sizes, "z_"),
        *in_boxes(it.windows),
        blocks,
        For("slab_", const(0), ceiling(Var("P_"), Var("PB_")), slab),
        *_unpacked(it, sums),
    )
    wide = it.form.data.tensor
    return Nest("z_", product(sizes), body, f"{sums.target}: {wide} in windows of {it.form.name}, a sum for each point")


def _loops_of(it: Tiled, number: str) -> tuple[Stmt, ...]:
    """The loops of a plane from its number."""
    names = it.still.planes
    digits = decoded(tuple(f"{name}_digit_" for name in names), counts(it.still, names, exact=False), number)
    return (*digits, *(Let(name, add(extent(it.still, name)[0], Var(f"{name}_digit_"))) for name in names))


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
