"""The parts of a box of Winograd's dot form: how boxes are dealt, what is transformed, and the tiles that sum it up."""

from __future__ import annotations

from dataclasses import dataclass, replace

from symconv.loops.arith import add, ceildiv, const, mul, sub
from symconv.loops.ir import (
    Address,
    Binary,
    Const,
    Expr,
    For,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Nest,
    Stmt,
    Store,
    Var,
)
from symconv.loops.traverse import walk
from symconv.relation.points import UnclearError
from symconv.validate.dot_tile import Tile, tile_of
from symconv.validate.polynomial import alike, uses
from symconv.validate.wino_boxes import Boxes
from symconv.validate.wino_factors import ROW
from symconv.validate.wino_planes import Planes
from symconv.validate.wino_reading import each, factors_of, never_negative, number_of, numbered
from symconv.validate.wino_taps import Tiled

__all__ = ["Dealt", "Parts"]


@dataclass(frozen=True, slots=True)
class Dealt:
    """The nest of boxes: names of groups, the chunk, its first box, the first block of rows, and how many there are."""

    groups: tuple[str, ...]
    lengths: tuple[Expr, ...]
    chunk: str
    begin: str
    first: str
    count: str
    box: For

    @staticmethod
    def of(kernel: Kernel, nest: Nest) -> Dealt:
        """Raises UnclearError unless every group, chunk and block of rows gets its boxes."""
        layout = {size.name: size.value for size in kernel.layout}
        sizes = factors_of(nest.extent)
        if sizes[-2:] != (Var("SC_"), Var("RN_")):
            raise UnclearError("boxes are dealt in another way than by groups, chunks and rows")
        (*groups, chunk, block), body = numbered(nest.body, Var(nest.var), sizes)
        match body:
            case (Let(first, start), Let(count, rows), Let(begin, at), For(_, Var(low), end, _, 1) as boxes) if (
                low == begin
            ):
                pass
            case _:
                raise UnclearError("boxes are dealt in another way than by groups, chunks and rows")
        if not _whole(layout.get("RT_")) or not (
            alike(start, mul(Var(block), Var("RT_")))
            and alike(rows, Binary("min", Var("RT_"), sub(Var("MT_"), Var(first))))
            and alike(layout.get("RN_", const(0)), _several(Var("MT_"), Var("RT_")))
        ):
            raise UnclearError("blocks of rows are not all rows")
        ends = [_part(number) for number in (Var(chunk), add(Var(chunk), const(1)))]
        match layout.get("SC_"):
            case Binary("max", Const(least, False), Binary("min", Var(asked), Var("BX_"))) if (
                least == 1 and asked in kernel.parameters and alike(at, ends[0]) and alike(end, ends[1])
            ):
                return Dealt(tuple(groups), sizes[:-2], chunk, begin, first, count, boxes)
        raise UnclearError("chunks are not all boxes, each once")


def _part(chunk: Expr) -> Expr:
    return Binary("//", mul(chunk, Var("BX_")), Var("SC_"))


def _several(count: Expr, by: Expr) -> Expr:
    return Binary("//", sub(add(count, by), const(1)), by)


def _whole(value: Expr | None) -> bool:
    """Whether a number is 1 or more."""
    match value:
        case Binary("max", Const(least, False), _):
            return least >= 1
    return False


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a box; ``counts`` are the numbers whose product counts columns."""

    kernel: Kernel
    boxes: Boxes
    main: Dealt
    counts: tuple[Expr, ...]

    def tiles(self, point: For) -> tuple[Tile, str, Tiled]:
        """The register tile, its table, and the sums of all; raises UnclearError unless all tiles have theirs."""
        match point.body:
            case (For(block, _, _, (For(row, _, _, (For() as tiles,)) as rows,)) as blocks,):
                pass
            case _:
                raise UnclearError("a box is not summed up tile by tile")
        match tiles.body:
            case (Let(column, value), *body):
                pass
            case _:
                raise UnclearError("a box is not summed up tile by tile")
        layout = {size.name: size.value for size in self.kernel.layout}
        begin = mul(Var("NC_"), Var(block))
        each(blocks, _several(Var("NT_"), Var("NC_")), "blocks of tiles")
        each(rows, Var(self.main.count), "blocks of rows")
        each(tiles, Binary("min", Var("NC_"), sub(Var("NT_"), begin)), "tiles of a block")
        if not _whole(layout.get("NC_")) or not alike(value, add(begin, Var(tiles.var))):
            raise UnclearError("blocks of tiles are not all tiles")
        sums = self._sums(next((n.buffer for n in walk(tiles) if isinstance(n, Store)), ""))
        each(point, const(sums.points), "points")
        tile = tile_of(body, self.main.box.var, Var(self.main.begin), sums.rows, sums.columns, by_columns=False)
        offset = tile.moved.offset
        assert isinstance(offset, Load)
        group = number_of(tuple(map(Var, self.main.groups)), self.main.lengths)
        block_of_rows = add(Var(self.main.first), Var(row))
        place = (group, Var(self.main.chunk), Var(point.var), block_of_rows, Var(column), const(0), const(0))
        at_point, lane = mul(Var(point.var), mul(Var("RT_"), const(sums.rows))), tile.still.index[-1]
        still = add(at_point, mul(Var(row), const(sums.rows))), const(0), lane
        moved = mul(Var(point.var), Var("PP_")), const(0), lane
        wanted = ((tile.place, place), (tile.still.index, still), (tile.moved.index, moved))
        same = all(len(one) == len(other) and all(map(alike, one, other)) for one, other in wanted)
        entry = (mul(Var(column), const(sums.columns)),)
        if tile.sums != sums.name or not same or not all(map(alike, offset.index, entry)) or len(offset.index) != 1:
            raise UnclearError("a tile is not that of its point, rows and columns")
        if not alike(tile.blocks, Var(self.boxes.blocks)):
            raise UnclearError("a tile does not sum up all positions of a box")
        return tile, offset.buffer, sums

    def _sums(self, name: str) -> Tiled:
        layout = {size.name: size.value for size in self.kernel.layout}
        axes = next((b.axes for b in self.kernel.buffers if b.name == name and b.role == "workspace"), ())
        match axes:
            case ((many,), (chunks,), (Const(points),), (blocks,), (tiles,), (Const(rows), Const(columns))) if (
                chunks,
                blocks,
                tiles,
            ) == (Var("SC_"), Var("MT_"), Var("NT_")) and many in (layout.get("G_"), Var("G_")):
                pass
            case _:
                raise UnclearError("a tile has no place for each of its sums")
        for whole, parts, by in (("MT_", "M_", rows), ("NT_", "N_", columns)):
            if not alike(layout.get(whole, const(0)), ceildiv(Var(parts), int(by))):
                raise UnclearError("nothing says how many tiles there are")
        return Tiled(self.kernel, name, many, int(points), int(rows), int(columns))

    def rows(self, loop: For, tile: Tile) -> Planes:
        """The operand that stands still, row by row of tiles."""
        first = mul(Var(self.main.first), const(tile.rows))
        held = Binary("min", mul(Var(self.main.count), const(tile.rows)), sub(Var("M_"), first))
        each(loop, held, "rows of tiles")
        still = {n.buffer for n in walk(loop) if isinstance(n, LoadLanes)} & {
            b.name for b in self.kernel.buffers if b.role == "in"
        }
        if len(still) != 1:
            raise UnclearError("rows are of several operands")
        apart = mul(Var("RT_"), const(tile.rows))
        planes = Planes.of(self.kernel, self.boxes, loop.body, loop.var, apart, still.pop())
        row = add(first, Var(loop.var))
        index = tuple(Var(ROW) if alike(at, row) else at for at in planes.windows.index)
        own = {loop.var, self.main.first, self.main.count}
        if any(uses(one, own) for one in (*index, *planes.windows.tests)):
            raise UnclearError("what is transformed depends on how rows are cut")
        return replace(planes, windows=replace(planes.windows, index=index))

    def columns(self, loop: For) -> tuple[tuple[str, ...], Planes]:
        """The names of loops over columns, and the operand that moves."""
        layout = {size.name: size.value for size in self.kernel.layout}
        names, body = self._columns(loop)
        match body:
            case (Let(plane, value), *made) if alike(value, number_of(tuple(map(Var, names)), self.counts)):
                pass
            case _:
                raise UnclearError("planes of windows are not told by their numbers")
        planes, columns, room = (layout.get(name, const(0)) for name in ("P_", "N_", "PP_"))
        if not alike(planes, columns) or not never_negative(sub(room, Var("P_"))):
            raise UnclearError("nothing says that a point has room for all planes")
        return names, Planes.of(self.kernel, self.boxes, made, plane, Var("PP_"))

    def _columns(self, loop: Stmt) -> tuple[tuple[str, ...], tuple[Stmt, ...]]:
        """Loops over all columns: their names, and what is in them."""
        names: list[str] = []
        body: tuple[Stmt, ...] = (loop,)
        for count in self.counts:
            match body:
                case (For(name, Const(low, False), upper, inner, 1),) if not low and (
                    alike(upper, count) or alike(Binary("max", const(0), upper), count)
                ):
                    names.append(name)
                    body = inner
                case _:
                    raise UnclearError("columns are not all taken, each once")
        return tuple(names), body

    def table(self, nest: Nest, name: str, buffer: str, across: int) -> None:
        """Raises UnclearError unless a table says that a column's plane is at the start of the rows of its number.

        Columns that only fill the last tile of ``across`` have a place as well.
        """
        entries = mul(Var("NT_"), const(across))
        own = self.kernel.buffer(name)
        roomy = own.role == "workspace" and own.scalar.kind == "offset" and own.axes == ((entries,),)
        match nest.body:
            case (For() as loop, For(at, Var("N_"), end, (Store(spare, (Var(same),), Const(nothing, False)),), 1)) if (
                roomy
                and at == same
                and spare == name
                and not nothing
                and nest.extent == const(1)
                and alike(end, entries)
            ):
                names, body = self._columns(loop)
            case _:
                raise UnclearError(f"{name} does not say where columns lie")
        number = number_of(tuple(map(Var, names)), self.counts)
        match body:
            case (Store(stored, (entry,), Address(there, (plane, row, column))),) if (
                stored == name and self.kernel.buffer(there).axes == self.kernel.buffer(buffer).axes
            ):
                if alike(entry, number) and alike(plane, number) and alike(row, const(0)) and alike(column, const(0)):
                    return
        raise UnclearError(f"{name} does not say where columns lie")
