"""Directives on the order of iterations: loops change places, loops in tiles, neighbouring nests in one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from symconv.errors import ScheduleError
from symconv.loops.arith import add, const, floordiv, largest, mul, smallest, sub
from symconv.loops.ir import (
    Accumulate,
    Address,
    Binary,
    Declare,
    Expr,
    FloorDiv,
    For,
    If,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Nest,
    Prefetch,
    Stmt,
    Store,
    StoreLanes,
    StoreReduced,
    StoreTurned,
    StoreZip,
    Update,
    Var,
)
from symconv.loops.traverse import expressions, rewrite, substitute, walk

__all__ = ["Fuse", "Interchange", "Tile", "fuse", "interchange", "tile"]

_FREE = frozenset({"+", "-", "min", "max"})
"""Ways to combine whose order changes no exact number."""


@dataclass(frozen=True, slots=True)
class Interchange:
    """``for outer: for inner: S`` -> ``for inner: for outer: S``.

    Precondition: nothing stands between the two loops, the inner bounds do not speak of the outer loop, and S combines
    (``+ - min max``) what it reads nowhere: the order of its iterations then changes no exact number.
    """

    outer: str
    inner: str


@dataclass(frozen=True, slots=True)
class Tile:
    """``for v in range(a, b): S`` -> ``for vo_ ...: for vi_ in range(factor): S`` and the rest, in the same order.

    With tail ``"peel"`` the rest is a loop of its own behind the tiles; with ``"mask"`` the last tile ends where the
    loop ends (``for vo_: for v in range(a + factor*vo_, min(a + factor*vo_ + factor, b)): S``), so that one loop stands
    perfectly in the other. Precondition: step 1, a factor of at least 2.
    """

    var: str
    factor: int
    tail: str = "peel"


@dataclass(frozen=True, slots=True)
class Fuse:
    """``nest k; nest k+1`` -> one nest with both bodies, one after the other in each iteration.

    Precondition: equal ranges taken apart into the same indices, and of each buffer that either writes and both touch,
    an iteration touches the cells that its indices name, by equal axes in both: no iteration waits for another.
    """

    nest: int


def interchange(loop: For, directive: Interchange) -> tuple[Stmt, ...]:
    """The loop ``directive.outer`` inside the one it holds; raises ScheduleError where that is not allowed."""
    match loop.body:
        case (For(directive.inner) as inner,) if (loop.mode, inner.mode) == ("serial", "serial"):
            pass
        case _:
            raise ScheduleError(f"{directive}: {loop.var} holds more than the one serial loop {directive.inner}")
    if any(node == Var(loop.var) for bound in (inner.lower, inner.upper) for node in walk(bound)):
        raise ScheduleError(f"{directive}: the bounds of {inner.var} depend on {loop.var}")
    if reason := _ordered(inner.body):
        raise ScheduleError(f"{directive}: the order of {loop.var} and {inner.var} matters: {reason}")
    return (replace(inner, body=(replace(loop, body=inner.body),)),)


def _ordered(body: tuple[Stmt, ...]) -> str:
    """Why the order of a body's iterations matters; nothing where it does not."""
    nodes = list(expressions(body))
    own = _own(body)
    combined: dict[str, set[str]] = {}
    for node in nodes:
        match node:
            case Update(name, op) if name not in own:
                combined.setdefault(name, set()).add(op)
            case Accumulate(buffer, op=op) | StoreLanes(buffer, op=op):
                combined.setdefault(buffer, set()).add(op)
            case Store() | StoreZip() | StoreReduced() | StoreTurned():
                return f"{node.buffer} is stored"
    for name, ops in combined.items():
        if not ops <= _FREE or len({op.replace("-", "+") for op in ops}) > 1:
            return f"{name} is combined by {', '.join(sorted(ops))}"
    read = {node.buffer for node in nodes if isinstance(node, Load | LoadLanes)}
    read |= {node.name for node in nodes if isinstance(node, Var)}
    taken = sorted(read & combined.keys())
    return f"{taken[0]} is read between" if taken else ""


def tile(loop: For, directive: Tile) -> tuple[Stmt, ...]:
    """The loop in tiles; raises ScheduleError where its step or the directive's words do not allow that."""
    if loop.step != 1 or directive.factor < 2:
        raise ScheduleError(f"{directive}: {loop.var} needs step 1 and a factor of at least 2")
    if directive.tail not in ("peel", "mask"):
        raise ScheduleError(f"{directive}: the tail of {loop.var} is 'peel' or 'mask', not {directive.tail!r}")
    factor, outer, inner = directive.factor, f"{loop.var}o_", f"{loop.var}i_"
    # An empty range may have a negative length; the remainder must not begin before it.
    length = largest([const(0), sub(loop.upper, loop.lower)])
    start = add(loop.lower, mul(const(factor), Var(outer)))
    if directive.tail == "mask":
        count = floordiv(add(length, const(factor - 1)), factor)
        upper = smallest([add(start, const(factor)), loop.upper])
        return (For(outer, const(0), count, (replace(loop, lower=start, upper=upper),)),)
    count = floordiv(length, factor)
    block = substitute(If(const(1), loop.body), {loop.var: add(start, Var(inner))}).body
    tail = add(loop.lower, mul(const(factor), count))
    return (
        For(outer, const(0), count, (For(inner, const(0), const(factor), block),)),
        replace(loop, lower=tail),
    )


def fuse(kernel: Kernel, directive: Fuse) -> Kernel:
    """The kernel with two neighbouring nests in one; raises ScheduleError where their iterations depend on others."""
    at = directive.nest
    if not 0 <= at < len(kernel.nests) - 1:
        raise ScheduleError(f"{directive}: {kernel.name} has no nests {at} and {at + 1}")
    first, second = kernel.nests[at : at + 2]
    head, digits = _digits(first)
    if (first.var, first.extent, first.parallel) != (second.var, second.extent, second.parallel) or (
        head != _digits(second)[0]
    ):
        raise ScheduleError(f"{directive}: {first.var} of nests {at} and {at + 1} does not run over equal ranges")
    for buffer in sorted((_written(first) & _touched(second)) | (_written(second) & _touched(first))):
        found = [index for nest in (first, second) for index in _indices(nest, buffer)]
        if not all(_names(found, digit) for digit in digits):
            raise ScheduleError(f"{directive}: iterations of {first.var} meet in cells of {buffer}")
    body = (*first.body, *_renamed(first, second, second.body[len(head) :]))
    one = replace(first, body=body, comment=f"{first.comment}; {second.comment}", minor=first.minor and second.minor)
    return replace(kernel, nests=(*kernel.nests[:at], one, *kernel.nests[at + 2 :]))


def _digits(nest: Nest) -> tuple[tuple[Stmt, ...], tuple[str, ...]]:
    """The statements that take an iteration's number apart, and the indices that determine it together."""
    digits: list[str] = []
    rest = Var(nest.var)
    at, body = 0, nest.body
    while at < len(body):
        match body[at : at + 2]:
            # A quotient and what it leaves determine the number, whatever the divisor is.
            case (Let(name, Binary("//", value, by)), Let(left, Binary("-", kept, Binary("*", Var(again), times)))) if (
                value,
                kept,
                again,
                times,
            ) == (rest, rest, name, by):
                digits.append(name)
                rest, at = Var(left), at + 2
            case (Let(name, FloorDiv(value, by)), Let(left, Binary("-", kept, Binary("*", Var(again), times)))) if (
                value,
                kept,
                again,
                times,
            ) == (rest, rest, name, const(by)):
                digits.append(name)
                rest, at = Var(left), at + 2
            case (Let(name, value), *_) if value == rest:
                return body[: at + 1], (*digits, name)
            case _:
                break
    return body[:at], (*digits, rest.name)


def _touched(nest: Nest) -> set[str]:
    return {node.buffer for node in walk(nest) if hasattr(node, "buffer")}


def _written(nest: Nest) -> set[str]:
    reads = (Load, LoadLanes, Address, Prefetch)
    return {node.buffer for node in walk(nest) if hasattr(node, "buffer") and not isinstance(node, reads)}


def _indices(nest: Nest, buffer: str) -> Iterator[tuple[tuple[Expr, ...], int]]:
    """Every index of a buffer, and the axis along which it has lanes."""
    for node in walk(nest):
        match node:
            case Load(name, index, offset) if name == buffer:
                yield (index, -1) if offset is None else ((), -1)
            case LoadLanes(name, index) if name == buffer:
                yield (index, node.axis % len(index)) if node.offset is None and index else ((), -1)
            case StoreLanes(name, index) if name == buffer:
                yield index, len(index) - 1
            case Store(name, index) | Accumulate(name, index) if name == buffer:
                yield index, -1
            case StoreZip(name) | StoreReduced(name) | StoreTurned(name) | Address(name) | Prefetch(name) if (
                name == buffer
            ):
                yield (), -1


def _names(found: list[tuple[tuple[Expr, ...], int]], digit: str) -> bool:
    """Whether some axis is the digit itself wherever the buffer is touched."""
    rank = min((len(index) for index, _ in found), default=0)
    return any(all(index[axis] == Var(digit) and axis != lanes for index, lanes in found) for axis in range(rank))


def _renamed(first: Nest, second: Nest, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """The second body with other names for what the first declares, too."""
    taken = _own(first.body) & _own(body)
    names = {name: f"{name}s_" for name in taken}

    def rule(node: Any) -> Any:
        changed = {
            field.name: names[value]
            for field in fields(node)
            if field.name in ("name", "var", "mask") and (value := getattr(node, field.name)) in names
        }
        return replace(node, **changed) if changed else node

    return tuple(rewrite(statement, rule) for statement in body)


def _own(body: tuple[Stmt, ...]) -> set[str]:
    nodes = list(expressions(body))
    return {n.name for n in nodes if isinstance(n, Declare | Let)} | {n.var for n in nodes if isinstance(n, For)}
