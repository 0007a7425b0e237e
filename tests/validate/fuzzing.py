"""Random changes of kernels: what is drawn is one node, one statement or one nest that changes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import handmade as k

from symconv.loops.ir import (
    Accumulate,
    Binary,
    For,
    If,
    Kernel,
    Lanes,
    Load,
    LoadLanes,
    Nest,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, substitute, walk

Body = tuple[Any, ...]


def bodies(body: Body, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Body]]:
    """Every block, with the positions that lead to it."""
    yield path, body
    for at, statement in enumerate(body):
        if isinstance(statement, For | If):
            yield from bodies(statement.body, (*path, at))


def placed(body: Body, path: tuple[int, ...], new: Body) -> Body:
    if not path:
        return new
    at, *rest = path
    inner = replace(body[at], body=placed(body[at].body, tuple(rest), new))
    return (*body[:at], inner, *body[at + 1 :])


def block(rng: random.Random, body: Body) -> Body:
    """One statement moved, left out, repeated, or taken out of its loop."""
    at = rng.randrange(len(body))
    match rng.choice(("swap", "drop", "twice", "out", "last")):
        case "swap" if len(body) > 1:
            at = min(at, len(body) - 2)
            return (*body[:at], body[at + 1], body[at], *body[at + 2 :])
        case "drop":
            return (*body[:at], *body[at + 1 :])
        case "twice":
            return (*body[:at], body[at], *body[at:])
        case "last":
            return (*body[:at], *body[at + 1 :], body[at])
        case "out" if isinstance(body[at], For) and len(body[at].body) > 1:
            loop = body[at]
            cut = rng.randrange(1, len(loop.body))
            return (
                *body[:at],
                replace(loop, body=loop.body[:cut]),
                replace(loop, body=loop.body[cut:]),
                *body[at + 1 :],
            )
    return body


def node(rng: random.Random, old: Any) -> Any:
    """One node changed a little."""
    step = rng.choice((k.plus, k.minus))
    match old:
        case Load() | Store() | Accumulate() | LoadLanes() | StoreLanes() if rng.random() < 0.6:
            at = rng.randrange(len(old.index))
            new = step(old.index[at], 1)
            if len(old.index) > 1 and rng.random() < 0.3:
                new = old.index[at - 1]
            return replace(old, index=(*old.index[:at], new, *old.index[at + 1 :]))
        case Store():
            return Accumulate(old.buffer, old.index, rng.choice("+-"), old.value)
        case Accumulate():
            return rng.choice((Store(old.buffer, old.index, old.value), replace(old, op="max")))
        case StoreLanes():
            return replace(old, op=rng.choice(("=", "+", "max")))
        case For() if rng.random() < 0.5:
            return replace(old, lower=step(old.lower, 1))
        case For():
            return replace(old, upper=step(old.upper, 1))
        case Lanes():
            return rng.choice((replace(old, lower=step(old.lower, 1)), replace(old, upper=step(old.upper, 1))))
        case Update():
            return replace(old, op=rng.choice(("+", "-", "max")))
        case Binary(op, left, right):
            return rng.choice((Binary("-" if op == "+" else "+", left, right), Binary(op, right, left)))
    return old


def mutant(rng: random.Random, kernel: Kernel) -> Kernel:
    nests = list(kernel.nests)
    at = rng.randrange(len(nests))
    kind = rng.choice(("nests", "merge", "block", "block", "node", "node", "parallel"))
    if kind == "nests" and len(nests) > 1:
        nests.insert(rng.randrange(len(nests)), nests.pop(at))
    elif kind == "merge" and at + 1 < len(nests) and nests[at].extent == nests[at + 1].extent:
        other = nests.pop(at + 1)
        second = substitute(other, {other.var: Var(nests[at].var)})
        nests[at] = replace(nests[at], body=(*nests[at].body, *second.body))
    elif kind == "parallel":
        nests[at] = replace(nests[at], parallel=not nests[at].parallel)
    elif kind == "block":
        path, body = rng.choice(list(bodies(nests[at].body)))
        if body:
            nests[at] = replace(nests[at], body=placed(nests[at].body, path, block(rng, body)))
    elif nests[at].body:
        nests[at] = changed(rng, nests[at])
    return replace(kernel, nests=tuple(nests))


def changed(rng: random.Random, nest: Nest) -> Nest:
    old = rng.choice([n for statement in nest.body for n in walk(statement)])
    new = node(rng, old)
    done = False

    def swap(one: Any) -> Any:
        nonlocal done
        if not done and one == old:
            done = True
            return new
        return one

    result: Nest = rewrite(nest, swap)
    return result
