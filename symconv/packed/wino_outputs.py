"""Winograd in the outer form, its end: sums of every point become tiles of outputs, woven into rows of the target."""

from __future__ import annotations

from collections.abc import Iterator

from symconv.loops.arith import add, const, mul, smallest, sub
from symconv.loops.ir import (
    LANES,
    Compare,
    Declare,
    Expr,
    For,
    If,
    Lanes,
    Let,
    LoadLanes,
    Outlined,
    Prefetch,
    Scalar,
    Stmt,
    StoreLanes,
    Var,
    Zip,
)
from symconv.loops.scalars import integer
from symconv.loops.traverse import substitute
from symconv.packed.bilinear import Point, points, transformed
from symconv.packed.frame import ceiling, extent, quotient
from symconv.packed.narrow import name_of
from symconv.packed.outer import Outer
from symconv.packed.runs import STREAMED, streamed
from symconv.packed.tiling import Tiled, number_of, turned
from symconv.packed.unpack import finished
from symconv.packed.windows import AHEAD

__all__ = ["unpacked"]


def unpacked(it: Tiled, sums: Outer) -> tuple[Stmt, ...]:
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
    past = streamed(const(0), extent(found, lane.loop)[1])
    return (past, For("row_", const(0), Var("M_"), (*cell, *inner)))


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
        # What goes past the caches is not fetched into them.
        stores.append(If(Compare("==", Var(STREAMED), const(0)), (Prefetch(target, index, const(AHEAD)),)))
        store = StoreLanes(target, index, 1, f"in{vector}_", "=", value, Var(STREAMED))
        # Where vectors are short, the last ones of a row are often empty.
        stores.append(If(Compare(">", Var(f"left{vector}_"), const(0)), (store,)))
    if number is None:
        return tuple(stores)
    return (If(Compare("<", cells[axis.moving], extent(found, axis.moving)[1]), tuple(stores)),)
