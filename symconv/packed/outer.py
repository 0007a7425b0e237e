"""The outer form: lanes across cells. Broadcast elements of the narrow operand times lanes of the packed wide one.

For each box: pack the wide operand, then for each block of lanes and each block of rows one register tile over all
steps, whose offsets stand in a table; then unpack the sums. What differs between layers is in the tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symconv.loops.arith import add, ceildiv, const, largest, mul, smallest, sub
from symconv.loops.ir import (
    LANES,
    Address,
    Buffer,
    Compare,
    Expr,
    For,
    If,
    Let,
    Nest,
    Scalar,
    Select,
    Size,
    Stmt,
    Store,
    Var,
)
from symconv.loops.scalars import integer
from symconv.loops.traverse import substitute
from symconv.packed.contraction import Contraction
from symconv.packed.copying import copied_row, inside
from symconv.packed.direct import stored_tiles
from symconv.packed.frame import Frame, ceiling, cleared, extent, frame, product, quotient
from symconv.packed.inplace import all_hold, base, displacement, ends_inside, reaches_inside, readable, same_pitches
from symconv.packed.loops import PHASE, counts, decoded, in_boxes, in_phases, in_taps, phase_count, rank
from symconv.packed.micro import register_tiles
from symconv.packed.narrow import name_of, narrow_nests
from symconv.packed.pack import classes_of, packed_operand, place_of_tap
from symconv.packed.runs import in_runs, long_target
from symconv.packed.unpack import target_sources, unpacked

__all__ = ["Outer", "Packed", "Tile", "offsets_table", "outer_nests", "register_tiles"]


@dataclass(frozen=True, slots=True)
class Tile:
    """Accumulators of the micro-kernel: ``rows`` broadcast elements times ``blocks`` blocks of lanes.

    ``in_place``: boxes of the wide operand that lie in memory as flat rows would are read there. ``stores``: a tile
    adds up all planes, for one row of cells, and stores its sums in the target itself.
    """

    rows: int
    blocks: int
    in_place: bool = False
    stores: bool = False


@dataclass(frozen=True, slots=True)
class Packed:
    """What a form puts into a kernel."""

    nests: tuple[Nest, ...]
    buffers: tuple[Buffer, ...]
    layout: tuple[Size, ...]
    parameters: tuple[str, ...]
    flat: int = 0
    """How many of the target's last axes are indexed together."""


@dataclass(frozen=True)
class Outer:
    """Everything the parts of one kernel share."""

    found: Contraction
    tile: Tile
    space: Frame
    products: int = 0
    """How many transformed points have a sum of their own; 0 where sums are direct, one per residue class."""
    present: tuple[Stmt, ...] = ()
    """Names for where the planes lie that have a factor at a point."""

    @property
    def target(self) -> str:
        """The name of the result."""
        return self.found.statement.target.name

    @property
    def in_place(self) -> bool:
        """Whether boxes of the wide operand may be read where they lie."""
        return self.tile.in_place and not self.products and readable(self.found, self.found.wide[0])

    @property
    def slabs(self) -> bool:
        """Whether planes are summed in slabs, of which a plan says how many planes they have."""
        return bool(self.found.planes) and not self.tile.stores

    @property
    def rows(self) -> Expr:
        """How many rows the target has."""
        return product(counts(self.found, self.found.rows, exact=False))

    @property
    def planes(self) -> Expr:
        """How many planes of the wide operand are summed over."""
        return product(counts(self.found, self.found.planes, exact=False))


def outer_nests(found: Contraction, tile: Tile) -> Packed:
    """Its nests, buffers, numbers and parameters of a plan."""
    it = Outer(found, tile, frame(found, found.wide[0].axes))
    spare = add(quotient(Var(LANES), it.space.lane.pitch), const(1))
    layout = (
        *it.space.layout(),
        # A row that is dealt to residue classes runs over its end in the last block.
        Size("RW_", add(Var("R_"), spare) if classes_of(it.space, found.wide[0]) else Var("R_")),
        Size("M_", it.rows),
        Size("MT_", ceildiv(Var("M_"), tile.rows)),
        Size("KT_", product(counts(found, found.taps, exact=False))),
        Size("P_", it.planes),
        Size("PB_", _planes_at_once(it)),
        Size("G_", product(counts(found, found.groups, exact=False))),
        Size("LONG_", long_target(found)),
    )
    nests = (offsets_table(it), *narrow_nests(it, found), _main(it))
    parameters = (*(strip.parameter for strip in it.space.strips), *(("FB_",) if it.slabs else ()))
    runs = 2 if in_runs(it) and not tile.stores else 0
    return Packed(nests, tuple(_buffers(it)), layout, parameters, runs)


def _planes_at_once(it: Outer) -> Expr:
    """How many planes are packed before tiles run over them."""
    if not it.found.planes:
        return const(1)
    return largest([const(1), smallest([Var("FB_"), Var("P_")]) if it.slabs else Var("P_")])


def _buffers(it: Outer) -> Iterator[Buffer]:
    phases, lanes = const(phase_count(it.found)), Var(LANES)
    steps = mul(Var("P_"), Var("KT_"))
    for table in ("offsets", "distances") if it.in_place else ("offsets",):
        yield Buffer(name_of(table), ((phases,), (mul(Var("PB_"), Var("KT_")),)), "workspace", Scalar("offset"))
    for number, _ in enumerate(it.found.narrow):
        axes = ((Var("G_"),), (phases,), (Var("MT_"),), (steps,), (const(it.tile.rows),))
        yield Buffer(name_of("narrow", number), axes, "workspace")
    rows = ((Var("RW_"), it.space.lane.pitch),)
    classes = tuple((const(factor),) for _, factor in classes_of(it.space, it.found.wide[0]))
    slack = mul(const(2 + it.tile.blocks), lanes)
    for number, _ in enumerate(it.found.wide):
        packed = Buffer(name_of("wide", number), ((Var("PB_"),), *classes, *rows), "private", slack=slack)
        yield cleared(packed, *_runs_over(it.space))
    if it.tile.stores:
        return
    sums = ((mul(Var("MT_"), const(it.tile.rows)),), (phases,), (Var("RC_"), it.space.lane.pitch))
    for number, _ in enumerate(it.found.here):
        yield cleared(Buffer(name_of("here", number), sums, "private", slack=slack))
    yield Buffer(name_of("sums"), sums, "private", slack=slack)
    phase = it.found.phase(it.space.lane.loop)
    if phase is not None:
        line = mul(const(phase.modulus), add(it.space.lane.tile, Var(LANES)))
        yield Buffer(name_of("line"), ((line,),), "private")


def _runs_over(space: Frame) -> tuple[Expr, ...]:
    """When a last block of lanes reads what was not packed: behind several short rows, or always where rows between the
    cells of a box are not."""
    return () if len(space.strips) > 2 else (Compare("<", space.lane.pitch, Var(LANES)),)


def offsets_table(it: Outer) -> Nest:
    """Where each step finds the wide operand, from where a cell stands."""
    found = it.found
    names = found.taps
    index = (Var("plane_") if found.planes else const(0), *place_of_tap(it.space, found.wide[0]))
    position = add(mul(Var("plane_"), Var("taps_")), rank(found, names)) if found.planes else rank(found, names)
    stores = [Store(name_of("offsets"), (PHASE, position), Address(name_of("wide"), index))]
    if it.in_place:
        far = displacement(found.wide[0], {name: Var("plane_") for name in found.planes})
        stores.append(Store(name_of("distances"), (PHASE, position), far))
    fill: tuple[Stmt, ...] = in_taps(found, names, tuple(stores))
    fill = (For("plane_", const(0), Var("PB_"), fill),) if found.planes else fill
    body = in_phases(found, (Let("taps_", product(counts(found, names))), *fill))
    return Nest("z_", const(1), body, f"{it.target}: where each tap finds the packed operand", parallel=False)


def _main(it: Outer) -> Nest:
    found = it.found
    names = (*(f"{s.loop}_box_" for s in it.space.strips), *found.groups)
    sizes = (*it.space.boxes, *counts(found, found.groups, exact=False))
    work = _stored(it) if it.tile.stores else _summed(it)
    body = (*decoded(names, sizes, "z_"), *in_boxes(it.space), *work)
    wide = ", ".join(dict.fromkeys(operand.read.tensor for operand in found.wide))
    comment = (
        f"{it.target}: {wide} packed in flat rows; tiles of {it.tile.rows} rows by {it.tile.blocks} blocks of lanes"
    )
    return Nest("z_", product(sizes), body, comment)


def _stored(it: Outer) -> tuple[Stmt, ...]:
    """Every plane of the box packed, and tiles that store their sums in the target."""
    planes = Var("P_") if it.found.planes else const(1)
    return (Let("plane0_", const(0)), Let("planes_", planes), *_packed_wide(it), *stored_tiles(it))


def _summed(it: Outer) -> tuple[Stmt, ...]:
    """Planes packed and summed in slabs, and what the sums of the box become."""
    found = it.found
    here = tuple(s for number, read in enumerate(found.here) for s in _packed_here(it, number))
    blocks: list[Stmt] = [Let("blocks_", ceiling(it.space.span, Var(LANES)))]
    pack = _packed_wide(it)
    if it.in_place:
        blocks.append(Let("near_", _near(it)))
        pack = (If(Compare("==", Var("near_"), const(0)), pack), Let("base_", _base(it)))
    if found.planes:
        step = (
            Let("plane0_", mul(Var("PB_"), Var("slab_"))),
            Let("planes_", smallest([Var("PB_"), sub(Var("P_"), Var("plane0_"))])),
            *pack,
            *register_tiles(it),
        )
        work: tuple[Stmt, ...] = (For("slab_", const(0), ceiling(Var("P_"), Var("PB_")), step),)
    else:
        work = (Let("plane0_", const(0)), Let("planes_", const(1)), *pack, *register_tiles(it))
    return (*here, *blocks, *work, *unpacked(it))


def _near(it: Outer) -> Expr:
    """Whether the wide operand of the box at hand is read where it lies."""
    found, operand = it.found, it.found.wide[0]
    last = {name: sub(extent(found, name)[1], const(1)) for name in found.planes}
    over = sub(mul(Var("blocks_"), Var(LANES)), it.space.span)
    reach = reaches_inside(it.space, operand)
    return all_hold((*same_pitches(it.space, operand), *reach, ends_inside(it.space, operand, last, over)))


def _base(it: Outer) -> Expr:
    """Where the planes at hand begin in what is read."""
    planes = {name: add(Var("plane0_"), extent(it.found, name)[0]) for name in it.found.planes}
    return Select(Compare("==", Var("near_"), const(0)), const(0), base(it.space, it.found.wide[0], planes))


def _packed_wide(it: Outer) -> tuple[Stmt, ...]:
    """The planes of this step."""
    found = it.found
    chosen = add(Var("plane0_"), Var("plane_"))
    planes = {name: add(chosen, extent(found, name)[0]) for name in found.planes}
    plane = Var("plane_") if found.planes else const(0)
    body = tuple(
        statement
        for number, operand in enumerate(found.wide)
        for statement in packed_operand(it.space, operand, name_of("wide", number), plane, planes, Var("R_"), False)
    )
    return (For("plane_", const(0), Var("planes_"), body),)


def _packed_here(it: Outer, number: int) -> tuple[Stmt, ...]:
    """Operands at the target's own cell, laid out as the sums are."""
    found, space, read = it.found, it.space, it.found.here[number]
    sources = target_sources(it)
    named = {strip.loop: Var(f"{strip.loop}_at_") for strip in space.strips[:-1]}

    def index(k: Expr) -> tuple[Expr, ...]:
        at = {**named, space.lane.loop: k}
        values = {loop: add(Var(f"{loop}_start_"), at[loop]) for loop in found.flats}
        return tuple(substitute(integer(form), values) for form in read.index)

    prefix = (Var("row_"), PHASE, space.row(named.values()))
    body = copied_row(
        name_of("here", number),
        prefix,
        read.tensor,
        index,
        sources[space.lane.loop],
        inside(sources, named),
        space.lane.pitch,
    )
    for strip in reversed(space.strips[:-1]):
        body = (For(f"{strip.loop}_at_", const(0), strip.size, body),)
    cell = tuple(Let(name, Var("row_")) for name in found.rows)
    return (For("row_", const(0), Var("M_"), (*cell, *in_phases(found, body))),)
