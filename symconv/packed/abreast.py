"""The form abreast: lanes are neighbouring rows of the target, whose narrow operand is packed side by side.

It is the form across planes with the operands' parts exchanged. The narrow operand of a few rows is packed so that a
vector holds one step of several rows; the wide one is read where it lies, an element at a time for all of them. So
strides are steps in it, no row has a gap, and no vector lies in two lines. A register tile holds neighbouring cells by
vectors of rows; sums lie with rows side by side, and are stored with rows and columns exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symconv.loops.arith import add, const, largest, mul, simplify, smallest, sub
from symconv.loops.ir import (
    LANES,
    Binary,
    Buffer,
    Compare,
    Const,
    Expr,
    For,
    Let,
    Load,
    Nest,
    Size,
    Splat,
    Stmt,
    Store,
    StoreLanes,
    StoreTurned,
    Var,
)
from symconv.loops.scalars import integer
from symconv.loops.traverse import substitute
from symconv.notation.affine import Affine, var
from symconv.packed.abreast_micro import abreast_tiles
from symconv.packed.across_micro import BLOCK, COLUMNS, SUMS, in_blocks
from symconv.packed.contraction import Contraction
from symconv.packed.copying import ZERO
from symconv.packed.frame import Frame, Strip, ceiling, ends, extent, frame, product
from symconv.packed.loops import counts, decoded, in_boxes, in_taps
from symconv.packed.outer import Packed

__all__ = ["Abreast", "AbreastTile", "abreast", "abreast_nests"]


_LINE = 16
"""Elements of about a line."""


@dataclass(frozen=True, slots=True)
class AbreastTile:
    """Accumulators of the micro-kernel: ``cells`` broadcast elements times ``blocks`` vectors of rows."""

    cells: int
    blocks: int


@dataclass(frozen=True)
class Abreast:
    """Everything the parts of one kernel share; without ``requires`` an element may lie outside."""

    found: Contraction
    tile: AbreastTile
    space: Frame
    requires: tuple[Expr, ...]

    @property
    def target(self) -> str:
        """The name of the result."""
        return self.found.statement.target.name

    @property
    def row(self) -> str:
        """The loop over rows, which lanes run along."""
        return self.found.rows[0]

    @property
    def width(self) -> Expr:
        """How many rows lie side by side."""
        return mul(const(self.tile.blocks), Var(LANES))

    @property
    def steps(self) -> tuple[str, ...]:
        """The loops that are summed over, in the order in which they are packed."""
        return (*self.found.taps, *self.found.planes)

    @property
    def ranks(self) -> tuple[Expr, ...]:
        """Where the steps at hand stand in the packed operand."""
        return tuple(sub(Var(name), extent(self.found, name)[0]) for name in self.steps)


def abreast(found: Contraction, tile: AbreastTile) -> Abreast | None:
    """The form of a contraction, None where it has none.

    It has one operand of each kind, and cells of the target as they stand. Nothing is read outside: not at all, or not
    at the sizes that are required.
    """
    one_each = len(found.rows) == len(found.narrow) == len(found.wide) == 1
    if found.lanes != "cells" or found.still or found.here or found.solution.phases or not one_each:
        return None
    stand = all(var(name) in found.solution.target for name in found.flats)
    if not stand or found.statement.expr != found.reduce:
        return None
    it = Abreast(found, tile, frame(found, found.wide[0].axes), ())
    moved = [s for s in it.space.strips if found.wide[0].along(s.loop).rest.names()] if found.padded else []
    if any(found.wide[0].along(s.loop).rest.substitute(dict.fromkeys(found.taps, 0)) != Affine() for s in moved):
        # The first tap reads beside its cell: that nothing lies outside is said of hardly any layer.
        return None
    if any(_ends_outside(found, s) for s in moved):
        return None
    tests = [simplify(test) for strip in moved for test in _inside(it, strip)]
    return Abreast(found, tile, it.space, tuple(test for test in tests if test != const(1)))


def _ends_outside(found: Contraction, strip: Strip) -> bool:
    """Whether the last tap of the last cell lies outside, whatever the sizes are: there is a border behind."""
    axis = found.wide[0].along(strip.loop)
    lengths = {one.name: one.extent for one in (*found.statement.ranges, *found.reduce.indices)}
    if not {strip.loop, *axis.rest.names()} <= lengths.keys():
        return False
    reached = {name: lengths[name] - 1 if axis.rest.coefficient(name) > 0 else 0 for name in axis.rest.names()}
    beyond = (lengths[strip.loop] - 1) * axis.factor + axis.rest.substitute(reached) - axis.length
    beyond = beyond.substitute({one.name: one.form for one in found.operator.definitions})
    return beyond.is_constant and beyond.constant >= 0


def _inside(it: Abreast, strip: Strip) -> tuple[Compare, Compare]:
    """What keeps all that taps reach along a flat loop in the wide operand."""
    axis = it.found.wide[0].along(strip.loop)
    low, high = ends(it.found, axis.rest, {})
    factor, last = const(axis.factor), sub(add(strip.first, strip.count), const(1))
    first = add(mul(factor, strip.first), low)
    match first:
        case Binary("-", Const(0, False), below):
            before = Compare("<=", below, const(0))
        case _:
            before = Compare(">=", first, const(0))
    return before, Compare("<", add(mul(factor, last), high), integer(axis.length))


def abreast_nests(it: Abreast) -> Packed:
    """Its nest, buffers, numbers and parameters of a plan."""
    own = tuple(size for strip in it.space.strips for size in strip.layout()[:3])
    steps = counts(it.found, it.steps, exact=False)
    layout = (
        *own,
        Size("CT_", ceiling(it.space.lane.tile, const(it.tile.cells))),
        Size("P_", product(counts(it.found, it.found.rows, exact=False))),
        Size("PT_", ceiling(Var("P_"), it.width)),
        Size("NC_", largest([const(1), smallest([ceiling(Var("NB_"), it.width), Var("PT_")])])),
        # Not a product in the nest: rows at hand start at multiples of one number.
        Size("NP_", mul(Var("NC_"), it.width)),
        Size("G_", product(counts(it.found, it.found.groups, exact=False))),
        *(Size(f"K_{name}_", count) for name, count in zip(it.steps, steps, strict=True)),
        *(Size("PB_", largest([const(1), smallest([Var("FB_"), Var(f"K_{name}_")])])) for name in it.found.planes),
    )
    parameters = (*(strip.parameter for strip in it.space.strips), "NB_", *("FB_" for _ in it.found.planes))
    return Packed((_main(it),), tuple(_buffers(it)), layout, parameters)


def _buffers(it: Abreast) -> Iterator[Buffer]:
    """The rows at hand side by side, and the sums of a box."""
    steps = tuple((Var(f"K_{name}_"),) for name in it.steps)
    yield Buffer(COLUMNS, ((Var("NC_"),), *steps, (it.width,)), "private")
    cells = tuple((strip.tile,) for strip in it.space.strips[:-1])
    lane = mul(Var("CT_"), const(it.tile.cells))
    yield Buffer(SUMS, ((Var("NC_"),), *cells, (lane,), (it.width,)), "private")


def _main(it: Abreast) -> Nest:
    """For each block of rows and strip of the outermost loop: rows packed, then every box summed up and stored."""
    found, outermost = it.found, it.space.strips[0]
    names = (*found.groups, "planes_of_", f"{outermost.loop}_box_")
    sizes = (*counts(found, found.groups, exact=False), ceiling(Var("P_"), Var("NP_")), it.space.boxes[0])
    boxes: tuple[Stmt, ...] = (*_cleared(it), *abreast_tiles(it), *_unpacked(it))
    for strip, count in reversed(list(zip(it.space.strips[1:], it.space.boxes[1:], strict=True))):
        boxes = (For(f"{strip.loop}_box_", const(0), count, (*in_boxes(Frame((strip,))), *boxes)),)
    body = (
        *decoded(names, sizes, "z_"),
        *in_boxes(Frame((outermost,))),
        Let("plane0_", mul(Var("NP_"), Var("planes_of_"))),
        Let("planes_", smallest([Var("NP_"), sub(Var("P_"), Var("plane0_"))])),
        *_packed(it),
        *boxes,
    )
    comment = f"{it.target}: rows of {found.narrow[0].tensor} abreast; tiles of {it.tile.cells} cells by "
    return Nest("z_", product(sizes), body, f"{comment}{it.tile.blocks} blocks of rows")


def _held(it: Abreast) -> Expr:
    """How many rows the block at hand has."""
    return smallest([it.width, sub(Var("planes_"), mul(BLOCK, it.width))])


def _first_row(it: Abreast) -> Expr:
    """The first row of the block at hand."""
    return add(add(Var("plane0_"), mul(BLOCK, it.width)), extent(it.found, it.row)[0])


def _packed(it: Abreast) -> tuple[Stmt, ...]:
    """The rows at hand side by side, zeros where the last block has no row.

    Where planes are neighbours in memory, a line of every row at a time: rows often lie whole pages apart, and fall
    into one set of the nearest cache.
    """
    read, place = it.found.narrow[0], (BLOCK, *it.ranks)
    at = {it.row: add(_first_row(it), Var("lane_"))}
    load = Load(read.tensor, tuple(substitute(integer(form), at) for form in read.index))
    copies: tuple[Stmt, ...] = (Store(COLUMNS, (*place, Var("lane_")), load),)
    moving = (name for form in reversed(read.index) for name in (it.row, *it.found.planes) if form.coefficient(name))
    if next(moving, it.row) == it.row:
        copies = in_taps(it.found, it.steps, (For("lane_", const(0), Var("held_"), copies),))
    else:
        copies = in_taps(it.found, it.found.taps, _in_lines(it, copies))
    spare = (Store(COLUMNS, (*place, Var("spare_")), ZERO),)
    zeros = For("spare_", Var("held_"), it.width, in_taps(it.found, it.steps, spare))
    return (in_blocks(it.width, (Let("held_", _held(it)), *copies, zeros)),)


def _in_lines(it: Abreast, copies: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """Copies of every row and plane at hand, planes inside."""
    (name,) = it.found.planes
    first, upper = extent(it.found, name)
    begin = add(first, mul(const(_LINE), Var("chunk_")))
    copies = (For(name, begin, smallest([add(begin, const(_LINE)), upper]), copies),)
    copies = (For("lane_", const(0), Var("held_"), copies),)
    return (For("chunk_", const(0), ceiling(Var(f"K_{name}_"), const(_LINE)), copies),)


def _cleared(it: Abreast) -> tuple[Stmt, ...]:
    """Sums of every cell, of those too that only fill the last tile, start from nothing."""
    outer = it.space.strips[:-1]
    place = (BLOCK, *(Var(f"{strip.loop}_at_") for strip in outer), Var("cell_"))
    body: tuple[Stmt, ...] = tuple(
        StoreLanes(SUMS, (*place, mul(const(v), Var(LANES))), 1, "", "=", Splat(ZERO)) for v in range(it.tile.blocks)
    )
    cells = const(it.tile.cells)
    body = (For("cell_", const(0), mul(ceiling(it.space.lane.size, cells), cells), body),)
    return (in_blocks(it.width, in_rows(it, body)),)


def in_rows(it: Abreast, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """The body for every row of cells of the box at hand."""
    for strip in reversed(it.space.strips[:-1]):
        body = (For(f"{strip.loop}_at_", const(0), strip.size, body),)
    return body


def _unpacked(it: Abreast) -> tuple[Stmt, ...]:
    """Sums of every cell of the box in the target: rows are neighbours here, and cells there."""
    target, lane = it.found.solution.target, it.space.lane
    outer = {strip.loop: Var(f"{strip.loop}_at_") for strip in it.space.strips[:-1]}
    values: dict[str, Expr] = {s.loop: add(s.start, outer.get(s.loop, const(0))) for s in it.space.strips}
    values[it.row] = _first_row(it)
    index = tuple(substitute(integer(form), values) for form in target)
    load = Load(SUMS, (BLOCK, *outer.values(), const(0), const(0)))
    turn = StoreTurned(it.target, index, target.index(var(it.row)), load, len(outer) + 1, Var("held_"), lane.size)
    return (in_blocks(it.width, (Let("held_", _held(it)), *in_rows(it, (turn,)))),)
