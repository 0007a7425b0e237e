"""The register tile of the outer form: broadcast elements of rows times blocks of lanes, over all steps at hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    LANES,
    VECTOR,
    Compare,
    Declare,
    Expr,
    For,
    If,
    Let,
    Load,
    LoadLanes,
    Outlined,
    Prefetch,
    Scalar,
    Select,
    Splat,
    Stmt,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.scalars import integer, scalar
from symconv.loops.traverse import rewrite
from symconv.notation.expr import Read
from symconv.packed.copying import ZERO
from symconv.packed.frame import ceiling, product
from symconv.packed.loops import PHASE, counts, in_phases, rank, taps_of
from symconv.packed.narrow import name_of
from symconv.packed.pack import classes_of
from symconv.packed.unpack import leaves_out

if TYPE_CHECKING:
    from symconv.packed.outer import Outer

__all__ = ["accumulated", "register_tiles"]


def register_tiles(it: Outer) -> tuple[Stmt, ...]:
    """Every register tile of the box: blocks of lanes outside, so that what they read stays near."""
    found, blocks = it.found, it.tile.blocks
    left = sub(Var("blocks_"), mul(const(blocks), Var("laneblock_")))

    def every_size(near: bool) -> tuple[If, ...]:
        whole = If(Compare(">=", left, const(blocks)), (_micro(it, blocks, near),))
        return (whole, *(If(Compare("==", left, const(n)), (_micro(it, n, near),)) for n in range(1, blocks)))

    sizes = every_size(near=False)
    if it.in_place:
        ways = enumerate((sizes, every_size(near=True)))
        sizes = tuple(If(Compare("==", Var("near_"), const(number)), way) for number, way in ways)
    steps = Let("steps_", mul(Var("planes_"), product(counts(found, found.taps))))
    first = Let("done_", mul(Var("plane0_"), product(counts(found, found.taps))))
    rows: tuple[Stmt, ...] = (For("rowblock_", const(0), _rows_at_hand(it), sizes),)
    start = Let("lane_", mul(const(blocks), mul(Var(LANES), Var("laneblock_"))))
    if it.in_place:
        # What lies in memory comes in short pieces far apart, which no CPU foresees; what was packed is near.
        next_block = mul(const(blocks), Var(LANES))
        ahead = Let("ahead_", Select(Compare("==", Var("near_"), const(0)), const(0), next_block))
        rows = (Let("from_", add(Var("base_"), Var("lane_"))), ahead, *rows)
    every = ceiling(Var("blocks_"), const(blocks))
    if it.products:
        # A point's narrow operand is small: it stays near while all lanes of the point pass.
        loop = For("laneblock_", const(0), every, (start, *rows))
        return (first, For("phase_", const(0), const(it.products), (*it.present, loop)))
    each = in_phases(found, (steps, first, *rows))
    return (For("laneblock_", const(0), every, (start, *each)),)


def _rows_at_hand(it: Outer) -> Expr:
    """No row blocks where there is nothing to add, or where rows of the target are zeros without sums."""
    found = it.found
    if it.products or not found.solution.phases:
        return Var("MT_")
    more = Select(Compare(">", Var("steps_"), const(0)), Var("MT_"), const(0))
    rows: Expr = Select(Compare("==", Var("plane0_"), const(0)), Var("MT_"), more)
    phase = leaves_out(it)
    if phase is not None:
        rows = Select(Compare(">", taps_of(found, phase), const(0)), rows, const(0))
    return rows


def _micro(it: Outer, blocks: int, near: bool) -> Outlined:
    """Accumulators of one tile over all steps at hand, kept among the sums of the box."""
    cells = [(m, v) for m in range(it.tile.rows) for v in range(blocks)]
    stores = [_stored(it, m, v) for m, v in cells]
    begin = If(Compare("==", Var("plane0_"), const(0)), tuple(replace(store, op="=") for store in stores))
    more = If(Compare(">", Var("plane0_"), const(0)), tuple(stores))
    return Outlined(f"tile{it.tile.rows}x{blocks}", (*accumulated(it, blocks, near, const(0)), begin, more))


def accumulated(it: Outer, blocks: int, near: bool, row: Expr) -> tuple[Stmt, ...]:
    """The accumulators of one tile and the loop over all steps at hand; lanes start in this ``row`` of a plane."""
    found, rows = it.found, it.tile.rows
    zero, group = const(0), rank(found, found.groups)
    cells = [(m, v) for m in range(rows) for v in range(blocks)]
    start = tuple(Declare(f"acc{m}_{v}_", Splat(ZERO), Scalar("real", VECTOR)) for m, v in cells)
    loads: list[Stmt] = []
    table = name_of("distances" if near else "offsets")
    offset = Load(table, (zero if it.products else PHASE, Var("step_")))
    plane = mul(PHASE, Var("PP_")) if it.products else zero
    prefix = (plane, *(zero,) * len(classes_of(it.space, found.wide[0])))
    first = Var("from_") if it.in_place else Var("lane_")
    for number, operand in enumerate(found.wide):
        buffer = operand.read.tensor if near else name_of("wide", number)
        before = (zero,) * (len(operand.axes) - 1) if near else (*prefix, row)
        for v in range(blocks):
            place = (*before, add(first, mul(const(v), Var(LANES))))
            lanes = LoadLanes(buffer, place, 1, "", offset)
            loads.append(Declare(f"wide{number}_{v}_", lanes, Scalar("real", VECTOR)))
            if it.in_place:
                ahead = (*before, add(add(first, Var("ahead_")), mul(const(v), Var(LANES))))
                loads.append(Prefetch(buffer, ahead, offset))
    # Points of a tile's rows are made together, and lie together.
    rows_of_tile = (group, *((Var("rowblock_"), PHASE) if it.products else (PHASE, Var("rowblock_"))))
    updates: list[Stmt] = []
    for m in range(rows):
        for number, _ in enumerate(found.narrow):
            place = (*rows_of_tile, add(Var("done_"), Var("step_")), const(m))
            updates.append(Declare(f"narrow{number}_{m}_", Load(name_of("narrow", number), place)))
        updates.extend(Update(f"acc{m}_{v}_", "+", _value(it, m, v)) for v in range(blocks))
    if it.products:
        # All points together seldom fit a near cache: what the next rows of tiles read at this point comes meanwhile.
        place = (group, add(Var("rowblock_"), const(1)), PHASE, add(Var("done_"), Var("step_")), zero)
        loads.append(Prefetch(name_of("narrow"), place))
    body = (*loads, *updates)
    if not it.products:
        return (*start, For("step_", zero, Var("steps_"), body))
    taps = product(counts(found, found.taps))
    begin, length = (mul(one, taps) for one in (mul(Var("run_"), Var("run_apart_")), Var("run_planes_")))
    run = For("step_", begin, add(begin, length), body)
    return (*start, For("run_", zero, Var("runs_"), (run,)))


def _sum_place(it: Outer, m: int, v: int) -> tuple[Expr, ...]:
    row = add(mul(Var("rowblock_"), const(it.tile.rows)), const(m))
    return (row, PHASE, const(0), add(Var("lane_"), mul(const(v), Var(LANES))))


def _stored(it: Outer, m: int, v: int) -> StoreLanes:
    return StoreLanes(name_of("sums"), _sum_place(it, m, v), 1, "", "+", Var(f"acc{m}_{v}_"))


def _value(it: Outer, m: int, v: int) -> Expr:
    """The body with each read replaced by what the tile holds of it."""
    found = it.found
    table: dict[Expr, Expr] = {}
    for number, operand in enumerate(found.wide):
        table[_load(operand.read)] = Var(f"wide{number}_{v}_")
    for number, read in enumerate(found.narrow):
        table[_load(read)] = Splat(Var(f"narrow{number}_{m}_"))
    for number, read in enumerate(found.here):
        table[_load(read)] = LoadLanes(name_of("here", number), _sum_place(it, m, v), 1, "")
    body = scalar(found.solution.body, {}, frozenset())
    result: Expr = rewrite(body, lambda node: table.get(node, node) if isinstance(node, Load) else node)
    return result


def _load(read: Read) -> Load:
    return Load(read.tensor, tuple(integer(form) for form in read.index))
