"""Winograd in the outer form: planes transformed into tiles, one register tile per point, sums transformed back.

``T = Aᵀ[Σ (G k)⊙(Bᵀ d)]`` along one or two axes. Per box of tiles: windows of each plane of the wide operand are
transformed, lanes across tiles; for every point a sum over planes runs in the same register tiles as a direct sum does;
tiles of outputs are woven into rows of the target.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

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
)
from symconv.loops.scalars import integer
from symconv.loops.traverse import substitute
from symconv.packed.bilinear import Point, points, transformed
from symconv.packed.copying import ZERO
from symconv.packed.frame import apart, ceiling, cleared, extent, product, quotient, whole_blocks
from symconv.packed.inplace import all_hold
from symconv.packed.loops import counts, decoded, in_boxes, in_taps, rank
from symconv.packed.narrow import name_of
from symconv.packed.outer import Outer, Packed, Tile, offsets_table, register_tiles
from symconv.packed.present import classes_layout, present_planes
from symconv.packed.runs import long_target
from symconv.packed.tiling import Tiled, number_of
from symconv.packed.windows import Windows, line_layout, lines_buffer, transformed_planes
from symconv.packed.wino_outputs import unpacked

__all__ = ["winograd_nests"]


_STACK = 16
"""Planes of the narrow operand that are transformed together: their rows of a tile fill whole vectors."""


def winograd_nests(it: Tiled, tile: Tile) -> Packed:
    """Its nests, buffers, numbers and parameters of a plan."""
    sums = Outer(it.still, tile, it.windows, it.products, present_planes(it))
    layout = (
        *it.windows.layout(),
        *line_layout(it),
        # The last block of windows runs over their end.
        Size("RV_", add(add(Var("R_"), quotient(Var(LANES), it.windows.lane.pitch)), const(1))),
        Size("M_", sums.rows),
        Size("MT_", ceildiv(Var("M_"), tile.rows)),
        Size("KT_", product(counts(it.still, it.still.taps, exact=False))),
        Size("P_", sums.planes),
        *classes_layout(it),
        Size("PP_", apart(Var("PB_"))),
        Size("ST_", ceiling(Var("P_"), const(_STACK))),
        Size("G_", product(counts(it.found, it.found.groups, exact=False))),
        Size("LONG_", long_target(it.found)),
    )
    nests = (offsets_table(sums), _narrow(it, sums), _main(it, sums))
    parameters = tuple(strip.parameter for strip in it.windows.strips)
    return Packed(nests, tuple(_buffers(it, sums)), layout, parameters)


def _buffers(it: Tiled, sums: Outer) -> Iterator[Buffer]:
    lanes, rows = Var(LANES), const(sums.tile.rows)
    taps = const(prod(axis.transform.r for axis in it.form.axes))
    steps, every = mul(Var("P_"), Var("KT_")), const(it.products)
    slack = mul(const(2 + sums.tile.blocks), lanes)
    yield Buffer(name_of("offsets"), ((const(1),), (mul(Var("PB_"), Var("KT_")),)), "workspace", Scalar("offset"))
    raw = ((taps,), (mul(mul(const(_STACK), Var("KT_")), rows),))
    yield cleared(Buffer(name_of("raw"), raw, "private", slack=lanes))
    narrow = ((Var("G_"),), (Var("MT_"),), (every,), (apart(steps), rows))
    yield Buffer(name_of("narrow"), narrow, "workspace")
    yield from lines_buffer(it)
    windows = ((mul(every, Var("PP_")),), (Var("RV_"), it.windows.lane.pitch))
    yield cleared(Buffer(name_of("wide"), windows, "private", slack=slack), *_unmade(it))
    made = ((mul(Var("MT_"), rows),), (every,), (Var("RC_"), it.windows.lane.pitch))
    # A block of outputs may run over the last block of sums.
    lane, last = it.windows.lane, sub(it.windows.whole_span, it.windows.lane.tile)
    over = Compare(">", add(last, whole_blocks(lane.tile)), whole_blocks(it.windows.whole_span))
    yield cleared(Buffer(name_of("sums"), made, "private", slack=slack), over)


def _unmade(it: Tiled) -> Iterator[Expr]:
    """When a box has lanes between its rows of windows, or behind the last one, that no transform stores."""
    *outer, lane = it.windows.strips
    alone = len(it.form.axes) == 1
    # Rows of windows lie side by side in one line where they are transformed too.
    line = lane.tile if alone else mul(add(outer[-1].tile, outer[-1].reach), lane.pitch)
    before = [sub(strip.tile, const(1)) for strip in (outer if alone else outer[:-1])]
    last = it.windows.distance([*before, const(0)] if alone else [*before, const(0), const(0)])
    yield Compare("<", add(last, whole_blocks(line)), whole_blocks(it.windows.whole_span))
    yield from (Compare(">", strip.pitch, add(strip.tile, strip.reach)) for strip in outer[1:])
    if alone:
        yield Compare(">", lane.pitch, whole_blocks(lane.tile))


def _narrow(it: Tiled, sums: Outer) -> Nest:
    """The narrow operand at every point: a few planes at a time, so that what lies together is read together."""
    found, rows = it.found, const(sums.tile.rows)
    names, sizes = (*found.groups, "stack_"), (*counts(found, found.groups, exact=False), Var("ST_"))
    first = mul(const(_STACK), Var("stack_"))
    count = smallest([const(_STACK), sub(Var("P_"), first)])
    column = mul(Var("chunk_"), Var(LANES))

    def load(point: Point) -> Expr:
        return LoadLanes(name_of("raw"), (const(_tap_number(it, point)), column), 1, "")

    def store(point: Point, value: Expr) -> tuple[Stmt, ...]:
        group, number = rank(found, found.groups), const(number_of(point, it.form))
        place = (number, mul(first, Var("KT_")), column)
        # Points are more streams than hardware follows: the lines of the next rows of tiles are fetched meanwhile.
        ahead = Prefetch(name_of("narrow"), (group, add(Var("rowblock_"), const(1)), *place))
        return ahead, StoreLanes(name_of("narrow"), (group, Var("rowblock_"), *place), 1, "mask_", "=", value)

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
    found, rows = it.found, const(sums.tile.rows)
    cell = tuple(Let(name, _row(sums)) for name in found.rows)
    copies: list[Stmt] = []
    some: list[Stmt] = []
    for point in points(tuple(axis.transform.r for axis in it.form.axes)):
        copy, nothing = _tap(it, sums, point)
        count: Expr = Var("held_")
        for axis, k in zip(it.form.axes, point, strict=True):
            count = Select(it.known(axis, k), count, const(0))
        copies += copy
        some += [
            Let("count_", count),
            For("row_", const(0), Var("count_"), (*cell, *copy)),
            For("row_", Var("count_"), rows, (nothing,)),
        ]
    # Where there is every row and every tap, the taps of a row, which lie side by side, are copied with no test.
    known = (it.known(axis, k) for axis in it.form.axes for k in range(axis.transform.r))
    body = (
        Let("whole_", all_hold((Compare("==", Var("held_"), rows), *known))),
        If(Compare("==", Var("whole_"), const(1)), (For("row_", const(0), rows, (*cell, *copies)),)),
        If(Compare("==", Var("whole_"), const(0)), tuple(some)),
    )
    return (*_loops_of(it, "position_"), *in_taps(it.still, it.still.taps, body))


def _row(sums: Outer) -> Expr:
    """The row at hand of the narrow operand."""
    return add(mul(Var("rowblock_"), const(sums.tile.rows)), Var("row_"))


def _tap(it: Tiled, sums: Outer, point: Point) -> tuple[tuple[Stmt, ...], Stmt]:
    """One element of the narrow operand where the transform wants it, and 0 there."""
    found, rows, (read,) = it.found, sums.tile.rows, it.found.narrow
    taps: dict[str, Expr] = {axis.tap: it.tap(axis, k) for axis, k in zip(it.form.axes, point, strict=True)}
    index = tuple(substitute(integer(form), taps) for form in read.index)
    step = add(mul(Var("plane_"), Var("KT_")), rank(it.still, it.still.taps))
    place = (const(_tap_number(it, point)), add(mul(step, const(rows)), Var("row_")))
    copy: tuple[Stmt, ...] = (Store(name_of("raw"), place, Load(read.tensor, index)),)
    if not any(point):
        # Rows of later blocks lie apart, by whole planes or not: what is read there is fetched meanwhile.
        later: dict[str, Expr] = dict.fromkeys(found.rows, add(_row(sums), const(2 * rows)))
        copy = (*copy, Prefetch(read.tensor, tuple(substitute(form, later) for form in index)))
    return copy, Store(name_of("raw"), place, ZERO)


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
        *unpacked(it, sums),
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
