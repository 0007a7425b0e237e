"""The text of a nest in lanes: masks, accumulators, the tiled body, and what becomes of the sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from symconv.loops.arith import add, const, mul, simplify, smallest, sub
from symconv.loops.cells import FAR, best_of, first
from symconv.loops.interior import rooms, split
from symconv.loops.ir import (
    LANES,
    VECTOR,
    Accumulate,
    Binary,
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
    ReduceLanes,
    Scalar,
    Splat,
    Stmt,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.nest import Order, bounds_of, guarded, level, merged
from symconv.loops.order import depth_of_target
from symconv.loops.scalars import integer
from symconv.loops.tile import SUM, Body, neutral
from symconv.loops.traverse import rewrite, substitute
from symconv.notation.expr import Constraint, Read, reads

__all__ = ["lane_nest"]


def lane_nest(order: Order, body: Body, spans: Mapping[str, tuple[int, bool]]) -> Nest:
    """The nest of one tiled body; ``spans`` says which merged loops run in tiles or over their remainder."""
    placed, masked = split(body, order)
    depth = depth_of_target(body.solution, order)
    steps_inside = tuple(n for n in order.inner[order.inner.index(body.contiguous) + 1 :] if isinstance(n, str))
    room = rooms(placed, masked, body.contiguous, steps_inside, mul(const(body.blocks), Var(LANES)))

    # Masks are known inside the last loop that they speak of.
    tied = {name for bound in masked for name in bound.form.names()}
    known = max((k + 1 for k, item in enumerate(order.inner) if item in tied), default=-1) if masked else -1

    def build(position: int, full: bool = False) -> tuple[Stmt, ...]:
        if position == len(order.inner):
            done = tuple(_leaf(body, bool(masked), full))
        elif order.inner[position] == body.contiguous:
            within = build(position + 1, full=True) if room is not None else None
            done = _blocks(body, placed[body.contiguous], build(position + 1), (room or (), within))
        else:
            done = level(placed, order.inner[position], build(position + 1, full))
        if position == known and not full:
            done = (*_masks(body, [*masked, *placed[body.contiguous]]), *done)
        return (*_started(body), *done, *_gathered(body)) if not body.moving and position == depth else done

    inside = guarded(placed.get("", []), build(0))
    across = "cells" if body.moving else "contributions"
    steps = ", ".join(body.solution.steps) or "one tap"
    comment = f"{body.target.buffer}: contributions of {steps}; lanes across {across} {body.contiguous}"
    return merged(placed, order.parallel, inside, comment, spans)


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


def _started(body: Body) -> Iterator[Stmt]:
    for name, _, values in body.copies:
        start = neutral(body.target.op)
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
        mask = "" if full else f"cut{block}_"
        value = _finished(body, Var(name), values, mask) if target.where is None else Var(_place(name))
        yield StoreLanes(target.buffer, _index(body, values), stride, mask, op, value)


def _gathered(body: Body) -> Iterator[Stmt]:
    op = {"-": "+"}.get(body.target.op, body.target.op)
    cells: dict[tuple[Expr, ...], Expr] = {}
    starts: dict[tuple[Expr, ...], Expr] = {}
    moved: dict[tuple[Expr, ...], dict[str, Expr]] = {}
    for name, _, values in body.copies:
        index = _index(body, values)
        cells[index] = Binary(op, cells[index], Var(name)) if index in cells else Var(name)
        if body.target.start is not None:
            starts[index] = substitute(body.target.start, values)
        moved[index] = values
    for index, vectors in cells.items():
        total = ReduceLanes(op, vectors)
        if index in starts:
            start = starts[index]
            whole = total if start == neutral(body.target.op) else Binary("+", start, total)
            yield Store(body.target.buffer, index, _finished(body, whole, moved[index], ""))
        else:
            yield Accumulate(body.target.buffer, index, op, total)


def _masks(body: Body, constraints: list[Constraint]) -> Iterator[Stmt]:
    lower, upper = bounds_of(constraints, body.contiguous)
    for block in range(body.blocks):
        start = body.position(block)
        yield Declare(f"mask{block}_", Lanes(sub(lower, start), sub(upper, start)), Scalar("mask"))


def _leaf(body: Body, masked: bool, full: bool) -> Iterator[Stmt]:
    """Every distinct load once, and one update per copy of the tile; a full block has no masks."""
    strides = _strides(body, reads(body.solution.body))
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


def _strides(body: Body, found: Iterable[Read]) -> dict[tuple[str, tuple[Expr, ...]], tuple[int, int]]:
    """The reads that lanes move, and along which axis by how much."""
    return {
        (read.tensor, tuple(integer(form) for form in read.index)): (axis, form.coefficient(body.contiguous))
        for read in found
        for axis, form in enumerate(read.index, -len(read.index))
        if form.coefficient(body.contiguous)
    }


def _finished(body: Body, total: Expr, values: dict[str, Expr], mask: str) -> Expr:
    """What is stored of a sum."""
    if body.target.finish == SUM:
        return total
    strides = _strides(body, body.target.beside if body.moving else ())
    value = rewrite(body.target.finish, lambda node: _wide(node, strides, mask))
    result: Expr = rewrite(simplify(substitute(value, values)), lambda node: total if node == SUM else node)
    return result


def _updates(body: Body, name: str, value: Expr, mask: str) -> tuple[Stmt, ...]:
    """What a contribution does to its accumulator, and to the position beside it."""
    if body.target.where is None:
        return (Update(name, body.target.op, value, mask),)
    new, at = Var(name.replace("acc", "new")), Var(_place(name))
    chosen = first(body.target.op, Var(name), at, new, Splat(Var("where_")), body.ordered)
    return (
        Declare(new.name, value, Scalar("real", VECTOR)),
        Update(at.name, "=", chosen, mask),
        best_of(body.target.op, Var(name), new, body.ordered, mask),
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
