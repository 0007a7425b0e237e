"""One register tile as the program of one of its accumulators, and rows and blocks of lanes as loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    Declare,
    Expr,
    For,
    If,
    Load,
    LoadLanes,
    Scalar,
    Splat,
    Stmt,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import substitute, walk
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import WIDTH, alike, polynomial, uses
from symconv.validate.unrolled import lane_of

__all__ = ["block_of", "tile_of"]


def tile_of(body: tuple[Stmt, ...], lane: str, blocks: int) -> tuple[Stmt, ...]:
    """What one lane of a tile computes, rows as a loop: ``for m: s = 0; for k: s += value; store s``."""
    starts = [s for s in body if isinstance(s, Declare)]
    rows, odd = divmod(len(starts), blocks)
    loops = [s for s in body if isinstance(s, For)]
    if odd or not rows or len(loops) != 1 or body[: len(starts) + 1] != (*starts, loops[0]):
        raise UnclearError("a tile is not made of accumulators, one loop, and stores")
    loop, ends = _named_ends(loops[0])
    if any(uses(end, {lane}) for end in ends.values()):
        raise UnclearError("the blocks of a tile compute different things")
    programs = [_program(s.name, s, loop, body[len(starts) + 1 :]) for s in starts]
    cells = [[programs[m * blocks + v] for v in range(blocks)] for m in range(rows)]
    for row in cells:
        for v, program in enumerate(row):
            moved = substitute(block_of(row[0]), {lane: add(Var(lane), mul(const(v), WIDTH))})
            if not alike(block_of(program), moved):
                raise UnclearError("the blocks of a tile compute different things")
    first = [row[0] for row in cells]
    general = _general(first[0], first[1]) if rows > 1 else first[0]
    for m, program in enumerate(first):
        if not alike(block_of(program), substitute(block_of(general), {"tile_row_": const(m)})):
            raise UnclearError("the rows of a tile compute different things")
    one = tuple(substitute(lane_of(s, const(0)), ends) for s in general)
    return (For("tile_row_", const(0), const(rows), one),)


def block_of(body: Sequence[Stmt]) -> For:
    """Statements as one, to be compared."""
    return For("tile_", const(0), const(1), tuple(body))


def _program(name: str, start: Declare, loop: For, after: Sequence[Stmt]) -> tuple[Stmt, ...]:
    """What a tile does for one of its accumulators, which is called ``sum_``; temporaries are put in their places."""
    held: dict[str, Expr] = {}
    updates: list[Stmt] = []
    inner = _innermost(loop)
    for statement in inner.body:
        match statement:
            case Declare(temporary, value):
                held[temporary] = substitute(value, held)
            case Update(target, op, value, "") if op != "=":
                if target == name:
                    updates.append(Update("sum_", op, substitute(value, held)))
            case _:
                raise UnclearError("a tile does more than to sum up")
    stores = tuple(kept for one in after if (kept := _own(one, name)) is not None)
    summed = _around(loop, tuple(updates))
    found = (Declare("sum_", start.value, Scalar()), summed, *stores)
    if not updates or not stores or not all(_laned(one) for one in found):
        raise UnclearError("an accumulator of a tile is not summed up and stored in lanes")
    return found


def _named_ends(loop: For) -> tuple[For, dict[str, Expr]]:
    """A loop, and those that it is made of, with names for their ends: these are the same for all accumulators."""
    lower, upper = f"{loop.var}_lower_", f"{loop.var}_upper_"
    ends = {lower: loop.lower, upper: loop.upper}
    body = loop.body
    match body:
        case (For() as inner,):
            inner, more = _named_ends(inner)
            body, ends = (inner,), {**ends, **more}
    return replace(loop, lower=Var(lower), upper=Var(upper), body=body), ends


def _innermost(loop: For) -> For:
    """The loop whose body is more than a loop."""
    match loop.body:
        case (For() as inner,):
            return _innermost(inner)
    return loop


def _around(loop: For, body: tuple[Stmt, ...]) -> For:
    """A loop, and those that it is made of, with another body in the innermost."""
    match loop.body:
        case (For() as inner,):
            return replace(loop, body=(_around(inner, body),))
    return replace(loop, body=body)


def _own(statement: Stmt, name: str) -> Stmt | None:
    match statement:
        case If(test, body):
            kept = tuple(own for one in body if (own := _own(one, name)) is not None)
            return If(test, kept) if kept else None
        case StoreLanes(_, _, 1, "", op, value) if op in "=+":
            return replace(statement, value=substitute(value, {name: Var("sum_")})) if uses(value, {name}) else None
    raise UnclearError("a tile does more than to store its sums")


def _laned(node: Any) -> bool:
    """Whether everything in lanes goes forward one by one, and nothing goes across them."""
    plain = {"ReduceLanes", "Lanes"}
    parts = list(walk(node))
    return all(
        type(part).__name__ not in plain and not (isinstance(part, LoadLanes) and (part.stride != 1 or part.mask))
        for part in parts
    )


def _general(first: tuple[Stmt, ...], second: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """Statements for row 0 and row 1 of a tile as statements for any row."""
    row: For = _between(block_of(first), block_of(second))
    return row.body


def _between(one: Any, other: Any) -> Any:
    if one == other:
        return one
    if isinstance(one, Expr) and isinstance(other, Expr):
        step = polynomial(sub(other, one)) if _whole(one) and _whole(other) else {}
        if set(step) == {()}:
            return add(one, mul(const(int(step[()])), Var("tile_row_")))
    if type(one) is not type(other):
        raise UnclearError("the rows of a tile compute different things")
    new: dict[str, Any] = {}
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
            new[field.name] = tuple(
                _between(x, y) if hasattr(x, "__dataclass_fields__") else x for x, y in zip(a, b, strict=True)
            )
        elif hasattr(a, "__dataclass_fields__"):
            new[field.name] = _between(a, b)
    return replace(one, **new)


def _whole(expr: Expr) -> bool:
    return not any(isinstance(part, Load | LoadLanes | Splat) for part in walk(expr))
