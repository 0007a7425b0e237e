"""Sums of every point transformed to taps: chunks added up, tiles transformed back, and taps stored at their cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    Binary,
    Compare,
    Const,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Nest,
    Stmt,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import substitute
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import WIDTH, alike, uses
from symconv.validate.wino_factors import ROW
from symconv.validate.wino_linear import Form, linear, named
from symconv.validate.wino_outputs import Output
from symconv.validate.wino_reading import blocks_of, each, numbered, stores_of

__all__ = ["Taps", "Tiled", "added", "cleared", "taps"]


@dataclass(frozen=True, slots=True)
class Tiled:
    """A buffer of sums: groups, chunks and points, then tiles of so many rows and columns, row by row."""

    kernel: Kernel
    name: str
    groups: Expr
    points: int
    rows: int
    columns: int

    @property
    def entries(self) -> int:
        """How many sums a tile has."""
        return self.rows * self.columns


@dataclass(frozen=True, slots=True)
class Taps:
    """What is stored in ``target``: taps of every row and column, by names of groups and columns."""

    target: str
    groups: tuple[str, ...]
    columns: tuple[str, ...]
    outputs: tuple[Output, ...]


def cleared(sums: Tiled, nest: Nest) -> None:
    """Raises UnclearError unless all sums of the first chunk are 0 where there is no box."""
    counts = (const(sums.points), Var("MT_"), Var("NT_"), const(sums.rows), const(sums.columns))
    match nest.body:
        case (If(Compare("==", Var("BX_"), Const(none, False)), body),) if not none and alike(nest.extent, sums.groups):
            names = []
            for count in counts:
                loop = each(body[0] if len(body) == 1 else None, count, "sums that start from 0")
                names.append(Var(loop.var))
                body = loop.body
            place = Var(nest.var), const(0), *names
            match body:
                case (Store(name, index, Const(zero)),) if name == sums.name and index == place and not zero:
                    return
    raise UnclearError("sums of no boxes are not all 0")


def added(sums: Tiled, nest: Nest) -> None:
    """Raises UnclearError unless every sum of the first chunk becomes that of all chunks."""
    counts = sums.groups, const(sums.points), Var("MT_")
    _counted(nest, counts)
    names, body = numbered(nest.body, Var(nest.var), counts)
    match body:
        case (If(Compare(">", Var("SC_"), Const(one, False)), (For() as columns,)),) if one == 1:
            each(columns, Var("NT_"), "tiles whose chunks are added up")
        case _:
            raise UnclearError("chunks of sums are not added up tile by tile")
    place = (*map(Var, names), Var(columns.var))
    match columns.body:
        case (
            For(
                at,
                _,
                _,
                (
                    Declare(mask, Lanes() as lanes),
                    Declare(total, first),
                    For(chunk, Const(start, False), Var("SC_"), (Update(same, "+", more, ""),), 1),
                    StoreLanes(name, index, 1, over, "=", Var(stored)),
                ),
            ) as blocks,
        ) if total == same == stored and start == 1 and name == sums.name and over == mask:
            each(blocks, blocks_of(const(sums.entries)), "blocks of a tile")
            own = _masked(sums, at, lanes)
            if (
                alike(first, _chunk(sums, place, const(0), own, mask))
                and alike(more, _chunk(sums, place, Var(chunk), own, mask))
                and alike(Load(name, index), Load(name, _place(place, const(0), own)))
            ):
                return
    raise UnclearError("chunks of sums are not added up tile by tile")


def _counted(nest: Nest, counts: Sequence[Expr]) -> None:
    every: Expr = const(1)
    for count in counts:
        every = mul(every, count)
    if not alike(nest.extent, every):
        raise UnclearError("a nest has other turns than groups, points and tiles")


def _masked(sums: Tiled, at: str, lanes: Lanes) -> Expr:
    """Where a block of lanes starts in a tile, whose mask ends with the tile."""
    column = mul(Var(at), WIDTH)
    if not alike(lanes, Lanes(const(0), sub(const(sums.entries), column))):
        raise UnclearError("masks of a tile of sums do not end with it")
    return column


def _place(at: Sequence[Expr], chunk: Expr, column: Expr) -> tuple[Expr, ...]:
    group, point, block, tile = at
    return group, chunk, point, block, tile, const(0), column


def _chunk(sums: Tiled, at: Sequence[Expr], chunk: Expr, column: Expr, mask: str) -> LoadLanes:
    return LoadLanes(sums.name, _place(at, chunk, column), 1, mask)


def taps(sums: Tiled, nest: Nest, lengths: Sequence[Expr], columns: Sequence[Expr]) -> Taps:
    """Read the nest that transforms tiles and stores taps of every row and column there is.

    ``lengths`` count groups, ``columns`` are the numbers whose product counts columns.
    """
    counts = sums.groups, Var("MT_"), Var("NT_")
    _counted(nest, counts)
    (group, block, tile), body = numbered(nest.body, Var(nest.var), counts)
    match body:
        case (For() as blocks, *rest):
            buffer, forms = _transformed(sums, blocks, tuple(map(Var, (group, block, tile))))
        case _:
            raise UnclearError("sums of points are not transformed tile by tile")
    groups: tuple[str, ...] = ()
    left = tuple(rest)
    if lengths:
        groups, left = numbered(left, Var(group), lengths)
    match left:
        case (For(at, _, _, (If(Compare("<", place, Var("N_")), (Let(position, same), *inner)),)) as every,) if alike(
            place, same
        ) and alike(place, add(mul(Var(tile), const(sums.columns)), Var(at))):
            each(every, const(sums.columns), "columns of a tile")
        case _:
            raise UnclearError("taps of a tile are not stored column by column")
    digits, line = numbered(inner, Var(position), columns)
    it = _Stored(sums, buffer, forms, block, at)
    target, found = it.rows(line)
    outer = {at, position, group, block, tile}
    if any(uses(one, outer) for output in found for one in (*output.index, *output.tests)):
        raise UnclearError("where a tap is stored depends on how tiles are cut")
    return Taps(target, groups, digits, found)


def _transformed(sums: Tiled, blocks: For, place: tuple[Expr, ...]) -> tuple[str, tuple[Form, ...]]:
    """The buffer of taps of a tile, and each of them as a sum of points."""
    each(blocks, blocks_of(const(sums.entries)), "blocks of a tile")
    group, block, tile = place
    match blocks.body:
        case (Declare(mask, Lanes() as lanes), *rest):
            column = _masked(sums, blocks.var, lanes)
        case _:
            raise UnclearError("sums of a tile are read without a mask")

    def element(value: Expr) -> int | None:
        match value:
            case LoadLanes(name, (_, _, Const(point, False), *_)) if name == sums.name and 0 <= point < sums.points:
                at = group, const(int(point)), block, tile
                return int(point) if alike(value, _chunk(sums, at, const(0), column, mask)) else None
        return None

    forms = linear((one for one in rest if not isinstance(one, StoreLanes)), element)
    found: dict[int, Form] = {}
    buffers = set()
    for store in rest:
        match store:
            case StoreLanes(buffer, (Const(number, False), at), 1, "", "=", Var(value)) if (
                alike(at, column) and number not in found
            ):
                buffers.add(buffer)
                found[int(number)] = named(forms, value)
            case StoreLanes():
                raise UnclearError("taps of a tile are stored at other places")
    if len(buffers) != 1 or set(found) != set(range(len(found))):
        raise UnclearError("taps of a tile are stored at other places")
    (name,) = buffers
    own = sums.kernel.buffer(name)
    room = add(const(sums.entries), WIDTH)
    if own.role != "private" or len(own.sizes) != 2 or not alike(own.sizes[1], room):
        raise UnclearError(f"{name} has no room for the lanes of a tile")
    if own.sizes[0] != const(len(found)):
        raise UnclearError(f"{name} has no row for each tap")
    return name, tuple(found[k] for k in range(len(found)))


@dataclass(frozen=True, slots=True)
class _Stored:
    """The stores of a column, at the place ``at`` of its tile, in the block of rows ``block``."""

    sums: Tiled
    buffer: str
    forms: tuple[Form, ...]
    block: str
    at: str

    def rows(self, body: Sequence[Stmt]) -> tuple[str, tuple[Output, ...]]:
        """What is stored where for every row."""
        first = mul(Var(self.block), const(self.sums.rows))
        held = Binary("min", const(self.sums.rows), sub(Var("M_"), first))
        loop = each(body[0] if len(body) == 1 else None, held, "rows of a tile")
        row = add(first, Var(loop.var))
        names: dict[str, Expr] = {}
        for one in loop.body:
            if isinstance(one, Let) and alike(one.value, row):
                names[one.name] = Var(ROW)
        stores = stores_of(Store, loop.body[len(names) :], "taps of a tile do")
        found: dict[int, Output] = {}
        targets = set()
        for store, tests in stores:
            match store:
                case Store(target, index, Load(buffer, (Const(number, False), place), None)) if (
                    buffer == self.buffer
                    and number not in found
                    and 0 <= number < len(self.forms)
                    and alike(place, add(mul(Var(loop.var), const(self.sums.columns)), Var(self.at)))
                ):
                    targets.add(target)
                    at = tuple(substitute(one, names) for one in index)
                    given = tuple(substitute(one, names) for one in tests)
                    found[int(number)] = Output(at, given, self.forms[int(number)])
                case _:
                    raise UnclearError("a tap is not stored as it was transformed")
        if len(targets) != 1 or set(found) != set(range(len(self.forms))):
            raise UnclearError("some taps are not stored")
        if any(uses(one, {loop.var}) for output in found.values() for one in (*output.index, *output.tests)):
            raise UnclearError("where a tap is stored depends on how tiles are cut")
        return targets.pop(), tuple(found[k] for k in range(len(found)))
