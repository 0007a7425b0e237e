"""Blocks of lanes as loops over positions, each of which is a block of one lane.

A block of lanes is *even* where lane ``l`` of the block that starts at ``s`` does what lane 0 of the block that starts
at ``s + l`` does: then it makes no difference how many lanes a vector has, nor that the last block starts early and
overlaps the one before, as long as storing a cell again stores the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    Address,
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
    ReduceLanes,
    Shift,
    Stmt,
    StoreLanes,
    Unzip,
    Update,
    Var,
    Zip,
)
from symconv.loops.traverse import expressions, rewrite, substitute
from symconv.relation.points import UnclearError
from symconv.validate.inner import in_general, whole_parts
from symconv.validate.polynomial import WIDTH, alike, expression, polynomial, uses

__all__ = ["both", "each_position", "even"]

_AT = "position_"


def each_position(body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """A row in blocks of lanes, or in one block that it fits, as loops over its positions with vectors of one lane.

    The second loop runs over lanes behind the end of a row that has fewer cells than a vector lanes: what they load has
    to be there. Raises UnclearError where a row is no such blocks.
    """
    match body:
        case (For(counter, Const(zero, False), blocks, (Let(at, value), *rest), 1),) if not zero:
            chosen, length = _stored(tuple(rest))
            block, full = in_general(chosen)
            start = _start(at, value, counter, length)
            if not alike(blocks, Binary("//", sub(add(length, WIDTH), const(1)), WIDTH)):
                raise UnclearError(f"{counter} counts no blocks of lanes")
            even(block, at)
            checked = (For(at, start, add(start, length), full),) if full else ()
            return *checked, *both(at, block, start, length)
        case (*rest,):
            # One block from 0 on: its lanes are the positions, if it has as many.
            block, length = _stored(_without_shifts(tuple(rest)))
            fits = If(Compare("<=", length, WIDTH), ())
            return (fits, *both(_AT, _moved(block, Var(_AT)), const(0), length))
    raise UnclearError("a row is in no blocks of lanes")


def both(at: str, block: tuple[Stmt, ...], start: Expr, length: Expr) -> tuple[Stmt, ...]:
    """The loops over the positions of a row, and over lanes behind its end, which load alone."""
    end = add(start, length)
    junk = For(at, end, add(end, WIDTH), tuple(_touched(block)))
    return For(at, start, end, block), junk


def _start(at: str, value: Expr, counter: str, length: Expr) -> Expr:
    """Where a row starts whose blocks start at ``value``: the last block, and only it, is moved back to end there."""
    form = polynomial(value)
    moved = [atoms for atoms in form if any(uses(atom, {counter}) for atom in atoms)]
    start = expression({atoms: factor for atoms, factor in form.items() if atoms not in moved})
    step = Binary("min", mul(WIDTH, Var(counter)), sub(length, WIDTH))
    if not alike(value, add(start, Binary("max", const(0), step))):
        raise UnclearError(f"{at} is no start of a block of lanes")
    return start


def _stored(body: tuple[Stmt, ...]) -> tuple[tuple[Stmt, ...], Expr]:
    """A block with the stores of all lanes at its end, and the number of cells: of fewer than lanes only these are."""
    match body:
        case (
            *rest,
            If(Compare(">=", length, enough), stores),
            If(Compare("<", short, few), (Declare(mask, Lanes(Const(zero, False), some)), *masked)),
        ) if enough == few == WIDTH and not zero and alike(length, short) and alike(length, some):
            pass
        case _:
            raise UnclearError("a row does not store its lanes, or the few that there are")
    if masked != [_masked(store, mask) for store in stores]:
        raise UnclearError("few lanes store something else than all lanes")
    if any(isinstance(node, StoreLanes) for node in expressions(tuple(rest))):
        raise UnclearError("a block of lanes is stored before its end")
    return (*rest, *stores), length


def _masked(store: Stmt, mask: str) -> Stmt:
    """What stores the lanes of a mask where a statement stores all; doing so twice has to be the same as once."""
    match store:
        case StoreLanes(_, _, _, "", "=", value):
            few = rewrite(value, lambda n: replace(n, mask=mask) if isinstance(n, LoadLanes) and not n.mask else n)
            return replace(store, mask=mask, value=few)
    raise UnclearError("lanes are stored in another way than each at its place")


def even(block: tuple[Stmt, ...], at: str) -> None:
    """Raises UnclearError unless the second lane does what the first lane of the block from the next position does."""
    further = {at: add(Var(at), const(1))}
    for one, moved in zip(block, _moved(block, const(1)), strict=True):
        if not alike(whole_parts(moved), whole_parts(substitute(one, further))):
            raise UnclearError(f"lanes do not do the same, each at its position {at}")


def _moved(block: tuple[Stmt, ...], by: Expr) -> tuple[Stmt, ...]:
    """A block whose first lane does what lane ``by`` did."""

    def rule(part: Any) -> Any:
        match part:
            case LoadLanes() if part.offset is None:
                return replace(part, index=part.lane(by))
            case StoreLanes(_, index, stride):
                return replace(part, index=(*index[:-1], add(index[-1], mul(const(stride), by))))
            case Lanes(lower, upper):
                return Lanes(sub(lower, by), sub(upper, by))
            case LoadLanes() | Shift() | ReduceLanes() | Zip() | Unzip() | Address():
                raise UnclearError(f"{type(part).__name__} is not one lane's business")
        return part

    return tuple(rewrite(one, rule) for one in block)


def _without_shifts(body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """A block in which lanes that are moved in registers are loaded from where they come from, under a moved mask.

    Lanes that come from outside of the vector are 0: the mask has to let none of them through.
    """
    nodes = tuple(expressions(body))
    ways = dict.fromkeys((n.value.mask, n.by) for n in nodes if isinstance(n, Shift) and isinstance(n.value, LoadLanes))

    def rule(part: Any) -> Any:
        match part:
            case Shift(LoadLanes(buffer, index, 1, mask, None, -1), by) if mask:
                return LoadLanes(buffer, (*index[:-1], add(index[-1], const(by))), 1, _by(mask, by))
        return part

    def block(statements: tuple[Stmt, ...]) -> Iterator[Stmt]:
        for statement in statements:
            match statement:
                case For() | If():
                    yield replace(statement, body=tuple(block(statement.body)))
                    continue
                case Declare(name, Lanes(lower, upper)) if distances := [by for mask, by in ways if mask == name]:
                    yield If(Compare(">=", lower, const(0)), ())
                    yield If(Compare("<=", upper, WIDTH), ())
                    for by in distances:
                        yield Declare(_by(name, by), Lanes(sub(lower, const(by)), sub(upper, const(by))))
            yield statement

    return tuple(rewrite(statement, rule) for statement in block(body))


def _by(mask: str, by: int) -> str:
    return f"{mask}by{by}_"


def _touched(block: tuple[Stmt, ...]) -> Iterator[Stmt]:
    """The loads of a block alone."""
    for statement in block:
        match statement:
            case For() | If():
                # Without a body, a condition would be a demand.
                if inside := tuple(_touched(statement.body)):
                    yield replace(statement, body=inside)
            case Declare(_, Lanes() | Load() | LoadLanes()) | Let():
                yield statement
            case Update(name):
                loads = dict.fromkeys(n for n in expressions((statement,)) if isinstance(n, LoadLanes | Load))
                yield from (Declare(f"{name}{k}_", load) for k, load in enumerate(loads))
