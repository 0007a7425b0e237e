"""Register tiles over flat rows: the cells whose sums are in their lanes.

A loop over blocks of lanes ``lane = nb*W*b`` with copies for ``v*W`` counts the positions ``0 .. J-1`` of flat rows,
each once, however many lanes W there are. Position ``(..(c0*E1 + c1)..)*En + cn`` belongs to the cell ``(c0 .. cn)``.
Positions of no cell, in the gaps and behind the end, are junk: only the cells are kept. That is all, because what a
position stores no other position stores, and a read that finds no store of a cell is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symconv.limits import LANE_VECTORS
from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    LANES,
    Accumulate,
    Binary,
    Buffer,
    Compare,
    Const,
    Expr,
    FloorDiv,
    For,
    If,
    Kernel,
    Let,
    Stmt,
    Store,
    Var,
)
from symconv.loops.traverse import rewrite, substitute, walk
from symconv.relation.lemmas import ROWS, STRIPS, prove
from symconv.relation.points import UnclearError
from symconv.validate.masks import by_cell
from symconv.validate.micro import block_of, tile_of
from symconv.validate.polynomial import WIDTH, alike, digits, expression, least_quotients, polynomial, uses

__all__ = ["in_cells"]

_GIVEN = {"in", "out"}
"""Roles of an operator's own arrays, which hold nothing but elements."""


def in_cells(kernel: Kernel, loop: For, lets: Mapping[str, Expr], radices: Sequence[Expr]) -> tuple[Stmt, ...] | None:
    """A loop over blocks of lanes as loops over cells, or None where it is none.

    ``lets`` are the integers named around it, ``radices`` the pitches of its rows, outermost first. Raises UnclearError
    where it looks like one and something is not as it should be.
    """
    lane = next((s for s in loop.body if isinstance(s, Let) and uses(s.value, {LANES})), None)
    if lane is None or not uses(lane.value, {loop.var}) or loop.lower != const(0) or loop.step != 1:
        return None
    counts = range(1, LANE_VECTORS + 1)
    per = next((n for n in counts if alike(lane.value, mul(mul(const(n), WIDTH), Var(loop.var)))), 0)
    blocks = _blocks(loop.upper, per)
    if not per or blocks is None:
        raise UnclearError(f"{loop.var} counts no blocks of lanes")
    prove(STRIPS)
    prove(ROWS)
    tiles = _Tiles(kernel, loop.var, lane.name, per, blocks, lets)
    rest = tuple(s for s in loop.body if s is not lane)
    body = tiles.block(rest)
    if uses_any(body, {loop.var, LANES}):
        raise UnclearError(f"{loop.var} is used beside its blocks of lanes")
    return _cells(body, lane.name, _positions(blocks, lets), radices, kernel, tiles.kept_out)


def uses_any(body: Sequence[Stmt], names: set[str]) -> bool:
    """Whether a block uses one of these names."""
    return any(uses(statement, names) for statement in body)


def _blocks(upper: Expr, per: int) -> Expr | None:
    """What ``ceil(blocks / per)`` counts."""
    if per == 1:
        return upper
    match upper:
        case Binary("//", Binary("+", blocks, Const(most, False)), Const(by, False)) if by == per == most + 1:
            return blocks
    return None


def _positions(blocks: Expr, lets: Mapping[str, Expr]) -> Expr:
    """How many positions ``ceil(positions / W)`` blocks hold."""
    value = lets.get(blocks.name, blocks) if isinstance(blocks, Var) else blocks
    match value:
        case Binary("//", above, by) if by == WIDTH:
            return expression(polynomial(sub(add(above, const(1)), WIDTH)))
    raise UnclearError("nothing says how many blocks of lanes there are")


def _cells(
    body: tuple[Stmt, ...], lane: str, positions: Expr, radices: Sequence[Expr], kernel: Kernel, kept_out: bool
) -> tuple[Stmt, ...]:
    """The loops over cells: the last one's coordinates are the digits of the last position."""
    last = digits(sub(positions, const(1)), radices)
    names = [f"cell{k}_" for k in range(len(last))]
    row: Expr = const(0)
    for name, radix in zip(names[:-1], (const(0), *radices[:-1]), strict=True):
        row = add(mul(row, radix), Var(name))
    own = {b.name for b in kernel.buffers if b.role in _GIVEN}
    if not kept_out or not all(alike(digit, const(0)) for digit in last[:-1]):
        own = set()
    moved = tuple(_moved(s, lane, row, Var(names[-1]), kernel, radices, own) for s in body)
    if uses_any(moved, {lane}):
        raise UnclearError("a position in flat rows is used in another way")
    fits = [If(Compare(">=", sub(radix, end), const(1)), ()) for radix, end in zip(radices, last[1:], strict=True)]
    demands = (*fits, *_room(moved, body, lane, kernel, last, radices, own))
    for name, end in reversed(list(zip(names, last, strict=True))):
        moved = (For(name, const(0), expression(polynomial(add(end, const(1)))), moved),)
    return (*demands, *moved)


def _moved(
    node: Any, lane: str, row: Expr, column: Expr, kernel: Kernel, radices: Sequence[Expr], own: set[str]
) -> Any:
    """Every access at ``lane`` positions further at the row and the column of a cell.

    ``own`` are arrays that are no flat rows, and are touched along one row by its cells alone.
    """

    def rule(part: Any) -> Any:
        index = getattr(part, "index", ())
        if not index or not uses(index[-1], {lane}):
            return part
        if part.buffer in own:
            return replace(part, index=tuple(substitute(i, {lane: column}) for i in index))
        if (
            index[-1] != Var(lane)
            or any(uses(i, {lane}) for i in index[:-1])
            or part_pitch(kernel, part) != radices[-1]
        ):
            raise UnclearError(f"{part.buffer} is not touched position by position")
        return replace(part, index=(*index[:-2], add(index[-2], row), column))

    return rewrite(node, rule)


def part_pitch(kernel: Kernel, access: Any) -> Expr:
    """The length of the rows of the buffer that is touched."""
    return kernel.buffer(access.buffer).sizes[-1]


def _room(
    moved: Sequence[Stmt],
    body: Sequence[Stmt],
    lane: str,
    kernel: Kernel,
    last: Sequence[Expr],
    radices: Sequence[Expr],
    own: set[str],
) -> Iterator[Stmt]:
    """What keeps junk where it does no harm: reads inside the buffer and its slack, stores inside their rows."""
    names = {
        node.buffer for s in body for node in walk(s) if getattr(node, "index", ()) and uses(node.index[-1], {lane})
    }
    stored = {node.buffer for s in body for node in walk(s) if isinstance(node, Store | Accumulate)}
    for name in sorted(names - own):
        buffer = kernel.buffer(name)
        if name in stored:
            yield from _inside_rows(buffer, kernel, last, radices)
        else:
            spare = polynomial(sub(buffer.slack, sub(WIDTH, const(1))))
            if set(spare) - {(), (WIDTH,)} or any(factor < 0 for factor in spare.values()):
                raise UnclearError(f"nothing says that junk behind the end of {name} may be read")


def _inside_rows(buffer: Buffer, kernel: Kernel, last: Sequence[Expr], radices: Sequence[Expr]) -> Iterator[Stmt]:
    """That W - 1 positions behind the last cell still lie in the buffer's rows, digit by digit."""
    rows, pitch = buffer.sizes[-2:]
    layout = {size.name: size.value for size in kernel.layout}
    while isinstance(rows, Var) and rows.name in layout:
        rows = layout[rows.name]
    end: Expr = const(0)
    for digit, radix in zip(last, (const(0), *radices), strict=True):
        end = add(mul(end, radix), digit)
    room = least_quotients(polynomial(sub(sub(mul(rows, pitch), end), WIDTH)))
    *outer, rows_left, left = digits(expression(room), radices)
    # A row more or less: what is short in the last row may stand in one behind it.
    for digit in (*outer, sub(rows_left, const(1)), add(left, pitch)):
        yield If(Compare(">=", expression(polynomial(digit)), const(0)), ())


@dataclass(slots=True)
class _Tiles:
    """The loop ``var`` over ``ceil(blocks / per)`` tiles, which start at ``lane``.

    ``kept_out`` says of those seen so far that their junk touches no array of the operator.
    """

    kernel: Kernel
    var: str
    lane: str
    per: int
    blocks: Expr
    lets: Mapping[str, Expr]
    kept_out: bool = True

    def block(self, body: tuple[Stmt, ...], around: For | None = None) -> tuple[Stmt, ...]:
        """A block with every choice of a tile by the blocks that are left as what one lane of a block does."""
        if body and all(self._choice(one) for one in body):
            return self._one(body, around)
        return tuple(
            replace(s, body=self.block(s.body, s if isinstance(s, For) else None)) if isinstance(s, For | If) else s
            for s in body
        )

    def _choice(self, statement: Stmt) -> int:
        """How many blocks of lanes a tile has that is chosen by what is left; 0 where it is none."""
        left = sub(self.blocks, mul(const(self.per), Var(self.var)))
        match statement:
            case If(Compare(">=", value, Const(count, False))) if count == self.per and alike(value, left):
                return self.per
            case If(Compare("==", value, Const(count, False))) if alike(value, left):
                return int(count)
        return 0

    def _one(self, body: tuple[Stmt, ...], around: For | None) -> tuple[Stmt, ...]:
        sizes = sorted(self._choice(one) for one in body)
        if sizes != list(range(1, self.per + 1)):
            raise UnclearError("some numbers of blocks of lanes have no tile, or several")
        made = [tile_of(self._unmasked(one), self.lane, self._choice(one)) for one in body if isinstance(one, If)]
        if any(not alike(block_of(one), block_of(made[0])) for one in made):
            raise UnclearError("tiles of different sizes compute different things")
        return self._meant(made[0], around)

    def _unmasked(self, tile: If) -> tuple[Stmt, ...]:
        """A tile without the mask that keeps junk out of an operator's arrays."""
        arrays = frozenset(b.name for b in self.kernel.buffers if b.role in _GIVEN)
        made = by_cell(tile.body, self.lane, self._choice(tile), _positions(self.blocks, self.lets), arrays)
        self.kept_out = self.kept_out and made is not None
        return tile.body if made is None else made

    def _meant(self, made: tuple[Stmt, ...], around: For | None) -> tuple[Stmt, ...]:
        """The rows of a tile that there are: a last tile may have more, whose sums are junk in places that it has.

        A read that finds no store of a cell is refused, so nobody meets them.
        """
        (rows,) = made
        layout = {size.name: size.value for size in self.kernel.layout}
        if not isinstance(rows, For) or around is None or not isinstance(around.upper, Var):
            return made
        match layout.get(around.upper.name), rows.upper:
            case FloorDiv(above, divisor), Const(count, False) if divisor == count:
                pass
            case _:
                return made
        row = add(mul(Var(around.var), rows.upper), Var(rows.var))
        last = expression(polynomial(sub(sub(above, rows.upper), row)))
        inside = dict.fromkeys(demand for one in rows.body for demand in self._places(one, rows.var))
        return (replace(rows, body=(*inside, If(Compare(">=", last, const(0)), rows.body))),)

    def _places(self, statement: Stmt, row: str) -> Iterator[Stmt]:
        """That the rows of a tile lie in what it touches."""
        for node in walk(statement):
            index = getattr(node, "index", ())
            for part, size in zip(index, self.kernel.buffer(node.buffer).sizes if index else (), strict=True):
                if uses(part, {row}):
                    yield If(Compare(">=", part, const(0)), ())
                    yield If(Compare("<", part, size), ())
