"""Blocks of lanes that all lie inside of an operand, beside those under masks: the masks serve for both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import Any

from symconv.loops.arith import add, const
from symconv.loops.ir import (
    Compare,
    Const,
    Declare,
    FloorDiv,
    For,
    If,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Select,
    Splat,
    Stmt,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import WIDTH, alike, expression, polynomial

__all__ = ["in_general", "whole_parts"]


def in_general(body: tuple[Stmt, ...]) -> tuple[tuple[Stmt, ...], tuple[Stmt, ...]]:
    """A block under masks alone, where it chooses between them and none; and what has to hold for that: where it
    chooses none, its masks let all lanes through.

    Raises UnclearError where both ways differ in more than masks.
    """
    found: list[Stmt] = []
    full: list[Stmt] = []
    left = list(body)
    while left:
        match left:
            case [
                Let(name, Select(test, Const(one, False), Const(none, False))),
                If(Compare("==", Var(first), Const(yes, False)), bare),
                If(Compare("==", Var(second), Const(no, False)), masked),
                *rest,
            ] if name == first == second and one == yes == 1 and none == no == 0:
                if not _alike(tuple(_bare(bare)), tuple(_bare(masked))):
                    raise UnclearError("lanes inside of an operand do something else than those under a mask")
                found += masked
                full.append(If(test, tuple(_full(masked))))
                left = rest
            case _:
                found.append(left.pop(0))
    return tuple(found), tuple(full)


def _alike(one: tuple[Stmt, ...], other: tuple[Stmt, ...]) -> bool:
    return len(one) == len(other) and all(map(alike, one, other))


def _bare(body: tuple[Stmt, ...]) -> Iterator[Stmt]:
    """A block without its masks."""
    for statement in body:
        match statement:
            case For() | If():
                yield replace(statement, body=tuple(_bare(statement.body)))
            case Declare(_, Lanes() | LoadLanes(_, _, 0)):
                continue
            case Update(_, _, value):
                yield replace(statement, value=rewrite(value, _unmasked), mask="")
            case _:
                yield rewrite(statement, _unmasked)


def _unmasked(node: Any) -> Any:
    match node:
        case LoadLanes(buffer, index, 0, _, None):
            return Splat(Load(buffer, index))
        case LoadLanes():
            return replace(node, mask="")
    return node


def _full(body: tuple[Stmt, ...]) -> Iterator[Stmt]:
    """That the masks of a block let all lanes through."""
    for statement in body:
        match statement:
            case For() | If():
                # Without a body, a condition would be a demand.
                if inside := tuple(_full(statement.body)):
                    yield replace(statement, body=inside)
            case Declare(_, Lanes(lower, upper)):
                yield If(Compare("<=", lower, const(0)), ())
                yield If(Compare(">=", upper, WIDTH), ())
            case Let():
                yield statement


def whole_parts(node: Any) -> Any:
    """With quotients without their whole parts: ``(d*q + r) // d`` as ``q + r // d``."""

    def rule(part: Any) -> Any:
        match part:
            case FloorDiv(value, divisor):
                form = polynomial(value)
                whole = {atoms: Fraction(floor(factor / divisor)) for atoms, factor in form.items()}
                rest = {atoms: factor - divisor * whole[atoms] for atoms, factor in form.items()}
                return add(expression(_some(whole)), FloorDiv(expression(_some(rest)), divisor))
        return part

    return rewrite(node, rule)


def _some(form: dict[Any, Fraction]) -> dict[Any, Fraction]:
    return {atoms: factor for atoms, factor in form.items() if factor}
