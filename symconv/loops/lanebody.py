"""The text of a nest in lanes: masks, accumulators, the tiled body, and what becomes of the sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

from symconv.gather.solution import Solution
from symconv.loops.arith import add, const, mul, simplify, smallest, sub
from symconv.loops.cells import FAR, first
from symconv.loops.interior import rooms
from symconv.loops.ir import (
    LANES,
    VECTOR,
    Accumulate,
    Binary,
    Call,
    Compare,
    Const,
    Declare,
    Expr,
    For,
    If,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Nest,
    ReduceLanes,
    Scalar,
    Splat,
    Stmt,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.nest import Order, bounds_of, guarded, level, merged, place
from symconv.loops.order import depth_of_target
from symconv.loops.projection import projected
from symconv.loops.scalars import integer
from symconv.loops.traverse import rewrite, substitute
from symconv.notation.affine import var
from symconv.notation.expr import Constraint, reads

__all__ = ["Body", "Target", "lane_nest"]


@dataclass(frozen=True, slots=True)
class Target:
    """What becomes of a cell's sum: ``op`` into the buffer, or stored with ``start`` added where the cell is owned
    whole.

    With ``where``, a contribution's position, the position of the first extreme one is stored; op is then max or min.
    """

    buffer: str
    op: str
    start: Expr | None = None
    where: Expr | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """One tiled body: ``factors`` of loops and ``blocks`` of lanes of ``contiguous``, which may move the cell or
    not."""

    solution: Solution
    contiguous: str
    moving: bool
    factors: tuple[tuple[str, int], ...]
    blocks: int
    target: Target
    value: Expr
    positions: frozenset[str] = frozenset()

    @property
    def copies(self) -> tuple[tuple[str, int, dict[str, Expr]], ...]:
        """Every copy of the tile: its accumulator, its block, and what its loop variables become."""
        result = []
        offsets = product(*(range(factor) for _, factor in self.factors), range(self.blocks))
        for number, (*shifts, block) in enumerate(offsets):
            values = {n: add(Var(n), const(k)) for (n, _), k in zip(self.factors, shifts, strict=True)}
            values[self.contiguous] = self.position(block)
            result.append((f"acc{number}_", block, values))
        return tuple(result)

    def position(self, block: int) -> Expr:
        """Where a block of lanes starts."""
        return add(Var(self.contiguous), mul(const(block), Var(LANES)))


def lane_nest(order: Order, body: Body, spans: Mapping[str, tuple[int, bool]]) -> Nest:
    """The nest of one tiled body; ``spans`` says which merged loops run in tiles or over their remainder."""
    placed, masked = _split(body, order)
    depth = depth_of_target(body.solution, order)
    steps_inside = tuple(n for n in order.inner[order.inner.index(body.contiguous) + 1 :] if isinstance(n, str))
    room = rooms(placed, masked, body.contiguous, steps_inside, mul(const(body.blocks), Var(LANES)))

    def build(position: int, full: bool = False) -> tuple[Stmt, ...]:
        if position == len(order.inner):
            done = tuple(_leaf(body, [*masked, *placed[body.contiguous]], bool(masked), full))
        elif order.inner[position] == body.contiguous:
            within = build(position + 1, full=True) if room is not None else None
            done = _blocks(body, placed[body.contiguous], build(position + 1), (room or (), within))
        else:
            done = level(placed, order.inner[position], build(position + 1, full))
        return (*_started(body), *done, *_gathered(body)) if not body.moving and position == depth else done

    inside = guarded(placed.get("", []), build(0))
    across = "cells" if body.moving else "contributions"
    steps = ", ".join(body.solution.steps) or "one tap"
    comment = f"{body.target.buffer}: contributions of {steps}; lanes across {across} {body.contiguous}"
    return merged(placed, order.parallel, inside, comment, spans)


def _split(body: Body, order: Order) -> tuple[dict[str, list[Constraint]], list[Constraint]]:
    """Bounds for loops, and what ties the contiguous loop to loops inside it: that becomes masks."""
    solution, name = body.solution, body.contiguous
    inside = set(order.inner[order.inner.index(name) + 1 :]) if body.moving else set()

    def ties(bound: Constraint) -> bool:
        return bool(bound.form.coefficient(name)) and bool(bound.form.names() & inside)

    masked = [bound for bound in solution.bounds if ties(bound)]
    limits = tuple(limit for limit in solution.limits if not ties(limit))
    near = _together({n for bound in masked for n in bound.form.names() & inside}, limits, solution)
    # A load that no mask covers runs wherever the loops go: nothing they need may be left to what a mask implies.
    # What limits cells alone is left out: a cell beyond it receives nothing, but is stored.
    cells = {*solution.cells} - {*solution.steps}
    needed = (limit for limit in limits if limit.form.names() & near and _moves(limit, cells, solution))
    across = _across(body, [name for name in order.inner if isinstance(name, str) and name in inside])
    bounds = dict.fromkeys((*(bound for bound in solution.bounds if not ties(bound)), *needed, *across))
    return place(replace(solution, bounds=tuple(bounds), limits=limits), order), masked


def _moves(limit: Constraint, cells: set[str], solution: Solution) -> bool:
    """Whether a limit is more than one on cells, which the loops over them would take for where the target ends."""
    inner = {*solution.steps, *(name for phase in solution.phases for name in phase.names)}
    return limit in solution.bounds or bool(limit.form.names() & inner) or not limit.form.names() & cells


def _across(body: Body, steps: list[str]) -> Iterator[Constraint]:
    """What the steps inside leave to those around them, in some lane of the block."""
    name, last = body.contiguous, body.blocks * var(LANES) - 1
    left = [bound for own in projected(body.solution.bounds, steps).values() for bound in own]
    # A mask alone keeps one step in place; of several, each needs its own range, or they run over all combinations.
    several = [bound for bound in body.solution.bounds if len(bound.form.names() & set(steps)) > 1]
    for bound in (*left, *(bound for bound in several if bound.form.coefficient(name))):
        yield Constraint(bound.form + max(bound.form.coefficient(name), 0) * last)


def _together(seed: set[str], limits: tuple[Constraint, ...], solution: Solution) -> set[str]:
    """The loops that bound those in ``seed``, directly or through others."""
    loops, names = {*solution.cells, *solution.steps}, set(seed)
    while more := {n for limit in limits if limit.form.names() & names for n in limit.form.names() & loops} - names:
        names |= more
    return names


def _blocks(
    body: Body,
    own: list[Constraint],
    inner: tuple[Stmt, ...],
    full: tuple[tuple[Expr, ...], tuple[Stmt, ...] | None],
) -> tuple[Stmt, ...]:
    """The loop over blocks of lanes; its position depends on nothing inside.

    ``full`` is the body without masks and the numbers that are not negative where it is right; other blocks are masked.
    """
    lower, upper = bounds_of(own, body.contiguous)
    width = mul(const(body.blocks), Var(LANES))
    count = Binary("//", sub(add(sub(upper, lower), width), const(1)), width)
    counter = f"{body.contiguous}b_"
    lets = (Let(body.contiguous, add(lower, mul(width, Var(counter)))),)
    cuts = tuple(
        Declare(f"cut{block}_", Lanes(const(0), sub(upper, body.position(block))), Scalar("mask"))
        for block in range(body.blocks)
    )
    room, within = full
    done = (*cuts, *_whole(body, inner))
    if within is not None:
        inside = Var("room_")
        done = (
            Let(inside.name, smallest([sub(upper, body.position(body.blocks)), *room])),
            If(Compare(">=", inside, const(0)), _whole(body, within, full=True)),
            If(Compare("<", inside, const(0)), done),
        )
    return (For(counter, const(0), count, (*lets, *done)),)


def _whole(body: Body, inner: tuple[Stmt, ...], full: bool = False) -> tuple[Stmt, ...]:
    """One block: where it moves the cell, its accumulators start and end in it."""
    return (*_started(body), *inner, *_stored(body, full)) if body.moving else inner


def _neutral(op: str) -> Expr:
    if op in "+-":
        return Const(Fraction(0), real=True)
    return Call("inf", ()) if op == "min" else Call("neg", (Call("inf", ()),))


def _started(body: Body) -> Iterator[Stmt]:
    for name, _, values in body.copies:
        start = _neutral(body.target.op)
        if body.moving and body.target.start is not None:
            start = substitute(body.target.start, values)
        yield Declare(name, Splat(start), Scalar("real", VECTOR))
        if body.target.where is not None:
            yield Declare(_place(name), Splat(FAR), Scalar("index", VECTOR))


def _place(accumulator: str) -> str:
    """The name of the position that goes with an extreme value."""
    return accumulator.replace("acc", "at")


def _index(body: Body, values: dict[str, Expr]) -> tuple[Expr, ...]:
    return tuple(simplify(substitute(integer(form), values)) for form in body.solution.target)


def _stored(body: Body, full: bool) -> Iterator[Stmt]:
    stride = body.solution.target[-1].coefficient(body.contiguous)
    target = body.target
    whole = target.start is not None or target.where is not None
    op = "=" if whole else {"-": "+"}.get(target.op, target.op)
    for name, block, values in body.copies:
        value = Var(name if target.where is None else _place(name))
        mask = "" if full else f"cut{block}_"
        yield StoreLanes(target.buffer, _index(body, values), stride, mask, op, value)


def _gathered(body: Body) -> Iterator[Stmt]:
    op = {"-": "+"}.get(body.target.op, body.target.op)
    cells: dict[tuple[Expr, ...], Expr] = {}
    starts: dict[tuple[Expr, ...], Expr] = {}
    for name, _, values in body.copies:
        index = _index(body, values)
        cells[index] = Binary(op, cells[index], Var(name)) if index in cells else Var(name)
        if body.target.start is not None:
            starts[index] = substitute(body.target.start, values)
    for index, vectors in cells.items():
        total = ReduceLanes(op, vectors)
        if index in starts:
            start = starts[index]
            zero = start == Const(Fraction(0), real=True)
            yield Store(body.target.buffer, index, total if zero else Binary("+", start, total))
        else:
            yield Accumulate(body.target.buffer, index, op, total)


def _leaf(body: Body, constraints: list[Constraint], masked: bool, full: bool) -> Iterator[Stmt]:
    """Masks unless the block is full, every distinct load once, and one update per copy of the tile."""
    if masked and not full:
        lower, upper = bounds_of(constraints, body.contiguous)
        for block in range(body.blocks):
            start = body.position(block)
            yield Declare(f"mask{block}_", Lanes(sub(lower, start), sub(upper, start)), Scalar("mask"))
    strides = {
        (read.tensor, tuple(integer(form) for form in read.index)): (axis, form.coefficient(body.contiguous))
        for read in reads(body.solution.body)
        for axis, form in enumerate(read.index, -len(read.index))
        if form.coefficient(body.contiguous)
    }
    temporaries: dict[Expr, Var] = {}
    updates: list[Stmt] = []
    for name, block, values in body.copies:
        mask = "" if full else f"mask{block}_" if masked else f"cut{block}_"
        value = rewrite(body.value, lambda node, mask=mask: _wide(node, strides, mask))  # type: ignore[misc]
        value = simplify(substitute(value, values))
        value = rewrite(value, lambda node: _named(node, temporaries))
        updates += _updates(body, name, value, mask)
    for load, variable in temporaries.items():
        yield Declare(variable.name, load, _scalar(body, load))
    if body.target.where is not None:
        yield Let("where_", body.target.where)
    yield from updates


def _updates(body: Body, name: str, value: Expr, mask: str) -> tuple[Stmt, ...]:
    """What a contribution does to its accumulator, and to the position beside it."""
    if body.target.where is None:
        return (Update(name, body.target.op, value, mask),)
    new, at = Var(name.replace("acc", "new")), Var(_place(name))
    chosen = first(body.target.op, Var(name), at, new, Splat(Var("where_")))
    return (
        Declare(new.name, value, Scalar("real", VECTOR)),
        Update(at.name, "=", chosen, mask),
        Update(name, body.target.op, new, mask),
    )


def _scalar(body: Body, load: Expr) -> Scalar:
    wide = isinstance(load, LoadLanes)
    if isinstance(load, Load | LoadLanes) and load.buffer in body.positions:
        return Scalar("index", VECTOR) if wide else Scalar("int")
    return Scalar("real", VECTOR if wide else 1)


def _wide(node: object, strides: Mapping[tuple[str, tuple[Expr, ...]], tuple[int, int]], mask: str) -> object:
    if isinstance(node, Load) and (found := strides.get((node.buffer, node.index))):
        axis, stride = found
        return LoadLanes(node.buffer, node.index, stride, mask, axis=axis)
    return node


def _named(node: object, temporaries: dict[Expr, Var]) -> object:
    if isinstance(node, Load | LoadLanes):
        return temporaries.setdefault(node, Var(f"v{len(temporaries)}_"))
    return node
