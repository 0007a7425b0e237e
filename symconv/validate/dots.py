"""Sums in the dot form, whose lanes are contributions, as the sums over cells that they stand for.

Such a kernel deals boxes to chunks, packs both operands of a box in flat rows of one pitch, and adds up products over
all positions of the rows, in lanes. What it adds it adds in another order and in other parts than here, and nothing
else, for each of these is shown:

* Chunks partition the boxes, and none is empty where there are not more of them (``relation.lemmas.CHUNKS``): the first
  box of a chunk stores its sums, later ones add to them, and the last nest adds up all chunks. So one chunk, whose sums
  start from nothing, serves for any number of them.
* Blocks of tiles are all tiles (``STRIPS``), and a tile is a sum for each of its rows and columns. A column's number is
  the rank of its taps (``ROWS``); spare rows and columns have sums that nobody reads.
* Positions in flat rows are all pairs of a row and a place in it. Positions of no cell meet zeros in the rows that
  stand still: each of those before the zeros behind the last row is looked at, and these are stored as zeros.
* What such a zero is multiplied by has been packed, too: memory is never read as it happens to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from symconv.loops.arith import add, const, mul, simplify, sub, total
from symconv.loops.ir import (
    Binary,
    Const,
    Expr,
    FloorDiv,
    For,
    Kernel,
    Let,
    Load,
    Nest,
    ReduceLanes,
    Stmt,
    Store,
    Var,
)
from symconv.loops.traverse import substitute, walk
from symconv.relation.lemmas import CHUNKS, ROWS, STRIPS, prove
from symconv.relation.points import UnclearError
from symconv.validate.dot_boxes import Box
from symconv.validate.dot_moved import columns_packed
from symconv.validate.dot_still import Lying, rows_that_lie
from symconv.validate.dot_sums import Sums
from symconv.validate.dot_tile import Tile, tile_of
from symconv.validate.polynomial import alike, expression, polynomial, uses
from symconv.validate.tables import Table, tables_of
from symconv.validate.words import radix

__all__ = ["in_dots"]

_POINT = Let("point_", const(0))


def in_dots(kernel: Kernel) -> Kernel | None:
    """A kernel in the dot form, with one chunk and sums over cells; None where it is another.

    Raises UnclearError where something looks like such a kernel and is not as it should be.
    """
    match [nest.body for nest in kernel.nests]:
        case [(*_, For()), (*_, For() as boxes), _] if _is_dot(boxes) and kernel.nests[0].extent == const(1):
            pass
        case _:
            return None
    for lemma in (CHUNKS, STRIPS, ROWS):
        prove(lemma)
    kernel = columns_packed(kernel, boxes)
    *header, loop = kernel.nests[1].body
    assert isinstance(loop, For)
    loop, lying = rows_that_lie(kernel, loop)
    main = replace(kernel.nests[1], body=(*header, loop))
    return _Dot(replace(kernel, nests=(kernel.nests[0], main, kernel.nests[2])), lying).plain()


def _is_dot(boxes: For) -> bool:
    """Whether lanes are added up at the end of a box, for sums of one product each."""
    reduced = any(isinstance(n, Store) and isinstance(n.value, ReduceLanes) for n in walk(boxes))
    return reduced and _POINT in boxes.body


@dataclass(frozen=True, slots=True)
class _Dot:
    """Such a kernel: nests that fill tables, sum up boxes, and add up chunks; ``lying`` are rows it did not pack."""

    kernel: Kernel
    lying: Lying | None

    def value(self, expr: Expr) -> Expr:
        """What the layout computes for a name."""
        layout = {size.name: size.value for size in self.kernel.layout}
        return layout.get(expr.name, expr) if isinstance(expr, Var) else expr

    def plain(self) -> Kernel:
        """The kernel with one chunk and sums over cells."""
        main, last = self.kernel.nests[1:]
        split = radix(main, main.extent)
        *header, boxes = split.body
        lets = {one.name: one.value for one in header if isinstance(one, Let)}
        if len(lets) != len(header) or not isinstance(boxes, For) or not isinstance(boxes.lower, Var):
            raise UnclearError("boxes are dealt in another way than by groups, chunks and rows")
        begin, loops = boxes.lower.name, dict(split.loops)
        chunk, chunks, count = self._chunks(boxes, lets, loops)
        *work, blocks = (substitute(one, {"point_": const(0)}) for one in boxes.body if one != _POINT)
        tiles = _Tiles.of(self, simplify(blocks), boxes)
        sums, table = self._sums(tiles, chunks)
        group, *place = tiles.tile.place
        own = [Var(chunk), const(0), place[2], Var(tiles.column), const(0), const(0)]
        first = expression(polynomial(sub(place[2], Var(tiles.row))))
        if not all(map(alike, place, own)) or uses(first, {tiles.row, tiles.column}):
            raise UnclearError("a tile stores its sums at other places than its own")
        box = Box(self.kernel, tiles.tile, sums, table, group, first, tiles.rows, tiles.all_rows, self.lying)
        strips, packed = _numbered(boxes.var, self.value(count), tuple(work))
        body = _strips(strips, box.plain(packed))
        kept = (one for one in header if isinstance(one, Let) and one.name != begin)
        loops = {name: self.value(length) for name, length in loops.items() if name != chunk}
        given = (*_decoded(list(loops.items()), main.var), *kept, box.cleared(), *body)
        if any(uses(one, {chunk, boxes.var, begin}) for one in given):
            raise UnclearError("numbers of chunks and boxes are used in another way")
        nest = replace(main, extent=total(tuple(loops.values())), body=given)
        nests = nest, sums.added(self.kernel, last)
        return replace(self.kernel, nests=nests, buffers=box.buffers())

    def _chunks(self, boxes: For, lets: dict[str, Expr], loops: dict[str, Expr]) -> tuple[str, Expr, Expr]:
        """The name of a chunk's number, how many chunks there are, and how many boxes."""
        match boxes.lower, boxes.upper:
            case Var(begin), Binary("//", Binary("*", _, Var() as count), Var() as chunks) if begin in lets:
                pass
            case _:
                raise UnclearError("boxes are in no chunks")
        chunk = next((name for name, length in loops.items() if length == chunks), "")
        ends = [Binary("//", mul(number, count), chunks) for number in (Var(chunk), add(Var(chunk), const(1)))]
        if not chunk or boxes.step != 1 or not alike(lets[begin], ends[0]) or not alike(boxes.upper, ends[1]):
            raise UnclearError("chunks are not all boxes, each once")
        match self.value(chunks):
            case Binary("min", Var(asked), fewest) if asked in self.kernel.parameters and fewest == count:
                return chunk, chunks, count
        raise UnclearError("nothing says that no chunk is empty")

    def _sums(self, tiles: _Tiles, chunks: Expr) -> tuple[Sums, Table]:
        """What tables say of columns, and the buffer of sums of all."""
        tile, (nest, *_) = tiles.tile, self.kernel.nests
        *body, spare = nest.body
        table = tables_of(replace(self.kernel, nests=(replace(nest, body=tuple(body)),)))[tiles.table]
        found = Sums(tile.sums, tile.rows, chunks, tiles.all_rows, tiles.all_columns, table.loops)
        entries = mul(tiles.column_tiles, const(tile.columns))
        match spare:
            case For(at, low, high, (Store(name, (Var(same),), Const(zero, False)),), 1) if (
                at == same and name == tiles.table and not zero
            ):
                pass
            case _:
                raise UnclearError("spare entries of tables are no first elements")
        if self.kernel.buffer(table.address.buffer).axes != self.kernel.buffer(tile.moved.buffer).axes:
            raise UnclearError(f"{tiles.table} is not for {tile.moved.buffer}")
        if not alike(low, found.columns) or not alike(high, entries) or table.prefix or table.around:
            raise UnclearError("spare entries of tables are not those behind all columns")
        if not alike(self.value(found.columns), found.counted()):
            raise UnclearError("there are more or fewer columns than taps")
        axes = self.kernel.buffer(tile.sums).axes
        wanted = (tiles.row_tiles,), (tiles.column_tiles, const(tile.columns), const(tile.rows))
        if axes[1:] != ((chunks,), (const(1),), *wanted):
            raise UnclearError(f"{tile.sums} has no place for each sum")
        return found, table


def _numbered(counter: str, count: Expr, work: tuple[Stmt, ...]) -> tuple[Sequence[tuple[str, Expr]], tuple[Stmt, ...]]:
    """The strips whose numbers are the digits of a counter, and what is done with them: of one axis, the counter is the
    number of the strip."""
    whole = radix(Nest(counter, count, work), count)
    again = [one for one in whole.body if isinstance(one, Let) and one.value == Var(counter)]
    if whole.loops != ((counter, count),) or len(again) != 1:
        return whole.loops, whole.body
    return ((again[0].name, count),), tuple(one for one in whole.body if one is not again[0])


def _strips(loops: Sequence[tuple[str, Expr]], body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """Loops over strips, each with the names that depend on its number."""
    own = {name: tuple(one for one in body if isinstance(one, Let) and uses(one, {name})) for name, _ in loops}
    body = tuple(one for one in body if not any(one in lets for lets in own.values()))
    for name, length in reversed(loops):
        body = (For(name, const(0), length, (*own[name], *body)),)
    return body


def _decoded(loops: Sequence[tuple[str, Expr]], counter: str) -> Iterator[Stmt]:
    """Names for the digits of a counter, the last one fastest."""
    rest: Expr = Var(counter)
    for k, (name, _) in enumerate(loops[:-1]):
        below = total(tuple(n for _, n in loops[k + 1 :]))
        yield Let(name, Binary("//", rest, below))
        yield Let(f"{name}_rest_", sub(rest, mul(Var(name), below)))
        rest = Var(f"{name}_rest_")
    yield Let(loops[-1][0], rest)


@dataclass(frozen=True, slots=True)
class _Tiles:
    """The tiles of a box: ``row`` and ``column`` are their numbers, ``row_tiles`` and ``column_tiles`` how many there
    are in all, of ``all_rows`` and ``all_columns``; ``rows`` of them are a box's."""

    tile: Tile
    row: str
    column: str
    rows: Expr
    row_tiles: Expr
    column_tiles: Expr
    all_rows: Expr
    all_columns: Expr
    table: str

    @staticmethod
    def of(dot: _Dot, blocks: Stmt, boxes: For) -> _Tiles:
        """Raises UnclearError where tiles are not all columns, block by block, for each of a number of rows."""
        match blocks:
            case For(
                block, low, many, (For(row, first, rows, (For(at, start, upto, (Let(column, value), *body)),)),)
            ) if low == first == start == const(0):
                pass
            case _:
                raise UnclearError("a box is not summed up tile by tile")
        sums = next(n.buffer for n in walk(blocks) if isinstance(n, Store))
        match dot.kernel.buffer(sums).axes:
            case (_, _, _, (row_tiles,), (column_tiles, Const(columns, False), Const(height, False))):
                pass
            case _:
                raise UnclearError(f"{sums} has no place for each sum")
        match many:
            case Binary("//", _, Var() as step) if alike(
                many, Binary("//", sub(add(column_tiles, step), const(1)), step)
            ):
                pass
            case _:
                raise UnclearError("blocks of tiles are not all tiles")
        begin = mul(step, Var(block))
        whole = alike(value, add(begin, Var(at))) and alike(upto, Binary("min", step, sub(column_tiles, begin)))
        match dot.value(step):
            case Binary("max", Const(least, False), _) if whole and least >= 1:
                pass
            case _:
                raise UnclearError("blocks of tiles are not all tiles")
        tile = tile_of(body, boxes.var, boxes.lower, int(height), int(columns))
        offset = tile.moved.offset
        assert isinstance(offset, Load)
        if (
            not alike(tile.still.index[0], mul(Var(row), const(tile.rows)))
            or not alike(offset.index[0], mul(Var(column), const(tile.columns)))
            or any(polynomial(part) for part in tile.moved.index[:-1])
            or any(loop.step != 1 for loop in walk(blocks) if isinstance(loop, For))
        ):
            raise UnclearError("a tile is not one of its rows and columns")
        all_rows = _in_tiles(dot.value(row_tiles), tile.rows)
        all_columns = _in_tiles(dot.value(column_tiles), tile.columns)
        return _Tiles(tile, row, column, rows, row_tiles, column_tiles, all_rows, all_columns, offset.buffer)


def _in_tiles(value: Expr, by: int) -> Expr:
    """What is counted by ``ceil(n / by)``."""
    match value:
        case _ if by == 1:
            return value
        case FloorDiv(above, divisor) if divisor == by:
            return expression(polynomial(sub(above, const(by - 1))))
    raise UnclearError("nothing says how many tiles there are")
