"""The stencil whose lanes are contributions: one vector of sums for each tap, kept over the rows of a plane.

The outer positions (as images of a batch) are dealt to chunks that the plan fixes, so that results do not depend on the
number of threads; a last nest sums the chunks of every cell in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import product as combinations

from symconv.loops.arith import add, const, largest, mul, smallest, sub
from symconv.loops.ir import (
    LANES,
    VECTOR,
    Address,
    Buffer,
    Compare,
    Declare,
    Expr,
    For,
    If,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Nest,
    Outlined,
    Scalar,
    Select,
    Shift,
    Size,
    Splat,
    Stmt,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.scalars import integer, scalar
from symconv.loops.traverse import rewrite, substitute
from symconv.packed.copying import ZERO
from symconv.packed.frame import ceiling, extent, product, quotient
from symconv.packed.loops import counts, decoded, in_taps, rank
from symconv.packed.outer import Packed
from symconv.packed.stencil import (
    MASK,
    at,
    behind,
    both,
    inside_lanes,
    loaded,
    mask_of,
    moved,
    read_as_load,
    tap_range,
    taps_along,
    vanishes,
    wanted,
    within,
)
from symconv.packed.stencil_folds import FOUR, cleared, combined, folded
from symconv.packed.stencil_form import Steps

__all__ = ["steps_nests"]


def steps_nests(it: Steps) -> Packed:
    """Its nests, buffers, numbers and parameter of a plan."""
    found = it.found
    layout = []
    for loop in found.flats:
        lower, upper = extent(found, loop)
        layout += [Size(f"F_{loop}_", lower), Size(f"Q_{loop}_", largest([const(0), sub(upper, lower)]))]
    layout += [
        Size("BX_", product(Var(f"Q_{loop}_") for loop in found.flats[:-2])),
        Size("SC_", smallest([Var("S_"), largest([const(1), Var("BX_")])])),
        Size("M_", product(counts(found, found.rows, exact=False))),
        Size("G_", product(counts(found, found.groups, exact=False))),
        Size("GB_", largest([const(1), smallest([Var("TG_"), Var("G_")])])),
        Size("N_", product(counts(found, found.columns, exact=False))),
        Size("NT_", ceiling(Var("N_"), const(FOUR))),
    ]
    cells = mul(const(FOUR), Var("NT_"))
    parts = ((Var("G_"),), (Var("M_"),), (Var("SC_"),), (cells,))
    sums = ((Var("GB_"),), (Var("M_"),), (cells,), (Var(LANES),))
    buffers = (Buffer("parts_", parts, "workspace"), Buffer("sums_", sums, "private"))
    return Packed((_main(it), combined(it)), buffers, tuple(layout), ("TG_", "S_"))


def _main(it: Steps) -> Nest:
    """Planes in the order of memory: outer positions of a chunk, then the groups of a block, then their rows."""
    found = it.found
    sizes = (Var("SC_"), ceiling(Var("G_"), Var("GB_")))
    first = Let("group0_", mul(Var("GB_"), Var("block_")))
    count = Let("groups_", smallest([Var("GB_"), sub(Var("G_"), Var("group0_"))]))
    begin = quotient(mul(Var("chunk_of_"), Var("BX_")), Var("SC_"))
    end = quotient(mul(add(Var("chunk_of_"), const(1)), Var("BX_")), Var("SC_"))
    outer = found.flats[:-2]
    boxes = decoded(tuple(f"{n}_box_" for n in outer), tuple(Var(f"Q_{n}_") for n in outer), "box_")
    shifted = tuple(Let(n, add(Var(f"F_{n}_"), Var(f"{n}_box_"))) for n in outer)
    planes = (*boxes, *shifted, *_in_cells(it, tuple(_planes(it))))
    every = For("box_", begin, end, planes) if outer else For("box_", const(0), const(1), planes)
    masks = _masks(it) if it.tile.whole else ()
    body = (cleared(), Outlined(f"stencil{it.tile.rows}x{it.tile.taps}", (*masks, every)), folded())
    tensors = " and ".join(dict.fromkeys(operand.read.tensor for operand in found.wide))
    comment = f"{found.statement.target.name}: {tensors} read in place, {it.tile.rows} rows at once, lanes summed"
    made = (*decoded(("chunk_of_", "block_"), sizes, "z_"), first, count, *body)
    return Nest("z_", product(sizes), made, comment)


def _masks(it: Steps) -> Iterator[Stmt]:
    """Where rows are whole: the lanes of both operands in each vector, and those that each tap finds."""
    cells = Var(f"Q_{it.found.flats[-1]}_")
    if it.tile.moves:
        yield mask_of("whole_mask_", it.lane, const(0))
    for block in range(it.tile.whole):
        start = mul(const(block), Var(LANES))
        left = sub(cells, start)
        if not it.alone:
            yield Declare(_mask(it, block), Lanes(const(0), left), MASK)
        for c in range(it.tile.across):
            column = add(start, const(moved(it.lane, it.taps(0, c))))
            yield mask_of(_mask(it, block, c), it.lane, column, left)


def _mask(it: Steps, block: int, c: int | None = None) -> str:
    """The lanes of a block that are cells, or of these the ones that a tap finds."""
    own = f"{block}_" if it.tile.whole else ""
    return f"mask_{own}" if c is None else f"mask{c}_{own}"


def _in_cells(it: Steps, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """The body for every group of the block at hand and every row."""
    found = it.found
    group = Let("whole_", add(Var("group0_"), Var("group_")))
    groups = decoded(found.groups, counts(found, found.groups, exact=False), "whole_")
    rows = decoded(found.rows, counts(found, found.rows, exact=False), "rank_")
    inner = For("rank_", const(0), Var("M_"), (*rows, *body))
    return (For("group_", const(0), Var("groups_"), (group, *groups, inner)),)


def _planes(it: Steps) -> tuple[Stmt, ...]:
    """Every pair of planes at the outer position at hand, under taps that are not unrolled."""
    found = it.found
    fixed = {it.along.tap, *((it.across.tap,) if it.across else ())}
    body: tuple[Stmt, ...] = tuple(_plane(it))
    for axis in found.wide[1].axes:
        if axis.loop in found.flats[:-2] and found.padded and taps_along(found, axis):
            body = (within(integer(axis.form), integer(axis.length), body),)
    return in_taps(found, tuple(n for n in found.columns if n not in fixed), body)


def _plane(it: Steps) -> Iterator[Stmt]:
    """The rows of a plane into the sums of its taps."""
    found, rows = it.found, it.tile.rows
    row = found.flats[-2]
    for k, c in it.cells:
        for chain in range(it.chains):
            yield Declare(f"acc{k}_{c}_{chain}_", Splat(ZERO), Scalar("real", VECTOR))
        for n, read in enumerate(found.here):
            cell = loaded(read, it.taps(k, c), {})
            yield Declare(f"here{n}_{k}_{c}_", Splat(cell), Scalar("real", VECTOR))
    yield Let("blocks_", quotient(Var(f"Q_{row}_"), const(rows)))
    first = add(Var(f"F_{row}_"), mul(const(rows), Var("rowblock_")))
    yield For("rowblock_", const(0), Var("blocks_"), (Let("row_", first), *_lanes(it, rows)))
    begin = add(Var(f"F_{row}_"), mul(const(rows), Var("blocks_")))
    yield For("row_", begin, add(Var(f"F_{row}_"), Var(f"Q_{row}_")), _lanes(it, 1))
    for k, c in it.cells:
        known: dict[str, Expr] = {name: const(number) for name, number in it.taps(k, c).items()}
        place = substitute(rank(found, found.columns), known)
        chains: list[Expr] = [Var(f"acc{k}_{c}_{chain}_") for chain in range(it.chains)]
        value = reduce(add, chains)
        yield StoreLanes("sums_", (Var("group_"), Var("rank_"), place, const(0)), 1, "", "+", value)


def _lanes(it: Steps, rows: int) -> tuple[Stmt, ...]:
    found, lane = it.found, it.found.flats[-1]
    end = add(Var(f"F_{lane}_"), Var(f"Q_{lane}_"))
    first = add(Var(f"F_{lane}_"), mul(Var(LANES), Var("laneblock_")))
    whole = Compare("<=", add(Var("at_"), Var(LANES)), end)
    inner = both(whole, inside_lanes(found, it.lane, {}, Var("at_")))
    base = at(it.row.form, {it.along.tap: 0}, {found.flats[-2]: Var("row_")})
    if it.tile.whole:
        each = [(Let("at_", mul(const(n), Var(LANES))), *_products(it, rows, True, n)) for n in range(it.tile.whole)]
        return (Let("base_", base), *(s for block in each for s in block))
    masked = tuple(_products(it, rows, True))
    body: tuple[Stmt, ...] = (
        Let("inner_", Select(inner, const(1), const(0))),
        If(Compare("==", Var("inner_"), const(1)), tuple(_products(it, rows, False))),
        If(Compare("==", Var("inner_"), const(0)), masked),
    )
    # Where a mask costs next to nothing one text is enough.
    body = masked if vanishes(found) and it.lane.factor == 1 else body
    blocks = ceiling(Var(f"Q_{lane}_"), Var(LANES))
    return (Let("base_", base), For("laneblock_", const(0), blocks, (Let("at_", first), *body)))


def _products(it: Steps, rows: int, masked: bool, block: int = 0) -> Iterator[Stmt]:
    """What a block of lanes of some rows gives to every sum."""
    found, (row, lane) = it.found, it.found.flats[-2:]
    left = sub(add(Var(f"F_{lane}_"), Var(f"Q_{lane}_")), Var("at_"))
    alone = masked and it.alone
    if masked and not alone and not it.tile.whole:
        yield Declare("mask_", Lanes(const(0), left), MASK)
    for c in range(it.tile.across if not it.tile.whole else 0):
        yield Let(f"column{c}_", at(it.lane.form, it.taps(0, c) if it.across else {}, {lane: Var("at_")}))
        if masked:
            yield mask_of(f"mask{c}_", it.lane, Var(f"column{c}_"), left)
    if rows > 1 and block == 0:
        yield from _ahead(it, rows)
    here: dict[str, Expr] = {row: Var("row_"), lane: Var("at_")}
    yield Let("first_at_", Address(found.wide[0].read.tensor, loaded(found.wide[0].read, {}, here).index))
    start: dict[str, Expr] = {row: Var("base_"), lane: _column(it)}
    index = tuple(start[a.loop] if a.loop in start else integer(a.form) for a in found.wide[1].axes)
    yield Let("second_at_", Address(found.wide[1].read.tensor, index))
    every = tuple(range(it.tile.across))
    for columns in [(c,) for c in every] if alone else [every]:
        own = _mask(it, block, columns[0] if alone else None) if masked else ""
        found_by = [_mask(it, block, c) if masked else "" for c in every]
        yield from _rows(it, rows, columns[0], own)
        yield from _sums(it, rows, columns, found_by, not alone)


def _column(it: Steps) -> Expr:
    """Where the lanes begin that the first tap finds."""
    if not it.tile.whole:
        return Var("column0_")
    return const(0) if it.tile.moves else add(Var("at_"), const(moved(it.lane, it.taps(0, 0))))


def _rows(it: Steps, rows: int, c: int, mask: str) -> Iterator[Stmt]:
    """Lanes of the operand at the cells themselves."""
    operand, row = it.found.wide[0], it.found.flats[-2]
    for r in range(rows):
        steps = tuple(const(a.factor * r if a.loop == row else 0) for a in operand.axes)
        one = behind(it.found, operand.read.tensor, steps, "first_at_")
        lanes = LoadLanes(one.buffer, one.index, 1, mask, one.offset)
        yield Declare(f"row{r}_{c}_", lanes, Scalar("real", VECTOR))


def _sums(it: Steps, rows: int, columns: tuple[int, ...], masks: list[str], added: bool) -> Iterator[Stmt]:
    """What each row of the other operand gives to taps along lanes that share the rows of the first; ``added`` says
    whether sums are masked too."""
    step, taps = it.row.form.coefficient(it.along.tap), it.along.values[0]
    users: dict[int, list[tuple[int, int]]] = {}
    for r, (k, tap) in combinations(range(rows), enumerate(taps)):
        users.setdefault(it.row.factor * r + step * tap, []).append((r, k))
    for distance in sorted(users):
        body: list[Stmt] = []
        if it.tile.moves:
            body.append(Declare("whole_row_", _moved(it, distance, 0, "whole_mask_"), Scalar("real", VECTOR)))
        for c in columns:
            mask = masks[c]
            shifted = Shift(Var("whole_row_"), moved(it.lane, it.taps(0, c)))
            column = shifted if it.tile.moves else _moved(it, distance, c, mask)
            body.append(Declare("column_", column, Scalar("real", VECTOR)))
            mask = mask if added else ""
            for r, k in users[distance]:
                body.append(Update(f"acc{k}_{c}_{r % it.chains}_", "+", _value(it, r, k, c, columns[0]), mask))
        if it.found.padded:
            yield within(add(Var("base_"), const(distance)), integer(it.row.length), tuple(body))
        else:
            yield from body


def _ahead(it: Steps, rows: int) -> Iterator[Stmt]:
    """The next rows of both operands, wanted once for all the taps that pass over them."""
    found, (row, lane) = it.found, it.found.flats[-2:]
    here: dict[str, Expr] = {row: Var("row_"), lane: Var("at_")}
    next_ones = tuple(one for operand in found.wide for one in wanted(found, operand, rows, {}, here))
    passes = [tap for tap in taps_along(found, it.lane) if not it.across]
    first = tuple(Compare("==", Var(tap), tap_range(found, tap, {})[0]) for tap in passes)
    yield from (If(first[0], next_ones),) if first else next_ones


def _moved(it: Steps, distance: int, c: int, mask: str) -> LoadLanes:
    """Lanes of the operand that taps move along, so many rows behind."""
    operand, (row, lane) = it.found.wide[1], it.found.flats[-2:]
    across = it.across.values[0][c] - it.across.values[0][0] if it.across else 0
    right = it.lane.form.coefficient(it.across.tap) * across if it.across else 0
    steps = tuple(const({row: distance, lane: right}.get(a.loop or "", 0)) for a in operand.axes)
    one = behind(it.found, operand.read.tensor, steps, "second_at_")
    return LoadLanes(one.buffer, one.index, it.lane.factor, mask, one.offset)


def _value(it: Steps, r: int, k: int, c: int, held: int) -> Expr:
    """The body with each read replaced by what is at hand of it; ``held`` names the rows of the first operand."""
    found = it.found
    first, second = (read_as_load(operand.read) for operand in found.wide)
    table: dict[Expr, Expr] = {first: Var(f"row{r}_{held}_"), second: Var("column_")}
    table.update({read_as_load(read): Var(f"here{n}_{k}_{c}_") for n, read in enumerate(found.here)})
    body = scalar(found.solution.body, {}, frozenset())
    result: Expr = rewrite(body, lambda node: table.get(node, node) if isinstance(node, Load) else node)
    return result
