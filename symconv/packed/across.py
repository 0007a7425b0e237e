"""The form across planes: lanes are neighbouring planes of an operand, packed side by side; a sum over positions.

The target has a plane's number among its cells, as the gradient of a weight has. A box of the operand is copied with
rows and columns exchanged, so that a vector holds one position of several planes. Then each tap is a place in the copy,
strides are steps in it, and the other operand is read where it lies, an element at a time. No lanes are added up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symconv.loops.arith import add, const, largest, mul, smallest, sub
from symconv.loops.ir import (
    LANES,
    Buffer,
    Expr,
    For,
    If,
    Let,
    Load,
    LoadLanes,
    Mod,
    Nest,
    Select,
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
from symconv.notation.affine import var
from symconv.packed.across_micro import BLOCK, COLUMNS, SUMS, across_tiles, in_blocks, ranks
from symconv.packed.contraction import Axis, Contraction
from symconv.packed.copying import ZERO, Source, inside, spans
from symconv.packed.frame import ALWAYS, Frame, Strip, ceiling, ends, extent, frame, product
from symconv.packed.loops import counts, decoded, in_boxes, in_taps
from symconv.packed.outer import Packed

__all__ = ["Across", "AcrossTile", "across", "across_nests"]


@dataclass(frozen=True, slots=True)
class AcrossTile:
    """Accumulators of the micro-kernel: ``rows`` broadcast elements times ``blocks`` blocks of planes."""

    rows: int
    blocks: int


@dataclass(frozen=True)
class Across:
    """Everything the parts of one kernel share; ``plane`` is the loop over planes."""

    found: Contraction
    tile: AcrossTile
    space: Frame
    plane: str

    @property
    def target(self) -> str:
        """The name of the result."""
        return self.found.statement.target.name

    @property
    def width(self) -> Expr:
        """How many planes lie side by side."""
        return mul(const(self.tile.blocks), Var(LANES))

    @property
    def planes(self) -> Expr:
        """How many planes there are."""
        return product(counts(self.found, (self.plane,), exact=False))

    def axis(self, strip: Strip) -> Axis:
        """The axis of the packed operand along a flat loop."""
        return self.found.wide[1].along(strip.loop)

    def reach(self, strip: Strip) -> tuple[Expr, Expr]:
        """The least and the largest offset of a tap, in elements of the packed operand."""
        return ends(self.found, self.axis(strip).rest, {})

    def length(self, strip: Strip, cells: Expr) -> Expr:
        """How many elements so many cells and their taps cover."""
        low, high = self.reach(strip)
        return add(mul(const(self.axis(strip).factor), sub(cells, const(1))), add(sub(high, low), const(1)))


def across(found: Contraction, tile: AcrossTile) -> Across | None:
    """The form of a contraction, None where it has none.

    One loop chooses a plane of the second operand and nothing else of it, and stands in the target as it is.
    """
    planes = [name for name in found.columns if name not in found.taps]
    if found.lanes != "steps" or found.still or found.here or len(planes) != 1 or len(found.rows) != 1:
        return None
    target, operand = found.solution.target, found.wide[1]
    chosen = [axis for axis in operand.axes if axis.form.coefficient(planes[0])]
    alone = len(chosen) == 1 and not chosen[0].loop and chosen[0].form.coefficient(planes[0]) == 1
    last = target[-1] in [var(name) for name in (*found.taps, planes[0])]
    if not alone or not last or found.statement.expr != found.reduce:
        return None
    return Across(found, tile, frame(found, operand.axes), planes[0])


def across_nests(it: Across) -> Packed:
    """Its nest, buffers, numbers and parameters of a plan."""
    own = tuple(size for strip in it.space.strips for size in strip.layout()[:3])
    rows, taps = const(it.tile.rows), it.found.taps
    layout = (
        *own,
        *(Size(f"U_{strip.loop}_", it.length(strip, strip.tile)) for strip in it.space.strips),
        Size("M_", product(counts(it.found, it.found.rows, exact=False))),
        Size("MT_", ceiling(Var("M_"), rows)),
        Size("P_", it.planes),
        Size("PT_", ceiling(Var("P_"), it.width)),
        Size("NC_", largest([const(1), smallest([ceiling(Var("NB_"), it.width), Var("PT_")])])),
        # Not a product in the nest: planes at hand start at multiples of one number.
        Size("NP_", mul(Var("NC_"), it.width)),
        Size("G_", product(counts(it.found, it.found.groups, exact=False))),
        Size("RT_", largest([const(1), smallest([ceiling(Var("MB_"), rows), Var("MT_")])])),
        *(Size(f"K_{name}_", count) for name, count in zip(taps, counts(it.found, taps, exact=False), strict=True)),
    )
    parameters = (*(strip.parameter for strip in it.space.strips), "MB_", "NB_")
    return Packed((_main(it),), tuple(_buffers(it)), layout, parameters)


def _buffers(it: Across) -> Iterator[Buffer]:
    """A box of planes side by side, and the sums of the rows at hand."""
    reached = tuple((Var(f"U_{strip.loop}_"),) for strip in it.space.strips)
    yield Buffer(COLUMNS, ((Var("NC_"),), *reached, (it.width,)), "private")
    taps = tuple((Var(f"K_{name}_"),) for name in it.found.taps)
    yield Buffer(SUMS, ((Var("NC_"),), (mul(Var("RT_"), const(it.tile.rows)),), *taps, (it.width,)), "private")


def _main(it: Across) -> Nest:
    """For each block of planes and of rows: every box packed and summed up, and the sums put where they belong."""
    found = it.found
    names = (*found.groups, "planes_of_", "rows_of_")
    sizes = (*counts(found, found.groups, exact=False), ceiling(Var("P_"), Var("NP_")), ceiling(Var("MT_"), Var("RT_")))
    boxes: tuple[Stmt, ...] = (*_packed(it), *across_tiles(it))
    for strip, count in reversed(list(zip(it.space.strips, it.space.boxes, strict=True))):
        boxes = (For(f"{strip.loop}_box_", const(0), count, (*in_boxes(Frame((strip,))), *boxes)),)
    first = Let("plane0_", mul(Var("NP_"), Var("planes_of_")))
    begin = Let("rowblock0_", mul(Var("rows_of_"), Var("RT_")))
    body = (
        *decoded(names, sizes, "z_"),
        first,
        Let("planes_", smallest([Var("NP_"), sub(Var("P_"), Var("plane0_"))])),
        begin,
        Let("rowblocks_", smallest([Var("RT_"), sub(Var("MT_"), Var("rowblock0_"))])),
        *_cleared(it),
        *boxes,
        *_unpacked(it),
    )
    comment = f"{it.target}: planes of {found.wide[1].read.tensor} side by side; tiles of {it.tile.rows} rows by "
    return Nest("z_", product(sizes), body, f"{comment}{it.tile.blocks} blocks of planes")


def _cleared(it: Across) -> tuple[Stmt, ...]:
    """Sums of every row, of those too that only fill the last tile, start from nothing."""
    place = (BLOCK, Var("row_"), *ranks(it))
    clear = tuple(
        StoreLanes(SUMS, (*place, mul(const(v), Var(LANES))), 1, "", "=", Splat(ZERO)) for v in range(it.tile.blocks)
    )
    rows = mul(Var("rowblocks_"), const(it.tile.rows))
    return (in_blocks(it.width, (For("row_", const(0), rows, in_taps(it.found, it.found.taps, clear)),)),)


def _packed(it: Across) -> tuple[Stmt, ...]:
    """The planes at hand side by side, zeros where the operand ends and where the last block has no plane.

    Rows that a stride skips stay as they are: no tap reads them.
    """
    *outer, lane = it.space.strips
    named = {strip.loop: Var(f"{strip.loop}_at_") for strip in outer}
    sources = {strip.loop: _source(it, strip) for strip in it.space.strips}
    valid, source = inside(sources, named), sources[lane.loop]
    length = _reached(lane)
    upper: Expr = largest([const(0), smallest([length, source.upper])])
    for condition in valid:
        upper = Select(condition, upper, const(0))
    row = tuple(named.values())
    body: tuple[Stmt, ...] = (
        *_zeros(it, row, const(0), Var("lower_")),
        _copied(it, sources, named),
        *_zeros(it, row, Var("upper_"), length),
        _spare(it, row),
    )
    body = (
        Let("upper_", upper),
        Let("lower_", smallest([Var("upper_"), largest([const(0), source.lower])])),
        in_blocks(it.width, (Let("held_", _held(it)), *body)),
    )
    for strip in reversed(outer):
        if strip.reached != ALWAYS:
            residue = Mod(sources[strip.loop].at(named[strip.loop]), it.axis(strip).factor)
            body = (Let(strip.residue, residue), If(strip.reached, body))
        body = (For(f"{strip.loop}_at_", const(0), _reached(strip), body),)
    return (*(Let(_reached(strip).name, it.length(strip, strip.size)) for strip in it.space.strips), *body)


def _reached(strip: Strip) -> Var:
    """How many elements the cells of the box at hand and their taps cover along a flat loop."""
    return Var(f"{strip.loop}_reached_")


def _held(it: Across) -> Expr:
    """How many planes the block at hand has."""
    return smallest([it.width, sub(Var("planes_"), mul(BLOCK, it.width))])


def _source(it: Across, strip: Strip) -> Source:
    """Where elements of the box at hand come from along a flat loop."""
    low, _ = it.reach(strip)
    return Source(add(mul(const(it.axis(strip).factor), strip.start), low), 1, const(0), integer(it.axis(strip).length))


def _zeros(it: Across, row: tuple[Expr, ...], lower: Expr, upper: Expr) -> tuple[Stmt, ...]:
    """Zeros in all planes of a range of a row."""
    place = (BLOCK, *row, Var("at_"))
    stores = tuple(
        StoreLanes(COLUMNS, (*place, mul(const(v), Var(LANES))), 1, "", "=", Splat(ZERO)) for v in range(it.tile.blocks)
    )
    return (For("at_", lower, upper, stores),)


def _spare(it: Across, row: tuple[Expr, ...]) -> Stmt:
    """Zeros where the last block of planes has none."""
    store = Store(COLUMNS, (BLOCK, *row, Var("at_"), Var("spare_")), ZERO)
    return For("spare_", Var("held_"), it.width, (For("at_", Var("lower_"), Var("upper_"), (store,)),))


def _copied(it: Across, sources: dict[str, Source], named: dict[str, Var]) -> Stmt:
    """Elements of one row of all planes at hand."""
    operand, lane = it.found.wide[1], it.space.lane.loop
    at = {loop: sources[loop].at(position) for loop, position in named.items()}
    at[lane] = sources[lane].at(Var("lower_"))
    plane = add(Var("plane0_"), mul(BLOCK, it.width))
    first = {it.plane: add(plane, extent(it.found, it.plane)[0])}
    index = tuple(at[axis.loop] if axis.loop else substitute(integer(axis.form), first) for axis in operand.axes)
    planes = next(k for k, axis in enumerate(operand.axes) if not axis.loop and axis.form.coefficient(it.plane))
    place: tuple[Expr, ...] = (BLOCK, *named.values(), Var("lower_"), const(0))
    count = sub(Var("upper_"), Var("lower_"))
    load = Load(operand.read.tensor, index)
    return StoreTurned(COLUMNS, place, len(place) - 2, load, planes, count, Var("held_"))


def _unpacked(it: Across) -> tuple[Stmt, ...]:
    """Sums of every row at hand in the target: planes are neighbours here, and taps there."""
    found, target = it.found, it.found.solution.target
    rows, row0 = const(it.tile.rows), mul(Var("rowblock0_"), const(it.tile.rows))
    count = smallest([mul(Var("rowblocks_"), rows), sub(Var("M_"), row0)])
    plane0 = add(add(Var("plane0_"), mul(BLOCK, it.width)), extent(found, it.plane)[0])
    cell = tuple(Let(name, add(extent(found, name)[0], add(row0, Var("row_")))) for name in found.rows)
    if target[-1] == var(it.plane):

        def block(k: Expr, mask: str) -> tuple[Stmt, ...]:
            index: tuple[Expr, ...] = (*map(integer, target[:-1]), add(plane0, k))
            value = LoadLanes(SUMS, (BLOCK, Var("row_"), *ranks(it), k), 1, mask)
            return (StoreLanes(it.target, index, 1, mask, "=", value),)

        body = in_taps(found, found.taps, spans(const(0), Var("held_"), block))
    else:
        last = next(name for name in found.taps if target[-1] == var(name))
        lower, upper = extent(found, last, exact=True)
        first: dict[str, Expr] = {it.plane: plane0, last: lower}
        index: tuple[Expr, ...] = tuple(substitute(integer(form), first) for form in target)
        sums = tuple(const(0) if name == last else rank for name, rank in zip(found.taps, ranks(it), strict=True))
        load = Load(SUMS, (BLOCK, Var("row_"), *sums, const(0)))
        along = 2 + found.taps.index(last)
        turn = StoreTurned(it.target, index, target.index(var(it.plane)), load, along, Var("held_"), sub(upper, lower))
        body = in_taps(found, tuple(name for name in found.taps if name != last), (turn,))
    blocks = in_blocks(it.width, (Let("held_", _held(it)), *body))
    return (For("row_", const(0), count, (*cell, blocks)),)
