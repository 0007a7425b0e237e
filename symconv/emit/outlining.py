"""What is done to an outlined body before it is printed, so that its accumulators stay in registers; it means the same.

A scalar that only lanes use is broadcast once, a load stands where it is first used (a tile has registers for a row and
one broadcast, not for all it multiplies), and sums of lanes that are stored side by side are added side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symconv.emit.places import plus, position
from symconv.loops.ir import (
    VECTOR,
    Accumulate,
    Binary,
    Declare,
    For,
    If,
    Kernel,
    Let,
    Load,
    LoadLanes,
    ReduceLanes,
    Scalar,
    Splat,
    Stmt,
    Store,
    StoreReduced,
    Update,
    Var,
)
from symconv.loops.traverse import children, expressions, rewrite, walk

__all__ = ["prepared"]

_LANES = Scalar("real", VECTOR)


def prepared(kernel: Kernel, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """The body of a function as it is printed."""
    return _blocks(kernel, spread(body))


def _blocks(kernel: Kernel, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    inner = tuple(replace(s, body=_blocks(kernel, s.body)) if isinstance(s, For | If) else s for s in body)
    return tuple(_side_by_side(kernel, _sunk(inner)))


def spread(body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """A block where each loaded scalar that only vectors are computed from is declared as a vector."""
    declares = [node for node in expressions(body) if isinstance(node, Declare)]
    vectors = {node.name for node in declares if node.scalar == _LANES}
    loaded = {node.name for node in declares if node.scalar == Scalar() and isinstance(node.value, Load)}
    for statement in expressions(body):
        in_lanes = isinstance(statement, Update | Declare) and statement.name in vectors
        if isinstance(statement, Stmt) and not in_lanes:
            own = (part for part in children(statement) if not isinstance(part, Stmt))
            loaded -= {node.name for part in own for node in walk(part) if isinstance(node, Var)}
            loaded -= {statement.name} if isinstance(statement, Update) else set()
    return tuple(rewrite(statement, lambda node: _broadcast(node, loaded)) for statement in body)


def _broadcast(node: object, names: set[str]) -> object:
    match node:
        case Declare(name, value) if name in names:
            return replace(node, value=Splat(value), scalar=_LANES)
        case Splat(Var(name)) if name in names:
            return node.value
    return node


def _sunk(body: tuple[Stmt, ...]) -> list[Stmt]:
    """Loads moved down, past other declarations and updates, to where they are first used."""
    done: list[Stmt] = []
    for statement in reversed(body):
        at = 0
        if _is_load(statement):
            while at < len(done) and _passes(statement, done[at]):
                at += 1
        done.insert(at if at < len(done) else 0, statement)
    return done


def _is_load(statement: Stmt) -> bool:
    match statement:
        case Declare(_, Load() | LoadLanes() | Splat(Load())):
            return True
    return False


def _passes(load: Stmt, other: Stmt) -> bool:
    """Whether a load may stand behind another statement as well: neither speaks of what the other sets."""
    if not isinstance(load, Declare) or not isinstance(other, Declare | Update):
        return False
    return other.name not in _names(load) and load.name not in _names(other)


def _names(statement: Stmt) -> set[str]:
    names = {node.name for node in walk(statement) if isinstance(node, Var)}
    masks = {node.mask for node in walk(statement) if isinstance(node, LoadLanes | Update)}
    own = {statement.name} if isinstance(statement, Declare | Update | Let) else set()
    return names | masks | own


def _side_by_side(kernel: Kernel, body: list[Stmt]) -> Iterator[Stmt]:
    """Stores of sums of lanes, one element after the other, as one."""
    run: StoreReduced | None = None
    for statement in body:
        single = _stored_sum(statement)
        if run and single and _follows(kernel, run, single):
            run = replace(run, values=(*run.values, *single.values))
            continue
        if run:
            yield run
        run = single
        if single is None:
            yield statement
    if run:
        yield run


def _stored_sum(statement: Stmt) -> StoreReduced | None:
    match statement:
        case Store(buffer, index, ReduceLanes("+", value)) if index:
            return StoreReduced(buffer, index, "=", (value,))
        case Accumulate(buffer, index, "+", ReduceLanes("+", value)) if index:
            return StoreReduced(buffer, index, "+", (value,))
        case Store(buffer, index, Binary("+", Load(again, same, None), ReduceLanes("+", value))) if index:
            return StoreReduced(buffer, index, "+", (value,)) if (again, same) == (buffer, index) else None
    return None


def _follows(kernel: Kernel, run: StoreReduced, single: StoreReduced) -> bool:
    sizes = kernel.buffer(run.buffer).sizes
    if (run.buffer, run.op) != (single.buffer, single.op):
        return False
    ahead = plus(position(single.index, sizes, repr), position(run.index, sizes, repr), -1)
    return ahead == {(): len(run.values)}
