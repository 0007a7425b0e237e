"""The items of values, and ranges."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

from symconv.code.held.boxes import current
from symconv.code.held.elements import picked
from symconv.code.held.numbers import constant, integer
from symconv.code.held.state import State
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import count_between
from symconv.code.values.kinds import in_words
from symconv.code.values.objects import (
    Box,
    Combinations,
    Counted,
    Dotted,
    Pack,
    Series,
)
from symconv.limits import LIST_LENGTH
from symconv.notation.affine import Affine, affine

__all__ = ["counted", "is_range", "iterated", "many", "range_of", "sequence", "trips"]


def sequence(state: State, value: Any, count: int | None = None) -> list[Any]:
    """The items of a tuple, of a list, or of an array along its first axis."""
    match value:
        case tuple() | list():
            return list(value)
        case dict():
            return list(value)
        case Box():
            array = current(state, value)
            size = state.on.size(array, 0)
            if count is None and not (isinstance(size, Affine) and size.is_constant):
                raise Outside("a list is made of an array whose length is a size", state.line)
            number = count if count is not None else size.constant
            return [picked(state, value, (affine(k),)) for k in range(number)]
    raise state.error(f"several values are wanted; given {in_words(value)}")


def iterated(state: State, value: Any) -> list[Any]:
    """The items that a loop over ``value`` runs through, where their number is known."""
    if isinstance(value, Counted) or is_range(value):
        found = counted(state, value)
        assert found is not None
        count = constant(state, found.count, "the number of items of an iterator")
        if count > LIST_LENGTH:
            raise Outside("a list that is too long", state.line)
        return [found.at(affine(k)) for k in range(count)]
    if isinstance(value, Combinations):
        rows = [iterated(state, row) for row in value.rows]
        if prod(map(len, rows)) > LIST_LENGTH:
            raise Outside("a list that is too long", state.line)
        return list(product(*rows))
    if isinstance(value, Pack | Series):
        raise Outside("a list of unknown length", state.line)
    return sequence(state, value)


def counted(state: State, value: Any) -> Counted | None:
    """The items of a range, of an iterator over one, or of an array, by their place; None for other values."""
    match value:
        case Counted():
            return value
        case Box() if state.on.rank(current(state, value)):
            size = integer(state, state.on.size(current(state, value), 0), "a length")
            return Counted(size, lambda at: picked(state, value, (at,)))
    if not is_range(value):
        return None
    first, stop, step = range_of(value)
    count = trips(state, first, stop, step)
    return Counted(count, lambda at: first + at * step.constant)


def many(state: State, value: Any) -> Counted | None:
    """The same where their number is not known."""
    found = counted(state, value)
    return None if found is None or found.count.is_constant else found


def trips(state: State, first: Affine, stop: Affine, step: Affine) -> Affine:
    """How often a loop runs."""
    by = constant(state, step, "the step of a range")
    if by == 0:
        raise state.error("the step of a range is 0")
    count = count_between(first, stop, by)
    if count.is_constant or not state.on.symbolic:
        return count
    short = state.terms.walk.short(count)
    assert isinstance(short, Affine)
    return short


def is_range(value: Any) -> bool:
    """Whether it is what ``range(...)`` gives."""
    return isinstance(value, tuple) and len(value) == 2 and value[0] == Dotted("builtins.range")


def range_of(value: Any) -> tuple[Affine, Affine, Affine]:
    """The start, the end and the step of a range."""
    bounds = value[1]
    match len(bounds):
        case 1:
            return affine(0), bounds[0], affine(1)
        case 2:
            return bounds[0], bounds[1], affine(1)
    return bounds[0], bounds[1], bounds[2]
