"""Winograd in the dot form: gradients of kernels, ``T = Gᵀ[Σ (A c)⊙(Bᵀ d)]G`` over tiles of positions.

Both operands of a box are cut into tiles and transformed, lanes across tiles; for every point the register tiles of
the dot form sum products over tiles; at the end the chunks are added in order and every tile of sums is transformed to
its taps.
"""

from __future__ import annotations

from symconv.loops.arith import add, const, largest, mul, smallest, sub
from symconv.loops.ir import (
    LANES,
    VECTOR,
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
    Size,
    Stmt,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.scalars import integer
from symconv.loops.traverse import substitute
from symconv.packed.bilinear import Point, points, transformed
from symconv.packed.copying import ZERO
from symconv.packed.dot import (
    Dot,
    DotTile,
    columns_table,
    dot_buffers,
    dot_layout,
    dot_parameters,
    main_nest,
    plane_of,
    rows_of_item,
)
from symconv.packed.frame import ceiling, product
from symconv.packed.loops import counts, decoded, in_taps
from symconv.packed.outer import Packed
from symconv.packed.tiling import Tiled, number_of
from symconv.packed.unpack import finished
from symconv.packed.windows import Windows, line_layout, lines_buffer, transformed_planes

__all__ = ["winograd_dot_nests"]

_AHEAD = 256
"""Elements from what is read, or stored, to what is fetched from memory meanwhile."""


def winograd_dot_nests(it: Tiled, tile: DotTile) -> Packed:
    """Its nests, buffers, numbers and parameters of a plan."""
    sums = Dot(it.still, tile, it.windows, it.products)
    layout = tuple(
        Size("SC_", largest([const(1), smallest([Var("S_"), Var("BX_")])])) if size.name == "SC_" else size
        for size in dot_layout(sums)
    )
    layout = (*layout, *line_layout(it))
    main = main_nest(sums, (*_packed_rows(it, sums), *_packed_columns(it, sums)))
    nests = (columns_table(sums), _cleared(sums), main, _added(sums), _combined(it, sums))
    return Packed(nests, _buffers(it, sums), layout, dot_parameters(sums))


def _buffers(it: Tiled, sums: Dot) -> tuple[Buffer, ...]:
    lanes = Var(LANES)
    taps = 1
    for axis in it.form.axes:
        taps *= axis.transform.r
    entries = add(const(sums.tile.rows * sums.tile.columns), lanes)
    return (
        *dot_buffers(sums),
        *lines_buffer(it),
        Buffer(sums.name("taps"), ((const(taps),), (entries,)), "private", slack=lanes),
    )


def _packed_rows(it: Tiled, sums: Dot) -> tuple[Stmt, ...]:
    """The rows of this item: tiles of the cotangent, transformed; zeros in every gap."""
    found, rows = it.still, const(sums.tile.rows)
    row = add(mul(Var("rowblock0_"), rows), Var("row_"))
    cell: dict[str, Expr] = dict.fromkeys(found.rows, row)

    def plane(number: Expr) -> Expr:
        return add(mul(number, mul(Var("RT_"), rows)), Var("row_"))

    job = Windows(it, found.wide[0], it.form.narrow_matrices, sums.name("rows"), plane, "RA_", gaps=True, still=True)
    return (For("row_", const(0), rows_of_item(sums), transformed_planes(job, cell)),)


def _packed_columns(it: Tiled, sums: Dot) -> tuple[Stmt, ...]:
    """Every plane of the data in windows, transformed."""

    def plane(number: Expr) -> Expr:
        return add(mul(number, Var("PP_")), Var("plane_"))

    job = Windows(it, it.split, it.form.data_matrices, sums.name("columns"), plane, "RG_", gaps=True)
    return in_taps(it.still, sums.planes, (Let("plane_", plane_of(sums)), *transformed_planes(job, {})))


def _cleared(sums: Dot) -> Nest:
    """Zeros where a chunk has no box at all."""
    place = (Var("group_"), const(0), Var("point_"), Var("rowblock_"), Var("column_"), Var("row_"), Var("at_"))
    body: tuple[Stmt, ...] = (Store(sums.name("sums"), place, ZERO),)
    for name, count in (
        ("at_", const(sums.tile.columns)),
        ("row_", const(sums.tile.rows)),
        ("column_", Var("NT_")),
        ("rowblock_", Var("MT_")),
        ("point_", const(sums.products)),
    ):
        body = (For(name, const(0), count, body),)
    empty = If(Compare("==", Var("BX_"), const(0)), body)
    return Nest("group_", Var("G_"), (empty,), f"{sums.target}: no contribution to an empty batch")


def _added(sums: Dot) -> Nest:
    """The chunks added to the first one, in order."""
    names = ("group_", "point_", "rowblock_")
    sizes = (Var("G_"), const(sums.products), Var("MT_"))
    entries = const(sums.tile.rows * sums.tile.columns)
    position = mul(Var("at_"), Var(LANES))

    def place(chunk: Expr) -> tuple[Expr, ...]:
        return (Var("group_"), chunk, Var("point_"), Var("rowblock_"), Var("column_"), const(0), position)

    buffer, vector = sums.name("sums"), Scalar("real", VECTOR)
    mask = _held(entries, position)
    start = Declare("total_", LoadLanes(buffer, place(const(0)), 1, "mask_"), vector)
    more = Update("total_", "+", LoadLanes(buffer, place(Var("chunk_of_")), 1, "mask_"))
    chunks = For("chunk_of_", const(1), Var("SC_"), (more,))
    done = StoreLanes(buffer, place(const(0)), 1, "mask_", "=", Var("total_"))
    body: tuple[Stmt, ...] = (For("at_", const(0), ceiling(entries, Var(LANES)), (mask, start, chunks, done)),)
    body = (If(Compare(">", Var("SC_"), const(1)), (For("column_", const(0), Var("NT_"), body),)),)
    comment = f"{sums.target}: the chunks of every point added in order"
    return Nest("z_", product(sizes), (*decoded(names, sizes, "z_"), *body), comment)


def _held(entries: Expr, position: Expr) -> Declare:
    """The mask of the lanes of a block that hold entries of a tile."""
    return Declare("mask_", Lanes(const(0), sub(entries, position)), Scalar("mask"))


def _combined(it: Tiled, sums: Dot) -> Nest:
    """Sums of every point transformed to taps, tile by tile."""
    names, sizes = ("group_", "rowblock_", "column_"), (Var("G_"), Var("MT_"), Var("NT_"))
    position = mul(Var("at_"), Var(LANES))
    entries = const(sums.tile.rows * sums.tile.columns)

    def sum_of(point: Point) -> tuple[Expr, ...]:
        number = const(number_of(point, it.form))
        return (Var("group_"), const(0), number, Var("rowblock_"), Var("column_"), const(0), position)

    def load(point: Point) -> Expr:
        return LoadLanes(sums.name("sums"), sum_of(point), 1, "mask_")

    def store(point: Point, value: Expr) -> Stmt:
        number = 0
        for at, axis in zip(point, it.form.axes, strict=True):
            number = number * axis.transform.r + at
        return StoreLanes(sums.name("taps"), (const(number), position), 1, "", "=", value)

    scale = it.form.coefficient
    first, *others = it.form.target_matrices
    matrices = (tuple(tuple(scale * value for value in line) for line in first), *others)
    mask = _held(entries, position)
    # Sums of the points lie far apart, in more streams than hardware follows.
    ahead = [
        Prefetch(sums.name("sums"), sum_of(point), const(_AHEAD))
        for point in points(tuple(axis.transform.n for axis in it.form.axes))
    ]
    body = (mask, *ahead, *transformed(matrices, load, store))
    each = For("at_", const(0), ceiling(entries, Var(LANES)), (Outlined("taps", body),))
    comment = f"{sums.target}: sums of every point transformed to taps"
    return Nest("z_", product(sizes), (*decoded(names, sizes, "z_"), each, *_scattered(it, sums)), comment)


def _scattered(it: Tiled, sums: Dot) -> tuple[Stmt, ...]:
    """The taps of one tile stored, for the rows and columns that there are."""
    found, rows, columns = it.found, sums.tile.rows, sums.tile.columns
    row = add(mul(Var("rowblock_"), const(rows)), Var("row_"))
    position = add(mul(Var("column_"), const(columns)), Var("at_"))
    kept = it.still.columns
    lets = decoded(kept, counts(it.still, kept, exact=False), "position_") if len(kept) > 1 else ()
    if len(kept) == 1:
        lets = (Let(kept[0], Var("position_")),)
    groups = decoded(found.groups, counts(found, found.groups, exact=False), "group_")
    stores: list[Stmt] = []
    for number, point in enumerate(points(tuple(axis.transform.r for axis in it.form.axes))):
        pairs = list(zip(it.form.axes, point, strict=True))
        values: dict[str, Expr] = {axis.tap: it.tap(axis, at) for axis, at in pairs}
        total = Load(sums.name("taps"), (const(number), add(mul(Var("row_"), const(columns)), Var("at_"))))
        cell = tuple(substitute(integer(form), values) for form in found.solution.target)
        if not any(point):
            stores.append(Prefetch(sums.target, cell, const(_AHEAD)))
        store: Stmt = Store(sums.target, cell, finished(found, total, "", values))
        for axis, at in pairs:
            store = If(it.known(axis, at), (store,))
        stores.append(store)
    cells = tuple(Let(name, row) for name in found.rows)
    held = smallest([const(rows), sub(Var("M_"), mul(Var("rowblock_"), const(rows)))])
    line = For("row_", const(0), held, (*cells, *stores))
    # What a column is takes divisions: they are made once for all rows.
    inside = If(Compare("<", position, Var("N_")), (Let("position_", position), *lets, line))
    return (*groups, For("at_", const(0), const(columns), (inside,)))
