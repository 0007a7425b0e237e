"""Unrolled and vectorised statements rolled up again: a block of lanes is the loop that it stands for.

Each rule looks for statements of one shape and checks, lane by lane and copy by copy, that they do what the loop does
that takes their place; where they do not, they stay, and are followed as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    Accumulate,
    Binary,
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
    Splat,
    Stmt,
    Store,
    StoreLanes,
    Var,
    Zip,
)
from symconv.loops.traverse import rewrite, substitute, walk
from symconv.validate.polynomial import WIDTH, alike, canonical, expression, polynomial, uses

__all__ = ["lane_of", "rolled_spans"]

_ROW = "at_"
"""The loop over the elements of a row."""


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
    """Blocks of lanes, the last of which overlaps, and single elements where there are few: one loop over them all.

    A row that is stored as one vector where it fits, and by parts where it does not, is its parts.
    """
    found: list[Stmt] = []
    at = 0
    while at < len(body):
        if whole := _either(body[at : at + 2]) or _weave(body[at : at + 2]):
            found += whole
            at += 2
        elif (loop := _span(body[at : at + 3])) is not None:
            found.append(loop)
            at += 3
        elif row := _row(body[at : at + 3]):
            found += row
            at += 3
        elif made := _full(body[at:]):
            found += made[0]
            at += made[1]
        else:
            found.append(body[at])
            at += 1
    return tuple(found)


def _span(three: Sequence[Stmt]) -> For | None:
    match three:
        case (
            For(chunk, Const(zero, False), Binary("//", most, divisor), (Let(at, first), block), 1),
            If(Compare(">=", length, enough), (Let(again, last), same)),
            If(Compare("<", short, few), rest),
        ) if zero == 0 and at == again and divisor == enough == few == WIDTH:
            pass
        case _:
            return None
    single = lane_of(block, const(0))
    ends = _ends(rest, block, single, at)
    if ends is None or not _once(single) or same != block:
        return None
    lower, upper = ends
    wanted = sub(upper, lower)
    lengths = all(alike(one, wanted) for one in (length, short))
    counted = any(alike(most, one) for one in (wanted, Binary("max", wanted, const(0))))
    starts = alike(first, add(lower, mul(WIDTH, Var(chunk)))) and alike(last, sub(upper, WIDTH))
    if not (lengths and counted and starts and _lanes(block, single, at)):
        return None
    return For(at, lower, upper, (single,))


def _either(two: Sequence[Stmt]) -> tuple[Stmt, ...]:
    """A row in one way where it fits a vector, in another where it does not, both of which store the same."""
    match two:
        case (If(Compare("<=", length, few), one), If(Compare(">", again, lanes), other)) if few == lanes == WIDTH:
            pass
        case _:
            return ()
    row, parts = _row(one), rolled_spans(other)
    if not row or not alike(length, again) or [*map(canonical, row[len(_CHECKED) :])] != [*map(canonical, parts)]:
        return ()
    # That it fits a vector is known where it is stored as one.
    return (*row[: len(_CHECKED) - 1], *parts)


def _weave(two: Sequence[Stmt]) -> tuple[Stmt, ...]:
    """Classes woven into one vector where that is as long as their row, else into a line, both stored alike."""
    match two:
        case (
            If(Compare("<=", length, few), (Declare(mask, Lanes(lower, upper)), StoreLanes(mask=named, op="=") as row)),
            If(Compare(">", again, lanes), body),
        ) if few == lanes == WIDTH and mask == named and alike(length, again):
            pass
        case _:
            return ()
    parts = rolled_spans(body)
    match [one for one in parts if not (isinstance(one, If) and not one.body)]:
        case [For(counter, Const(zero, False), count, stores, 1), For(at, low, high, (Store() as single,), 1)] if (
            not zero
        ):
            pass
        case _:
            return ()
    woven = [node for node in walk(row.value) if isinstance(node, Zip)]
    lines = {one.buffer for one in stores if isinstance(one, Store)}
    if len(woven) != 1 or len(lines) != 1 or len(woven[0].values) != len(stores):
        return ()
    (whole,), (line,) = woven, lines
    classes = const(len(stores))
    dealt = whole.part == 0 and whole.turn == 1 and alike(length, mul(classes, count))
    for number, (value, one) in enumerate(zip(whole.values, stores, strict=True)):
        place = add(mul(classes, Var(counter)), const(number))
        dealt &= isinstance(value, LoadLanes) and alike(one, Store(line, (place,), lane_of(value, Var(counter))))

    def told(node: Any) -> Any:
        if node == whole:
            return LoadLanes(line, (const(0),), 1, "")
        return replace(node, mask="") if isinstance(node, LoadLanes | StoreLanes) and node.mask == mask else node

    # Elements of the line that its loop does not store are read by neither: a read that finds no store is refused.
    same = alike(lower, low) and alike(upper, high) and alike(lane_of(rewrite(row, told), Var(at)), single)
    return parts if dealt and same else ()


_CHECKED = ("inside from 0 on", "inside to its end", "one vector")
"""What has to hold of a row, in its order."""


def _row(three: Sequence[Stmt]) -> tuple[Stmt, ...]:
    """One vector, of whose lanes a mask stores a row and another loads what is inside of an array: three loops.

    Before them stands what has to hold: the loaded lanes are lanes of the row, and that is no longer than a vector.
    """
    match three:
        case (
            Declare(some, Lanes(lower, upper)),
            Declare(few, Lanes(Const(zero, False), length)),
            StoreLanes(buffer, (*prefix, Const(first, False)), 1, stored, "=", LoadLanes(mask=loaded) as load) as store,
        ) if zero == first == 0 and stored == few and loaded == some and some != few:
            pass
        case _:
            return ()
    if load.buffer == buffer or getattr(store, "offset", None) is not None:
        return ()
    at = Var(_ROW)
    element = lane_of(replace(load, mask=""), at)
    outside = Store(buffer, (*prefix, at), Const(Fraction(0), True))
    demands = (Compare(">=", lower, const(0)), Compare(">=", length, upper), Compare("<=", length, WIDTH))
    return (
        *(If(demand, ()) for demand in demands),
        For(_ROW, const(0), lower, (outside,)),
        For(_ROW, lower, upper, (replace(outside, value=element),)),
        For(_ROW, upper, length, (outside,)),
    )


def _full(body: Sequence[Stmt]) -> tuple[tuple[Stmt, ...], int] | None:
    """Blocks of lanes over a range of at least one block, and how many statements they are: a loop over them all."""
    match body:
        case (
            For(chunk, Const(zero, False), Binary("//", most, divisor), (Let(at, first), *block), 1),
            Let(again, last),
            *rest,
        ) if zero == 0 and at == again and divisor == WIDTH and block == rest[: len(block)]:
            pass
        case _:
            return None
    upper = expression(polynomial(add(last, WIDTH)))
    lower = expression(polynomial(sub(first, mul(WIDTH, Var(chunk)))))
    single = tuple(lane_of(one, const(0)) for one in block)
    wanted = sub(upper, lower)
    counted = any(alike(most, one) for one in (wanted, Binary("max", wanted, const(0))))
    plain = all(_once(one) and _lanes(whole, one, at) for whole, one in zip(block, single, strict=True))
    if not block or not counted or not plain or uses(lower, {chunk}):
        return None
    fits = If(Compare(">=", expression(polynomial(sub(wanted, WIDTH))), const(0)), ())
    loop = For(at, lower, upper, single)
    return (fits, loop), 2 + len(block)


def _ends(rest: tuple[Stmt, ...], block: Stmt, single: Stmt, at: str) -> tuple[Expr, Expr] | None:
    """Where few positions start and end: one by one, or under a mask of as many lanes as there are."""
    match rest:
        case (For(name, lower, upper, (one,), 1),) if name == at and alike(one, single):
            return lower, upper
        case (If(Compare(">", some, Const(none, False)), (Declare(mask, Lanes(Const(zero, False), many)), store)),) if (
            none == zero == 0 and isinstance(store, StoreLanes) and store.mask == mask and isinstance(block, StoreLanes)
        ):
            start = sub(store.index[-1], substitute(block.index[-1], {at: const(0)}))
            bare = rewrite(store, lambda node: replace(node, mask="") if getattr(node, "mask", "") == mask else node)
            if alike(some, many) and alike(bare, substitute(block, {at: start})):
                return start, add(start, many)
    return None


def _once(single: Stmt) -> bool:
    """Whether storing an element again changes nothing: it is not computed from what is stored."""
    if not isinstance(single, Store):
        return False
    return not any(isinstance(node, Load | LoadLanes) and node.buffer == single.buffer for node in walk(single.value))


def _lanes(block: Stmt, single: Stmt, at: str) -> bool:
    lane = Var("lane_")
    return alike(lane_of(block, lane), substitute(single, {at: add(Var(at), lane)}))
