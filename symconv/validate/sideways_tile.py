"""The register tile of lanes across planes: what its sums add up, for one row and one plane of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    Accumulate,
    Binary,
    Call,
    Declare,
    Expr,
    For,
    Let,
    Load,
    LoadLanes,
    Splat,
    Stmt,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, substitute, walk
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import WIDTH, alike, expression, polynomial

__all__ = ["PLANE", "ROW", "added", "first_vector", "lifted", "nested", "one_plane"]

PLANE, ROW = Var("plane_"), Var("tile_row_")


def nested(loop: For) -> tuple[tuple[For, ...], tuple[Stmt, ...]]:
    """Loops that hold nothing but each other, and what the innermost one does."""
    match loop.body:
        case (For() as inner,):
            loops, body = nested(inner)
            return (loop, *loops), body
    return (loop,), loop.body


def added(steps: Sequence[Stmt], names: Sequence[str]) -> dict[str, Expr]:
    """What every sum adds up; what was loaded before is put in its place."""
    held: dict[str, Expr] = {}
    found: dict[str, Expr] = {}
    for step in steps:
        match step:
            case Declare(name, Load() | LoadLanes() as value) if name not in names and name not in held:
                held[name] = value
            case Update(name, "+", value, "") if name in names and name not in found:
                found[name] = substitute(value, held)
            case _:
                raise UnclearError("a tile does more than to add up")
    return found


def first_vector(value: Expr, block: int) -> Expr:
    """What a sum adds up, with the first vector of a block in place of another."""

    def rule(node: Any) -> Any:
        if not isinstance(node, LoadLanes):
            return node
        whole = node.stride == 1 and not node.mask and node.axis == -1 and node.offset is None
        if not whole or not alike(node.index[-1], mul(const(block), WIDTH)):
            raise UnclearError("vectors do not lie side by side")
        return replace(node, index=(*node.index[:-1], const(0)))

    made: Expr = rewrite(value, rule)
    return made


def one_plane(node: Any) -> Any:
    """An element of one plane in place of a vector."""
    match node:
        case LoadLanes(buffer, index):
            return Load(buffer, (*index[:-1], PLANE))
        case Splat(value):
            return value
    return node


def lifted(rows: Sequence[tuple[Accumulate, Expr]]) -> tuple[Accumulate, Expr]:
    """The row of a tile whose number has a name; raises UnclearError unless each row is that one."""
    made = rows[0] if len(rows) == 1 else tuple(_between(a, b) for a, b in zip(rows[0], rows[1], strict=True))
    for number, row in enumerate(rows):
        here = [substitute(part, {ROW.name: const(number)}) for part in made]
        if not all(alike(a, b) for a, b in zip(here, row, strict=True)):
            raise UnclearError("rows of a tile do different things")
    place, value = made
    assert isinstance(place, Accumulate)
    return place, value


def _apart(node: Any) -> bool:
    """Whether what holds a node is no sum of products of numbers."""
    return isinstance(node, Load) or (isinstance(node, Binary) and node.op in {"min", "max"})


def _between(first: Any, second: Any) -> Any:
    """Of two nodes that differ in numbers alone, that which is the first at 0 and the second at 1."""
    if first == second:
        return first
    match first, second:
        case ((Load() | Accumulate()), (Load() | Accumulate())):
            index = zip(first.index, second.index, strict=True)
            return replace(first, index=tuple(_between(a, b) for a, b in index))
        case Call(name, given), Call(other, others) if name == other and len(given) == len(others):
            return Call(name, tuple(_between(a, b) for a, b in zip(given, others, strict=True)))
        case Binary(op, a, b), Binary(other, c, d) if op == other and any(map(_apart, walk(first))):
            return Binary(op, _between(a, c), _between(b, d))
    if any(isinstance(n, Load | Let) for n in walk(first)):
        raise UnclearError("rows of a tile do different things")
    apart = expression(polynomial(sub(second, first)))
    return add(first, mul(ROW, apart))
