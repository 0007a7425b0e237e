"""Kernels of several stages written by hand, from short words for the loop IR."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symconv.loops.arith import add, const, sub
from symconv.loops.ir import (
    Binary,
    Buffer,
    Const,
    Declare,
    Expr,
    For,
    Kernel,
    Load,
    LoadLanes,
    Nest,
    Store,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, substitute, walk

ZERO = Const(Fraction(0), True)


def var(name: str | int | Expr) -> Expr:
    return Var(name) if isinstance(name, str) else const(name) if isinstance(name, int) else name


def plus(left: Any, right: Any) -> Expr:
    return add(var(left), var(right))


def minus(left: Any, right: Any) -> Expr:
    return sub(var(left), var(right))


def product(left: Expr, right: Expr) -> Expr:
    return Binary("*", left, right)


def summed(value: Expr, *loops: tuple[str, Any]) -> tuple[Any, ...]:
    """``s = 0; for each loop: s += value``."""
    body: Any = Update("s", "+", value)
    for name, upper in reversed(loops):
        body = loop(name, upper, body)
    return Declare("s", ZERO), body


def load(buffer: str, *index: Any) -> Load:
    return Load(buffer, tuple(map(var, index)))


def store(buffer: str, *index: Any, value: Expr) -> Store:
    return Store(buffer, tuple(map(var, index)), value)


def loop(name: str, upper: Any, *body: Any, lower: Any = 0) -> For:
    return For(name, var(lower), var(upper), tuple(body))


def nest(name: str, extent: Any, *body: Any, parallel: bool = True) -> Nest:
    return Nest(name, var(extent), tuple(body), parallel=parallel)


def serial(*body: Any) -> Nest:
    return Nest("z_", const(1), tuple(body), parallel=False)


def workspace(name: str, *sizes: Any) -> Buffer:
    return Buffer(name, tuple((var(size),) for size in sizes), "workspace")


def kernel(like: Kernel, nests: tuple[Nest, ...], *buffers: Buffer) -> Kernel:
    """The nests over the arrays of another kernel and these buffers."""
    kept = tuple(b for b in like.buffers if b.role != "workspace")
    return replace(like, buffers=(*kept[:-1], *buffers, kept[-1]), nests=nests)


def through_copy(like: Kernel, tensor: str, name: str = "copy", shift: int = 0, room: int = 0) -> Kernel:
    """``tensor`` is copied into a workspace, ``shift`` further along each axis, and read there."""
    sizes = like.buffer(tensor).sizes
    axes = [f"e{axis}" for axis in range(len(sizes))]
    inner: Any = store(name, *(plus(a, shift) for a in axes), value=load(tensor, *axes))
    for axis, size in list(zip(axes, sizes, strict=True))[:0:-1]:
        inner = loop(axis, size, inner)
    copying = nest(axes[0], sizes[0], inner)

    def reading(node: Any) -> Any:
        if isinstance(node, Load | LoadLanes) and node.buffer == tensor:
            return replace(node, buffer=name, index=tuple(add(i, const(shift)) for i in node.index))
        return node

    nests = tuple(rewrite(one, reading) for one in like.nests)
    space = workspace(name, *(plus(size, shift + room) for size in sizes))
    return replace(like, buffers=(*like.buffers[:-1], space, like.buffers[-1]), nests=(copying, *nests))


def exchanged(like: Kernel) -> list[Kernel]:
    """Every way to move one nest before its neighbour."""
    nests = like.nests
    return [replace(like, nests=(*nests[:k], nests[k + 1], nests[k], *nests[k + 2 :])) for k in range(len(nests) - 1)]


def merged(like: Kernel) -> list[Kernel]:
    """Every way to run two neighbouring nests over the same loop as one: the barrier between them is dropped."""
    found = []
    for k, (one, other) in enumerate(zip(like.nests, like.nests[1:], strict=False)):
        if one.extent == other.extent and one.parallel == other.parallel:
            second = substitute(other, {other.var: Var(one.var)})
            both = replace(one, body=(*one.body, *second.body))
            found.append(replace(like, nests=(*like.nests[:k], both, *like.nests[k + 2 :])))
    return found


def changed(like: Kernel, rule: Callable[[Any], list[Any]]) -> list[Kernel]:
    """Every way to change one node; ``rule`` answers what may take its place."""
    found = []
    for number, one in enumerate(like.nests):
        for node in dict.fromkeys(n for statement in one.body for n in walk(statement)):
            for new in rule(node):
                body = rewrite(one, lambda n, node=node, new=new: new if n == node else n)
                found.append(replace(like, nests=(*like.nests[:number], body, *like.nests[number + 1 :])))
    return [kernel for kernel in found if kernel != like]
