"""The stencil whose lanes are cells: rows of the target, each a sum over rows of the operand that its taps reach."""

from __future__ import annotations

from collections.abc import Iterator

from symconv.loops.arith import add, const, largest, mul, smallest, sub
from symconv.loops.cells import FAR
from symconv.loops.ir import (
    LANES,
    VECTOR,
    Buffer,
    Compare,
    Declare,
    Expr,
    For,
    If,
    Lanes,
    Let,
    LoadLanes,
    Nest,
    Outlined,
    Scalar,
    Select,
    Size,
    Splat,
    Stmt,
    StoreLanes,
    StoreZip,
    Var,
)
from symconv.loops.scalars import integer, scalar
from symconv.loops.tile import neutral
from symconv.packed.frame import ceiling, extent, product, quotient
from symconv.packed.loops import counts, decoded
from symconv.packed.outer import Packed
from symconv.packed.stencil import (
    MASK,
    Values,
    at,
    both,
    in_a_row,
    inside_lanes,
    tap_range,
    vanishes,
    wanted,
)
from symconv.packed.stencil_form import Cells
from symconv.packed.stencil_sums import sums
from symconv.packed.unpack import around, woven

__all__ = ["cells_nests"]


def cells_nests(it: Cells) -> Packed:
    """Its nest, buffers, numbers and parameter of a plan."""
    found, (row, lane) = it.found, it.found.flats[-2:]
    layout = []
    for loop in found.flats:
        lower, upper = extent(found, loop)
        layout += [Size(f"F_{loop}_", lower), Size(f"Q_{loop}_", largest([const(0), sub(upper, lower)]))]
    layout.append(Size(f"B_{row}_", largest([const(1), smallest([Var(f"T_{row}_"), Var(f"Q_{row}_")])])))
    layout.append(Size("Z_", product(size for _, size in _digits(it, row, lane))))
    layout.append(Size("ZB_", largest([const(1), smallest([Var("TZ_"), Var("Z_")])])))
    buffers = []
    if len(it.lanes) > 1:
        buffers.append(Buffer("line_", ((mul(const(len(it.lanes)), Var(LANES)),),), "private"))
    return Packed((_main(it, row, lane),), tuple(buffers), tuple(layout), (f"T_{row}_", "TZ_"))


def _digits(it: Cells, row: str, lane: str) -> tuple[tuple[str, Expr], ...]:
    """What chooses a strip of rows, and how many values each has: whole planes of the target, then strips."""
    found = it.found
    whole = [name for form in found.solution.target for name in sorted(form.names() & set(found.solution.cells))]
    outer = [name for name in whole if name not in (row, lane)]
    sizes = [Var(f"Q_{n}_") if n in found.flats else counts(found, (n,), exact=False)[0] for n in outer]
    names = [f"{n}_box_" if n in found.flats else n for n in outer]
    strips = ceiling(Var(f"Q_{row}_"), Var(f"B_{row}_"))
    return (*zip(names, sizes, strict=True), (f"{row}_box_", strips))


def _main(it: Cells, row: str, lane: str) -> Nest:
    """Strips of rows in the order of memory, several in one function: what they share is computed once."""
    found = it.found
    digits = _digits(it, row, lane)
    lets = decoded(tuple(name for name, _ in digits), tuple(size for _, size in digits), "strip_")
    outer = found.flats[:-2]
    shifted = tuple(Let(n, add(Var(f"F_{n}_"), Var(f"{n}_box_"))) for n in outer)
    begin = mul(Var(f"B_{row}_"), Var(f"{row}_box_"))
    start = Let(f"{row}_start_", add(Var(f"F_{row}_"), begin))
    size = Let(f"{row}_size_", smallest([Var(f"B_{row}_"), sub(Var(f"Q_{row}_"), begin)]))
    body = tuple(s for one in it.apart for s in _outside(one))
    first = mul(Var("ZB_"), Var("z_"))
    strips = For("strip_", first, smallest([add(first, Var("ZB_")), Var("Z_")]), (*lets, *shifted, start, size, *body))
    tensors = ", ".join(dict.fromkeys(operand.read.tensor for operand in found.wide))
    comment = f"{found.statement.target.name}: {tensors} read in place, {it.in_work} rows at once"
    return Nest("z_", ceiling(Var("Z_"), Var("ZB_")), (Outlined(f"stencil{it.in_work}", (strips,)),), comment)


def _outside(it: Cells) -> Iterator[Stmt]:
    """One residue class of each loop outside of rows, where it has the cells at hand."""
    body = tuple(s for number, _ in enumerate(it.rows) for s in _class(it, number))
    for loop in it.found.flats[:-2]:
        if it.found.phase(loop) is not None:
            lower, upper = tap_range(it.found, loop, dict(it.outer[0].values))
            body = (If(both(Compare(">=", Var(loop), lower), Compare("<", Var(loop), upper)), body),)
    yield from body


def _class(it: Cells, number: int) -> tuple[Stmt, ...]:
    """The rows of one residue class in the strip at hand."""
    row, rows = it.found.flats[-2], it.in_work
    lower, upper = tap_range(it.found, row, dict(it.rows[number].values))
    start, behind = Var(f"{row}_start_"), add(Var(f"{row}_start_"), Var(f"{row}_size_"))
    begin, end = Let("from_", largest([start, lower])), Let("to_", smallest([behind, upper]))
    blocks = Let("blocks_", quotient(largest([const(0), sub(Var("to_"), Var("from_"))]), const(rows)))
    at_row = Let("row_", add(Var("from_"), mul(const(rows), Var("rowblock_"))))
    several = For("rowblock_", const(0), Var("blocks_"), (at_row, *_lanes(it, number, rows)))
    rest = add(Var("from_"), mul(const(rows), Var("blocks_")))
    single = For("row_", rest, Var("to_"), _lanes(it, number, 1))
    loops = (several, single) if rows > 1 else (several,)
    return (begin, end, blocks, *loops)


def _lanes(it: Cells, number: int, rows: int) -> tuple[Stmt, ...]:
    """Some rows, block of lanes by block of lanes; without residue classes the last block overlaps the one before."""
    if it.tile.whole:
        start = tuple(s for r in range(rows) for s in _started(it, f"{r}_0_"))
        ahead = tuple(_wanted(it, number, rows)) if rows > 1 else ()
        return (Let("at_", const(0)), *start, *ahead, *sums(it, number, rows, True), *_stored(it, number, rows))
    found, lane, step = it.found, it.found.flats[-1], mul(Var(LANES), Var("laneblock_"))
    if len(it.lanes) > 1:
        size = found.statement.target.axes[-1][-1]
        blocks = ceiling(integer(size), mul(const(len(it.lanes)), Var(LANES)))
        first: Expr = step
    else:
        blocks = ceiling(Var(f"Q_{lane}_"), Var(LANES))
        first = largest([const(0), smallest([step, sub(Var(f"Q_{lane}_"), Var(LANES))])])
        first = add(Var(f"F_{lane}_"), first)
    fixed = [dict((*it.rows[number].values, *residue.values)) for residue in it.lanes]
    inner: Expr = const(1) if len(it.lanes) > 1 else Compare(">=", Var(f"Q_{lane}_"), Var(LANES))
    for residue, values in zip(it.lanes, fixed, strict=True):
        inside = inside_lanes(found, it.lane, values, add(Var("at_"), const(residue.first)))
        inner = inside if inner == const(1) else both(inner, inside)
    start = tuple(s for r in range(rows) for c in range(len(it.lanes)) for s in _started(it, f"{r}_{c}_"))
    body = (
        Let("at_", first),
        *start,
        *(_wanted(it, number, rows) if rows > 1 else ()),
        *_everywhere(it, number, rows, inner),
        *(_zipped(it, number, rows) if len(it.lanes) > 1 else _stored(it, number, rows)),
    )
    return (For("laneblock_", const(0), blocks, body),)


def _started(it: Cells, name: str) -> Iterator[Stmt]:
    """A sum, or an extreme and its position."""
    yield Declare(f"acc{name}", Splat(neutral(it.found.extreme or "+")), Scalar("real", VECTOR))
    if it.found.placed:
        yield Declare(f"at{name}", Splat(FAR), Scalar("index", VECTOR))


def _everywhere(it: Cells, number: int, rows: int, inner: Expr) -> tuple[Stmt, ...]:
    """The sums where all lanes lie in the operand, and where some may not; one text where masks cost little."""
    masked = tuple(sums(it, number, rows, True))
    if vanishes(it.found) and it.lane.factor == 1 and not it.found.extreme:
        return masked
    return (
        Let("inner_", Select(inner, const(1), const(0))),
        If(Compare("==", Var("inner_"), const(1)), tuple(sums(it, number, rows, False))),
        If(Compare("==", Var("inner_"), const(0)), masked),
    )


def _wanted(it: Cells, number: int, rows: int) -> Iterator[Stmt]:
    found, (row, lane) = it.found, it.found.flats[-2:]
    fixed = dict((*it.rows[number].values, *it.lanes[0].values))
    for operand in found.wide:
        yield from wanted(found, operand, rows, fixed, {row: Var("row_"), lane: Var("at_")})
    if (len(it.rows) > 1 or len(it.lanes) > 1) and number == 0:
        # Of a target in residue classes more is written than read.
        place = next(p for p, form in enumerate(found.solution.target) if form.coefficient(row))
        each = rows * len(it.rows)
        yield from in_a_row(
            found.statement.target.name, list(_cell(it, fixed, 0)), place, each, each * len(it.lanes),
            {lane: Var("at_")},
        )  # fmt: skip


def _cell(it: Cells, fixed: Values, r: int) -> tuple[Expr, ...]:
    known: dict[str, Expr] = {it.found.flats[-2]: add(Var("row_"), const(r)), it.found.flats[-1]: Var("at_")}
    return tuple(at(form, fixed, known) for form in it.found.solution.target)


def _stored(it: Cells, number: int, rows: int) -> Iterator[Stmt]:
    """Every row as it stands; of fewer cells than lanes only these."""
    found, few = it.found, Var(f"Q_{it.found.flats[-1]}_")
    fixed = dict((*it.rows[number].values, *it.lanes[0].values))

    def stores(mask: str) -> Iterator[Stmt]:
        for r in range(rows):
            index = _cell(it, fixed, r)
            named = dict(zip(found.statement.indices, index, strict=True))
            value = around(found, Var(f"{'at' if found.placed else 'acc'}{r}_0_"), named, 1, mask)
            yield StoreLanes(found.statement.target.name, index, 1, mask, "=", value)

    yield If(Compare(">=", few, Var(LANES)), tuple(stores("")))
    yield If(Compare("<", few, Var(LANES)), (Declare("some_", Lanes(const(0), few), MASK), *stores("some_")))


def _zipped(it: Cells, number: int, rows: int) -> Iterator[Stmt]:
    """Residue classes woven together, straight into the target where all lanes lie in it."""
    found, modulus = it.found, len(it.lanes)
    name, size = found.statement.target.name, integer(found.statement.target.axes[-1][-1])
    fixed = dict(it.rows[number].values)
    start = mul(const(modulus), Var("at_"))
    whole = Compare("<=", add(start, mul(const(modulus), Var(LANES))), size)
    cells = [(*_cell(it, fixed, r)[:-1], start) for r in range(rows)]
    sums = [tuple(Var(f"acc{r}_{c}_") for c in range(modulus)) for r in range(rows)]
    plain = scalar(found.statement.expr, {found.reduce: Var("total_")}, frozenset()) == Var("total_")
    pieces: list[Stmt] = []
    for k in range(modulus):
        place = add(start, mul(const(k), Var(LANES)))
        pieces.append(Declare(f"piece{k}_", Lanes(const(0), sub(size, place)), MASK))
    for r in range(rows):
        pieces.append(StoreZip("line_", (const(0),), sums[r]))
        for k in range(modulus):
            index = (*cells[r][:-1], add(start, mul(const(k), Var(LANES))))
            lanes = LoadLanes("line_", (mul(const(k), Var(LANES)),), 1, f"piece{k}_")
            pieces.append(StoreLanes(name, index, 1, f"piece{k}_", "=", woven(found, lanes, index)))
    if plain:
        yield If(whole, tuple(StoreZip(name, cell, values) for cell, values in zip(cells, sums, strict=True)))
        pieces = [If(Compare(">", add(start, mul(const(modulus), Var(LANES))), size), tuple(pieces))]
    yield from pieces
