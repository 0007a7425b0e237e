"""A box of the dot form: operands packed in flat rows, and a sum over cells for each row and column.

A tile adds up over positions ``0 .. p + W - 1`` at most, where p is the last cell's and W the number of lanes. Those of
no cell are of two kinds. In the rows that a box has, the operand that stands still is followed, and has to be 0 there.
Behind these rows it is stored as zeros, row by row: loops that do nothing else, and reach far enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    Accumulate,
    Binary,
    Buffer,
    Compare,
    Const,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Load,
    Scalar,
    Select,
    Stmt,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, walk
from symconv.relation.points import UnclearError
from symconv.validate.dot_still import Lying
from symconv.validate.dot_sums import Sums
from symconv.validate.dot_tile import Tile
from symconv.validate.dot_zeros import Zeros, mark, room
from symconv.validate.nearby import NOTE
from symconv.validate.places import at_least, row_radices
from symconv.validate.polynomial import WIDTH, digits
from symconv.validate.tables import Table, counts

__all__ = ["Box"]

_ZERO = Const(Fraction(0), True)
_ROW, _SUM, _PACKED = "row_", "sum_", "packed_"


@dataclass(frozen=True, slots=True)
class Box:
    """A box whose tiles are ``tile``, ``rows`` tiles of rows from ``first`` on, of ``all_rows`` rows in all.

    ``table`` is of the columns, ``group`` the number of the group at hand.
    """

    kernel: Kernel
    tile: Tile
    sums: Sums
    table: Table
    group: Expr
    first: Expr
    rows: Expr
    all_rows: Expr
    lying: Lying | None

    @property
    def still(self) -> Buffer:
        return self.kernel.buffer(self.tile.still.buffer)

    @property
    def moved(self) -> Buffer:
        return self.kernel.buffer(self.tile.moved.buffer)

    @property
    def pitch(self) -> Expr:
        return self.moved.sizes[-1]

    def value(self, expr: Expr) -> Expr:
        layout = {size.name: size.value for size in self.kernel.layout}
        return layout.get(expr.name, expr) if isinstance(expr, Var) else expr

    def of_rows(self, body: tuple[Stmt, ...]) -> For:
        """A loop over the rows of the box."""
        height = const(self.tile.rows)
        begin = mul(self.first, height)
        count = Binary("min", mul(self.rows, height), sub(self.all_rows, begin))
        return For(_ROW, const(0), count, body)

    def cell(self) -> tuple[Expr, ...]:
        """The sum of the row and the column at hand."""
        return self.sums.cell(self.group, add(mul(self.first, const(self.tile.rows)), Var(_ROW)))

    def cleared(self) -> Stmt:
        """Sums of all rows of the box start from nothing."""
        return self.of_rows(self.sums.around((Store(self.sums.buffer, self.cell(), _ZERO),)))

    def plain(self, body: Sequence[Stmt]) -> tuple[Stmt, ...]:
        """The packing of a box, and its sums over cells; ``body`` is all but the tiles."""
        still, moved = Zeros(self.still.name, self.pitch), Zeros(self.moved.name, self.pitch)
        radices, found = self._radices(), list[Stmt]()
        end: tuple[Expr, ...] = ()
        notes: list[Stmt] = []
        for one in body:
            match one:
                case Declare(name) if name.startswith(NOTE):
                    notes.append(one)
                case Let(name, value) if self.tile.blocks == Var(name):
                    end = self._end(value, (*radices, self.pitch))
                case Let():
                    found.append(one)
                case _:
                    inner = rewrite(one, self._in_rows)
                    found += (part for whole in still.marked(inner, None) for part in moved.marked(whole, self._kept()))
        packed = {n.buffer for one in found for n in walk(one) if isinstance(n, Store | StoreLanes)}
        if not end or not self._zeros_behind(found, still, moved) or self.sums.buffer in packed:
            raise UnclearError("a box is not packed and summed up over all its cells")
        return (*found, *self._summed(end, radices, still.loop, moved.loop, notes))

    def _radices(self) -> tuple[Expr, ...]:
        return row_radices(self.kernel, self.moved.sizes[-2])

    def _reached(self) -> Expr:
        """The rows of a plane that taps of cells reach, which may be more than those that are packed."""
        match self.value(self.moved.sizes[-2]):
            case Binary("+", Binary("+", rows, Binary("//", lanes, by)), Const(one, False)) if (
                lanes == WIDTH and by == self.pitch and one == 1
            ):
                match rows:
                    case Binary("max", reached, _):
                        return reached
                    case Const():  # one row, which no taps of other rows reach
                        return rows
        raise UnclearError(f"nothing says how many rows a plane of {self.moved.name} has")

    def _kept(self) -> Expr:
        """The name of the number of rows that taps of cells reach."""
        reached = self._reached()
        names = [size.name for size in self.kernel.layout if size.value == reached]
        if not names:
            raise UnclearError(f"nothing says which rows of {self.moved.name} taps reach")
        return Var(names[0])

    def _in_rows(self, node: Any) -> Any:
        """A store to a position in a row of the tile at its row and its place there."""
        if isinstance(node, Store | StoreLanes) and node.buffer == self.still.name:
            plane, at = node.index
            return replace(node, index=(plane, *digits(at, (self.pitch,))))
        return node

    def _end(self, blocks: Expr, radices: Sequence[Expr]) -> tuple[Expr, ...]:
        """The last cell, where there are as many blocks of lanes as cover it."""
        match blocks:
            case Binary("//", above, by) if by == WIDTH:
                return digits(sub(above, WIDTH), radices)
        raise UnclearError("nothing says how many blocks of lanes there are")

    def _zeros_behind(self, body: Sequence[Stmt], still: Zeros, moved: Zeros) -> bool:
        """Whether zeros are stored behind the rows of both operands, last of all to those that stand still."""
        if still.loop is None or moved.loop is None:
            return False
        stored = [one for one in body if any(isinstance(n, Store) and n.buffer == still.mark for n in walk(one))]
        match stored:
            case [For(row, low, _, (*_, Store(_, (plane,)))) as loop]:
                last = plane == Var(row) and low == const(0) and loop.step == 1
            case _:
                return False
        return last and still.loop.upper == self._lines() and moved.loop.upper == self.moved.sizes[-2]

    def _lines(self) -> Expr:
        """How many rows a line holds that stands still, which is whole blocks of lanes."""
        length = self.value(self.still.sizes[-1])
        match length:
            case Binary("*", lanes, Binary("//", above, by)) if lanes == by == WIDTH and len(self.still.axes) == 2:
                rows, more = digits(add(sub(above, WIDTH), const(1)), (self.pitch,))
                if more == const(0):
                    return rows
        raise UnclearError(f"nothing says how many rows a line of {self.still.name} holds")

    def _whole(self) -> Expr:
        """The rows of a line, as they are numbered."""
        radices = self._radices()
        found: Expr = const(0)
        whole = digits(at_least(self.value(self._lines())), radices)
        for digit, radix in zip(whole, (const(0), *radices), strict=True):
            found = add(mul(found, radix), digit)
        return found

    def buffers(self) -> tuple[Buffer, ...]:
        """Buffers with axes for rows, for groups and columns of sums, and for marks of what is stored as zeros."""
        kept: list[Buffer] = []
        for buffer in self.kernel.buffers:
            if buffer.name == self.still.name:
                kept.append(replace(buffer, axes=(buffer.axes[0], (self._whole(), self.pitch))))
                kept.append(replace(buffer, name=mark(buffer.name), axes=buffer.axes[:1]))
            elif buffer.name == self.moved.name:
                kept += (buffer, replace(buffer, name=mark(buffer.name), axes=buffer.axes[:-1]))
            elif buffer.name == self.sums.buffer:
                axes = (buffer.axes[0], (self.all_rows,), *((n,) for n in counts(self.sums.taps)))
                kept.append(replace(buffer, axes=axes))
            elif buffer.name != self.table.name:
                kept.append(buffer)
        return tuple(kept)

    def _summed(
        self,
        end: Sequence[Expr],
        radices: Sequence[Expr],
        still: For | None,
        moved: For | None,
        notes: Sequence[Stmt],
    ) -> Iterator[Stmt]:
        assert still is not None and moved is not None
        yield If(Compare("<=", mul(self.rows, const(self.tile.rows)), self.still.sizes[0]), ())
        *prefix, row, column = self.table.address.index
        offset = (*digits(row, radices), column)
        sizes = [add(digit, const(1)) for digit in end]
        pitches = (*radices, self.pitch)
        # Else a position would be that of two cells.
        yield from (If(Compare("<=", n, pitch), ()) for n, pitch in zip(sizes[1:], pitches, strict=True))
        yield from room(self.value(still.upper), (const(0),) * len(end), end, pitches)
        yield from room(self._least(), (const(0),) * len(end), end, pitches)
        yield self.of_rows(tuple(self._nothing(still, sizes, radices)))
        if self.lying is not None:
            if self.lying.packed != self.still.name:
                raise UnclearError(f"{self.lying.packed} is not what stands still")
            yield If(Compare("<=", add(self.first, self.rows), self._tiles()), ())
            places = mul(const(self.tile.rows), self._tiles())
            yield self.lying.note(self.kernel, end, pitches, (self.all_rows, places))
        at, cells = self._at(sizes, pitches)
        value = Binary(
            "*",
            Load(self.still.name, (Var(_ROW), *at)),
            Load(self.moved.name, (*prefix, add(row, at[0]), add(column, at[1]))),
        )
        added: tuple[Stmt, ...] = (Update(_SUM, "+", value),)
        for cell, size in reversed(list(zip(cells, sizes, strict=True))):
            added = (For(cell, const(0), size, added),)
        each = (Declare(_SUM, _ZERO, Scalar()), *added, Accumulate(self.sums.buffer, self.cell(), "+", Var(_SUM)))
        read = tuple(self._read(moved, tuple(prefix), radices))
        fits = tuple(room(self._least(), offset, end, pitches))
        if notes:
            # A note is of cells: what lies between them is anything.
            yield from self.sums.around((*fits, *read))
            yield from notes
            fits = read = ()
        yield from self.sums.around((*fits, *read, self.of_rows(each)))

    def _tiles(self) -> Expr:
        """How many tiles of rows there are in all."""
        (count,) = self.kernel.buffer(self.sums.buffer).axes[3]
        return count

    def _least(self) -> Expr:
        """Fewer rows than a plane has, told by those that taps of cells reach."""
        return add(add(self._reached(), Binary("//", WIDTH, self.pitch)), const(1))

    def _at(self, sizes: Sequence[Expr], pitches: Sequence[Expr]) -> tuple[tuple[Expr, Expr], list[str]]:
        names = [f"cell{k}_" for k in range(len(sizes))]
        row: Expr = const(0)
        for name, pitch in zip(names[:-1], (const(0), *pitches[:-1]), strict=True):
            row = add(mul(row, pitch), Var(name))
        return (row, Var(names[-1])), names

    def _rows_of(self, loop: For, radices: Sequence[Expr]) -> list[Expr]:
        """The digits of the rows before zeros, and of places in a row: how many there are of each."""
        count, *rest = digits(loop.lower, radices)
        if any(one != const(0) for one in rest):
            raise UnclearError("zeros start inside of the rows of a box")
        return [count, *radices, self.pitch]

    def _nothing(self, zeros: For, sizes: Sequence[Expr], radices: Sequence[Expr]) -> Iterator[Stmt]:
        """What stands still is 0 at positions of no cell."""
        lengths = self._rows_of(zeros, radices)
        at, names = self._at(lengths, (*radices, self.pitch))
        inside: Expr = const(1)
        for name, size in zip(names, sizes, strict=True):
            inside = Select(Compare("<", Var(name), size), inside, const(0))
        zero = If(Compare("==", Var(_PACKED), _ZERO), ())
        body: tuple[Stmt, ...] = (Declare(_PACKED, Load(self.still.name, (Var(_ROW), *at))), zero)
        body = (If(Select(inside, const(0), const(1)), body),)
        for name, length in reversed(list(zip(names, lengths, strict=True))):
            body = (For(name, const(0), length, body),)
        yield from body
        yield Declare(_PACKED, Load(mark(self.still.name), (Var(_ROW),)))

    def _read(self, zeros: For, prefix: tuple[Expr, ...], radices: Sequence[Expr]) -> Iterator[Stmt]:
        """Every position of a plane is packed."""
        lengths = self._rows_of(zeros, radices)
        at, names = self._at(lengths, (*radices, self.pitch))
        body: tuple[Stmt, ...] = (Declare(_PACKED, Load(self.moved.name, (*prefix, *at))),)
        for name, length in reversed(list(zip(names, lengths, strict=True))):
            body = (For(name, const(0), length, body),)
        yield from body
        yield Declare(_PACKED, Load(mark(self.moved.name), prefix))
