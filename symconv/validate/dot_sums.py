"""The nest that adds up the chunks of a dot form, row by row of its target: each column's sum at its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

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
    Scalar,
    Splat,
    Stmt,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, substitute, walk
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import WIDTH, alike, uses
from symconv.validate.tables import counts

__all__ = ["At", "Sums", "every"]

_ZERO = Const(Fraction(0), True)


@dataclass(frozen=True, slots=True)
class Sums:
    """A buffer of sums by groups, rows, and columns; a column's number is the rank of the loops ``taps``.

    In the kernel it has chunks too, and tiles of ``tile`` rows, column by column.
    """

    buffer: str
    tile: int
    chunks: Expr
    rows: Expr
    columns: Expr
    taps: tuple[For, ...]

    def cell(self, group: Expr, row: Expr) -> tuple[Expr, ...]:
        """The sum of a row and of the column of the taps around."""
        return (group, row, *(sub(Var(tap.var), tap.lower) for tap in self.taps))

    def around(self, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        """A block for every column."""
        for tap in reversed(self.taps):
            body = (replace(tap, body=body),)
        return body

    def added(self, kernel: Kernel, nest: Nest) -> Nest:
        """The nest with one chunk, and with a loop over columns in place of blocks of lanes; raises UnclearError."""
        if not any(isinstance(node, LoadLanes) for node in walk(nest)):
            return replace(nest, body=tuple(self._by_cells(nest.body, ())))
        *before, rows = nest.body
        match rows:
            case For(row, low, _, (*lets, _, _, _) as body) if low == const(0) and rows.step == 1:
                block = every(body[len(lets) :], self.columns)
            case _:
                raise UnclearError("chunks are added up in another way than row by row")
        if not all(isinstance(one, Let) for one in (*before, *lets)):
            raise UnclearError("chunks are added up in another way than row by row")
        match block:
            case At(
                at,
                (
                    Declare(name, start),
                    For(chunk, first, chunks, (Update(same, "+", LoadLanes(buffer, place, 1, "", None, -2), ""),), 1),
                    StoreLanes(target, index, 1, "", "=", Var(stored)),
                ),
            ) if (
                name == same == stored
                and start == Splat(_ZERO)
                and first == const(0)
                and chunks == self.chunks
                and buffer == self.buffer
            ):
                group, number, point, block_, tile, column, within = place
            case _:
                raise UnclearError("a row of the target is no sum over all chunks, column by column")
        if (number, point, tile, column, within) != (Var(chunk), const(0), const(0), Var(at), Var(row)):
            raise UnclearError(f"{self.buffer} is read at another place than it is stored to")
        value = Load(self.buffer, self.cell(group, add(mul(block_, const(self.tile)), Var(row))))
        inner = self.around(
            (Declare(name, value, Scalar()), Store(target, self._flat(kernel, target, index, at), Var(name)))
        )
        if any(uses(part, {at, chunk}) for part in (*inner, *lets)):
            raise UnclearError("a column is used for something else than its place")
        return replace(nest, body=(*before, replace(rows, body=(*lets, *inner))))

    def _by_cells(self, body: Sequence[Stmt], around: tuple[For, ...]) -> Iterator[Stmt]:
        """A block inside of loops, with the sum of a cell in place of that over its chunks."""
        match body:
            case [*lets, For() as loop] if all(isinstance(one, Let) for one in lets):
                yield from lets
                yield replace(loop, body=tuple(self._by_cells(loop.body, (*around, replace(loop, body=())))))
            case [
                Declare(name, Const(zero, True), scalar),
                For(chunk, low, chunks, (Update(same, "+", Load(buffer, place, None), ""),), 1),
                Store() as store,
            ] if name == same and not zero and (low, chunks, buffer) == (const(0), self.chunks, self.buffer):
                yield Declare(name, Load(buffer, self._one(chunk, place, around)), scalar)
                yield store
            case _:
                raise UnclearError("chunks are added up in another way than cell by cell")

    def _one(self, chunk: str, place: tuple[Expr, ...], around: tuple[For, ...]) -> tuple[Expr, ...]:
        """The sum that is at a place in all chunks: columns are those of the loops around."""
        group, number, point, block, tile, column, within = place
        rank: Expr = const(0)
        for tap, count in zip(self.taps, counts(self.taps), strict=True):
            rank = add(mul(rank, count), sub(Var(tap.var), tap.lower))
        taps = [replace(tap, body=()) for tap in self.taps]
        match block:
            case Binary("//", row, Const(by, False)) if by == self.tile:
                pass
            case row if self.tile == 1:
                pass
            case _:
                raise UnclearError(f"{self.buffer} is read at another place than it is stored to")
        if (
            (number, point, tile) != (Var(chunk), const(0), const(0))
            or not alike(column, rank)
            or not alike(within, sub(row, mul(const(self.tile), block)))
            or any(tap not in around for tap in taps)
            or uses(row, {chunk, *(tap.var for tap in taps)})
        ):
            raise UnclearError(f"{self.buffer} is read at another place than it is stored to")
        return self.cell(group, row)

    def _flat(self, kernel: Kernel, target: str, index: tuple[Expr, ...], at: str) -> tuple[Expr, ...]:
        """The place of a column among the last axes of the target, which lie in memory as columns are numbered."""
        sizes, many = kernel.buffer(target).sizes, len(self.taps)
        whole = zip(sizes[len(sizes) - many :], self.taps, strict=True)
        flat = (*(const(0),) * (many - 1), Var(at))
        if index[len(index) - many :] != flat or not all(alike(s, t.upper) and t.lower == const(0) for s, t in whole):
            raise UnclearError(f"columns lie in {target} in another order than they are numbered in")
        return (*index[: len(index) - many], *(Var(tap.var) for tap in self.taps))

    def counted(self) -> Expr:
        """How many columns there are."""
        found: Expr = const(1)
        for count in counts(self.taps):
            found = mul(found, count)
        return found


@dataclass(frozen=True, slots=True)
class At:
    """What is done at every position of a range, in lanes."""

    at: str
    block: tuple[Stmt, ...]


def every(three: Sequence[Stmt], count: Expr) -> At:
    """What blocks of lanes do at all of ``count`` positions, the last of which overlaps; few are under a mask."""
    match three:
        case (
            For(chunk, low, Binary("//", most, by), (Let(at, first), *block), 1),
            If(Compare(">=", length, enough), (Let(again, last), *same)),
            If(
                Compare("<", short, few),
                (If(Compare(">", some, none), (Declare(mask, Lanes(zero, many)), *masked)),),
            ),
        ) if at == again and by == enough == few == WIDTH and low == none == zero == const(0):
            pass
        case _:
            raise UnclearError("a row of the target is in no blocks of lanes")
    bare = [rewrite(one, lambda n: replace(n, mask="") if getattr(n, "mask", "") == mask else n) for one in masked]
    masks = [n for one in masked for n in _lanes(one) if n.mask != mask]
    wanted = [substitute(one, {at: const(0)}) for one in block]
    lengths = all(alike(one, count) for one in (length, short, some, many))
    counted = any(alike(most, one) for one in (count, Binary("max", count, const(0))))
    starts = alike(first, mul(WIDTH, Var(chunk))) and alike(last, sub(count, WIDTH))
    alone = not any(uses(one, {chunk}) for one in block)
    if masks or not (lengths and counted and starts and alone) or block != same or len(bare) != len(wanted):
        raise UnclearError("blocks of lanes are not all columns of a row")
    if not all(map(alike, bare, wanted)):
        raise UnclearError("few lanes do something else than all lanes")
    return At(at, tuple(block))


def _lanes(statement: Stmt) -> list[LoadLanes | StoreLanes]:
    return [n for n in walk(statement) if isinstance(n, LoadLanes | StoreLanes)]
