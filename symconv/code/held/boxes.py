"""Arrays that names hold, with their views: what they hold now, and which of them share elements."""

from __future__ import annotations

from typing import Any

from symconv.code.arrays.grids import Grid
from symconv.code.arrays.indexed import numbers_of
from symconv.code.arrays.infinite import infinity, is_infinite
from symconv.code.held.accesses import touched
from symconv.code.held.state import State
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number, whole_or_product
from symconv.code.values.kinds import REAL, in_words, kind_of
from symconv.code.values.objects import (
    Box,
    Combinations,
    Condition,
    Counted,
    Infinity,
    Plan,
    Series,
    Stale,
)
from symconv.prove.meaning.scope import Undecided
from symconv.relation.terms import as_product

__all__ = ["array_of", "boxed", "changeable", "current", "fixed", "hold", "loose_view", "numeric", "root_of", "view_of"]


def current(state: State, box: Box) -> Any:
    """What an array holds now: a view follows its base."""
    if root_of(box).places is not None:
        raise Outside(
            "the places of extremes that an array holds are read one by one, with an index for each axis", state.line
        )
    if _unsure(box) and root_of(box).version != box.seen:
        raise Outside("an array is read that may share its elements with one that was changed", state.line)
    if box.base is not None and not state.on.symbolic:
        if is_infinite(root_of(box).value) and not is_infinite(box.value):
            raise Outside("an array is read that was there before minus infinity was put into another", state.line)
        return box.value
    if box.base is not None and root_of(box).version != box.seen:
        if box.derive is None:
            raise Outside("an array is read whose elements were changed under another name", state.line)
        box.value, box.seen = box.derive(current(state, box.base)), root_of(box).version
    return box.value


def changeable(state: State, box: Box) -> None:
    """Raises Outside where it cannot be told which arrays change with this one."""
    if root_of(box).places is not None:
        raise Outside("an array that holds the places of extremes is changed", state.line)
    if _unsure(box):
        raise Outside("an array is changed that may or may not share its elements with another", state.line)


def boxed(state: State, value: Any, kind: str = REAL) -> Box:
    """A new array."""
    return Box(value, state.depth, line=state.line, kind=kind)


def view_of(state: State, base: Box, value: Any, derive: Any = None, plan: Plan | None = None) -> Box:
    """An array that shares its elements with another."""
    return Box(value, base.depth, base, plan, derive, seen=root_of(base).version, line=state.line)


def loose_view(state: State, base: Box, value: Any) -> Box:
    """An array that may share its elements with another, or may be a copy: of what nothing else holds, new."""
    if not root_of(base).named:
        return boxed(state, value, kind_of(base))
    found = view_of(state, base, value)
    found.loose = True
    return found


def array_of(state: State, value: Any) -> Any:
    """The elements of an array, or a number as one without axes."""
    if isinstance(value, Box):
        touched(state, value, None, "read")
        return current(state, value)
    if isinstance(value, Condition):
        return state.terms.indicator(value)
    if isinstance(value, Series):
        return state.terms.stacked(value.names, value.counts, array_of(state, value.element))
    if value == Infinity(-1):
        return infinity(state.on)
    if isinstance(value, Infinity):
        raise Outside("infinity is read with a minus alone, as masks are", state.line)
    if is_number(value):
        return state.on.lift(as_product(whole_or_product(value)))
    if isinstance(value, Stale):
        raise Outside(value.why, state.line)
    raise state.error(f"an array is wanted here; given {in_words(value)}")


def numeric(state: State, value: Any) -> Any:
    """The value, but an array of positions as one of numbers."""
    held = current(state, value) if isinstance(value, Box) else None
    return boxed(state, numbers_of(state.terms.walk, held), value.kind) if isinstance(held, Grid) else value


def root_of(box: Box) -> Box:
    """The array that a view is of."""
    while box.base is not None:
        box = box.base
    return box


def _unsure(box: Box | None) -> bool:
    while box is not None:
        if box.loose or box.scalar:
            return True
        box = box.base
    return False


def hold(value: Any) -> None:
    """Notes that arrays have a name, or are kept in a list."""
    if isinstance(value, Box):
        root_of(value).named = True
    elif isinstance(value, tuple | list):
        for one in value:
            hold(one)
    elif isinstance(value, Combinations | Counted):
        # It gives its items once.
        raise Undecided("an iterator is kept; a list of it is read")


def fixed(state: State, element: Box) -> Box:
    """What an array holds now; one that was there before the loop is not read after it changed."""
    now = current(state, element)
    root = root_of(element)
    if root.depth > state.depth:
        return boxed(state, now, kind_of(element))
    return Box(now, state.depth, element, seen=root.version, line=state.line, loose=True)
