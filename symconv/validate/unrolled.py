"""Unrolled and vectorised statements rolled up again: a block of lanes is the loop that it stands for.

Each rule looks for statements of one shape and checks, lane by lane and copy by copy, that they do what the loop does
that takes their place; where they do not, they stay, and are followed as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    LANES,
    Accumulate,
    Binary,
    Compare,
    Const,
    Expr,
    For,
    If,
    Let,
    Load,
    LoadLanes,
    Splat,
    Stmt,
    Store,
    StoreLanes,
    Var,
)
from symconv.loops.traverse import rewrite, substitute, walk
from symconv.validate.polynomial import alike

__all__ = ["lane_of", "rolled_spans"]

WIDTH = Var(LANES)


def lane_of(node: Any, lane: Expr) -> Any:
    """What one lane of an unmasked expression or statement computes."""

    def rule(part: Any) -> Any:
        match part:
            case LoadLanes(buffer, index, stride, "", offset):
                return Load(buffer, _shifted(index, mul(const(stride), lane)), offset)
            case Splat(value):
                return value
            case StoreLanes(buffer, index, stride, "", "=", value):
                return Store(buffer, _shifted(index, mul(const(stride), lane)), value)
            case StoreLanes(buffer, index, stride, "", op, value):
                return Accumulate(buffer, _shifted(index, mul(const(stride), lane)), op, value)
        return part

    return rewrite(node, rule)


def _shifted(index: tuple[Expr, ...], by: Expr) -> tuple[Expr, ...]:
    return (*index[:-1], add(index[-1], by))


def rolled_spans(body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """Blocks of lanes, the last of which overlaps, and single elements where there are few: one loop over them all."""
    found: list[Stmt] = []
    at = 0
    while at < len(body):
        if (loop := _span(body[at : at + 3])) is not None:
            found.append(loop)
            at += 3
        else:
            found.append(body[at])
            at += 1
    return tuple(found)


def _span(three: Sequence[Stmt]) -> For | None:
    match three:
        case (
            For(chunk, Const(zero, False), Binary("//", most, divisor), (Let(at, first), block), 1),
            If(Compare(">=", length, enough), (Let(again, last), same)),
            If(Compare("<", short, few), (For(name, lower, upper, (single,), 1),)),
        ) if zero == 0 and at == again == name and divisor == enough == few == WIDTH:
            pass
        case _:
            return None
    wanted = sub(upper, lower)
    lengths = all(alike(one, wanted) for one in (length, short))
    counted = any(alike(most, one) for one in (wanted, Binary("max", wanted, const(0))))
    starts = alike(first, add(lower, mul(WIDTH, Var(chunk)))) and alike(last, sub(upper, WIDTH))
    if not (lengths and counted and starts) or not _once(single):
        return None
    return For(name, lower, upper, (single,)) if all(_lanes(b, single, at) for b in (block, same)) else None


def _once(single: Stmt) -> bool:
    """Whether storing an element again changes nothing: it is not computed from what is stored."""
    if not isinstance(single, Store):
        return False
    return not any(isinstance(node, Load | LoadLanes) and node.buffer == single.buffer for node in walk(single.value))


def _lanes(block: Stmt, single: Stmt, at: str) -> bool:
    lane = Var("lane_")
    return alike(lane_of(block, lane), substitute(single, {at: add(Var(at), lane)}))
