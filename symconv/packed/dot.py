"""The dot form: lanes across contributions. Both operands in flat rows of one pitch, lanes summed at the end of a box.

Boxes are dealt to chunks whose number the plan fixes, so that results do not depend on the number of threads; every
chunk sums its boxes in order, and a last nest sums the chunks in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from symconv.loops.arith import add, ceildiv, const, largest, mul, simplify, smallest, sub
from symconv.loops.ir import (
    LANES,
    Address,
    Buffer,
    Compare,
    Expr,
    For,
    Let,
    Nest,
    Scalar,
    Size,
    Stmt,
    Store,
    StoreLanes,
    Var,
)
from symconv.loops.scalars import integer
from symconv.loops.traverse import rewrite, substitute
from symconv.packed.chunks import added_chunks, target_flat
from symconv.packed.contraction import Contraction
from symconv.packed.dot_micro import dot_tiles, unless_near
from symconv.packed.frame import Frame, apart, ceiling, cleared, frame, product, quotient
from symconv.packed.inplace import displacement, gapless, readable
from symconv.packed.loops import counts, decoded, in_boxes, in_taps, rank
from symconv.packed.outer import Packed
from symconv.packed.pack import classes_of, packed_operand, place_of_tap, still_operand

__all__ = [
    "Dot",
    "DotTile",
    "columns_table",
    "dot_buffers",
    "dot_layout",
    "dot_nests",
    "dot_parameters",
    "main_nest",
    "plane_of",
    "rows_of_item",
]


@dataclass(frozen=True, slots=True)
class DotTile:
    """Vector accumulators of the micro-kernel: ``rows`` of the first operand times ``columns`` of the second.

    ``in_place``: boxes of an operand that lie in memory as flat rows would are read there.
    """

    rows: int
    columns: int
    in_place: bool = False


@dataclass(frozen=True)
class Dot:
    """Everything the parts of one kernel share."""

    found: Contraction
    tile: DotTile
    space: Frame
    products: int = 1
    """How many transformed points have sums of their own; 1 where sums are direct."""

    @property
    def target(self) -> str:
        """The name of the result."""
        return self.found.statement.target.name

    def name(self, what: str) -> str:
        """A buffer's name."""
        return f"{what}_"

    @property
    def by_columns(self) -> bool:
        """Whether the sums of a tile lie column by column: then those of one row are every so many elements apart."""
        return self.products == 1

    @property
    def near(self) -> tuple[bool, bool]:
        """Whether boxes of the first and of the second operand may be read where they lie."""
        if not self.tile.in_place or self.products != 1:
            return False, False
        return gapless(self.found, self.found.wide[1]), readable(self.found, self.found.wide[1])

    @property
    def planes(self) -> tuple[str, ...]:
        """The columns that choose a plane of the second operand; the others move along it."""
        return tuple(n for n in self.found.columns if n not in self.found.taps)


def dot_nests(found: Contraction, tile: DotTile) -> Packed:
    """Its nests, buffers, numbers and parameters of a plan."""
    it = Dot(found, tile, frame(found, found.wide[1].axes))
    pack = (*unless_near(it, 0, _packed_rows(it)), *unless_near(it, 1, _packed_columns(it)))
    nests = (columns_table(it), main_nest(it, pack), added_chunks(it))
    return Packed(nests, tuple(dot_buffers(it)), dot_layout(it), dot_parameters(it), target_flat(it))


def dot_parameters(it: Dot) -> tuple[str, ...]:
    """The numbers of a plan."""
    return (*(strip.parameter for strip in it.space.strips), "S_", "MB_", "NB_")


def dot_layout(it: Dot) -> tuple[Size, ...]:
    """The numbers that follow from sizes and parameters."""
    found, tile = it.found, it.tile
    return (
        *it.space.layout(),
        # The last block of lanes runs over the end of the box.
        Size("RA_", add(add(it.space.whole_rows, quotient(Var(LANES), it.space.lane.pitch)), const(1))),
        Size("RB_", mul(Var(LANES), ceiling(mul(Var("RA_"), it.space.lane.pitch), Var(LANES)))),
        Size("RG_", add(add(it.space.gap_rows, quotient(Var(LANES), it.space.lane.pitch)), const(1))),
        Size("M_", product(counts(found, found.rows, exact=False))),
        Size("MT_", ceildiv(Var("M_"), tile.rows)),
        Size("N_", product(counts(found, found.columns, exact=False))),
        Size("NT_", ceildiv(Var("N_"), tile.columns)),
        Size("P_", product(counts(found, it.planes, exact=False))),
        Size("PP_", Var("P_") if it.products == 1 else apart(Var("P_"))),
        Size("G_", product(counts(found, found.groups, exact=False))),
        Size("BX_", product(it.space.boxes)),
        Size("SC_", smallest([Var("S_"), Var("BX_")])),
        Size("RT_", largest([const(1), smallest([ceildiv(Var("MB_"), tile.rows), Var("MT_")])])),
        Size("RN_", ceiling(Var("MT_"), Var("RT_"))),
        Size("NC_", largest([const(1), smallest([ceildiv(Var("NB_"), tile.columns), Var("NT_")])])),
    )


def dot_buffers(it: Dot) -> Iterator[Buffer]:
    """Tables, sums of every chunk, and both operands of a box."""
    lanes, rows, columns, points = Var(LANES), const(it.tile.rows), const(it.tile.columns), const(it.products)
    entries = mul(Var("NT_"), columns)
    for table in ("offsets", "distances") if it.near[1] else ("offsets",):
        yield Buffer(it.name(table), ((entries,),), "workspace", Scalar("offset"))
    for number, _ in enumerate(it.found.here):
        yield Buffer(it.name(f"places{number}"), ((entries,),), "workspace", Scalar("offset"))
    tiles = ((Var("NT_"), columns, rows),) if it.by_columns else ((Var("NT_"),), (rows, columns))
    sums = ((Var("G_"),), (Var("SC_"),), (points,), (Var("MT_"),), *tiles)
    yield Buffer(it.name("sums"), sums, "workspace", slack=lanes)
    across = ((Var("RB_"),),) if it.by_columns else ((Var("RA_"), it.space.lane.pitch),)
    still = ((mul(points, mul(Var("RT_"), rows)),), *across)
    # Rows and columns that only fill the last tile: those are not packed, these may point to a class that no tap reads.
    spare = Compare("!=", Var("M_"), mul(Var("MT_"), rows))
    yield cleared(Buffer(it.name("rows"), still, "private", slack=mul(const(2), lanes)), spare)
    classes: tuple[tuple[Expr, ...], ...] = tuple(
        (const(factor),) for _, factor in classes_of(it.space, it.found.wide[1])
    )
    moved = ((mul(points, Var("PP_")),), *classes, (Var("RG_"), it.space.lane.pitch))
    pack = Buffer(it.name("columns"), moved, "private", slack=mul(const(2), lanes))
    yield cleared(pack, Compare("!=", Var("N_"), mul(Var("NT_"), columns))) if classes else pack


def plane_of(it: Dot) -> Expr:
    """The number of a plane of the second operand."""
    return rank(it.found, it.planes)


def columns_table(it: Dot) -> Nest:
    """Where each column finds the second operand; columns that only fill the last tile point to its first element."""
    found = it.found
    position = rank(found, found.columns)
    index = (plane_of(it), *place_of_tap(it.space, found.wide[1]))
    stores: list[Stmt] = [Store(it.name("offsets"), (position,), Address(it.name("columns"), index))]
    spare: list[Stmt] = [Store(it.name("offsets"), (Var("at_"),), const(0))]
    if it.near[1]:
        far = displacement(found.wide[1], {name: Var(name) for name in it.planes})
        stores.append(Store(it.name("distances"), (position,), far))
        # Not 0: where every tap lies to the left of its output, that element is further than any that counts.
        first = simplify(substitute(far, dict.fromkeys(found.columns, const(0))))
        spare.append(Store(it.name("distances"), (Var("at_"),), first))
    for number, read in enumerate(found.here):
        still: dict[str, Expr] = dict.fromkeys((*found.rows, *found.groups), const(0))
        place = tuple(substitute(integer(form), still) for form in read.index)
        stores.append(Store(it.name(f"places{number}"), (position,), Address(read.tensor, place)))
        spare.append(Store(it.name(f"places{number}"), (Var("at_"),), const(0)))
    entries = mul(Var("NT_"), const(it.tile.columns))
    body = (*in_taps(found, found.columns, tuple(stores)), For("at_", Var("N_"), entries, tuple(spare)))
    return Nest("z_", const(1), body, f"{it.target}: where each column finds its packed operand", parallel=False)


def main_nest(it: Dot, pack: tuple[Stmt, ...]) -> Nest:
    """Chunk by chunk and row block by row block: pack each box, then run the register tiles."""
    found = it.found
    names = (*found.groups, "chunk_of_", "rows_of_")
    sizes = (*counts(found, found.groups, exact=False), Var("SC_"), Var("RN_"))
    first = Let("rowblock0_", mul(Var("rows_of_"), Var("RT_")))
    count = Let("rowblocks_", smallest([Var("RT_"), sub(Var("MT_"), Var("rowblock0_"))]))
    begin = quotient(mul(Var("chunk_of_"), Var("BX_")), Var("SC_"))
    end = quotient(mul(add(Var("chunk_of_"), const(1)), Var("BX_")), Var("SC_"))
    boxes = decoded(tuple(f"{s.loop}_box_" for s in it.space.strips), it.space.boxes, "box_")
    work = (*boxes, *in_boxes(it.space), *pack, *dot_tiles(it))
    body = (*decoded(names, sizes, "z_"), first, count, Let("box0_", begin), For("box_", Var("box0_"), end, work))
    tensors = " and ".join(dict.fromkeys(operand.read.tensor for operand in found.wide))
    tile = f"{it.tile.rows} rows by {it.tile.columns} columns"
    return Nest(
        "z_", product(sizes), body, f"{it.target}: {tensors} packed in flat rows; tiles of {tile}, lanes summed"
    )


def rows_of_item(it: Dot) -> Expr:
    """How many rows the row blocks at hand hold."""
    rows = const(it.tile.rows)
    return smallest([mul(Var("rowblocks_"), rows), sub(Var("M_"), mul(Var("rowblock0_"), rows))])


def _packed_rows(it: Dot) -> tuple[Stmt, ...]:
    """The rows of this item, each with zeros in its gaps."""
    found = it.found
    row = add(mul(Var("rowblock0_"), const(it.tile.rows)), Var("row_"))
    cell: dict[str, Expr] = dict.fromkeys(found.rows, row)
    body = still_operand(it.space, found.wide[0], it.name("rows"), Var("row_"), cell, Var("RA_"))
    return (For("row_", const(0), rows_of_item(it), tuple(_in_whole_blocks(it, part) for part in body)),)


def _in_whole_blocks(it: Dot, statement: Stmt) -> Stmt:
    """Stores into a row of the tile as one line: rows are whole blocks of lanes apart, so that no load of one lies in
    two lines of the cache."""
    pitch = it.space.lane.pitch

    def rule(node: object) -> object:
        match node:
            case Store(buffer, (plane, row, at)) | StoreLanes(buffer, (plane, row, at)) if buffer == it.name("rows"):
                return replace(node, index=(plane, add(mul(row, pitch), at)))
        return node

    result: Stmt = rewrite(statement, rule)
    return result


def _packed_columns(it: Dot) -> tuple[Stmt, ...]:
    """Every plane of the second operand, with the halo that columns reach."""
    body = packed_operand(it.space, it.found.wide[1], it.name("columns"), plane_of(it), {}, Var("RG_"), True)
    return in_taps(it.found, it.planes, body)
