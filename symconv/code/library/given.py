"""What words are given: shapes, axes, numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from symconv.code.held.numbers import constant
from symconv.code.held.state import State
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number, number_of, whole_or_product
from symconv.code.values.kinds import in_words
from symconv.code.values.objects import Infinity, Opaque
from symconv.relation.terms import as_product

__all__ = ["Given", "Word", "axes_of", "axis_of", "fraction_of", "shape_of"]

Given = Mapping[str, Any]
"""The arguments of a word by name."""
Word = Callable[[State, Given, str], Any]
"""What a word does: the state, its arguments, and the name under which it was called."""


def shape_of(state: State, given: Any) -> list[Any]:
    """The lengths of a shape."""
    items = list(given) if isinstance(given, tuple | list) else [given]
    if len(items) == 1 and isinstance(items[0], tuple | list):
        items = list(items[0])
    for item in items:
        if not is_number(item):
            raise state.error(f"a shape is wanted as numbers; given {in_words(item)}")
    return [number_of(item) for item in items]


def axes_of(state: State, given: Any, rank: int) -> list[int]:
    """The numbers of axes, counted from the start."""
    items = list(given) if isinstance(given, tuple | list) else [given]
    found = []
    for item in items:
        k = constant(state, item, "the number of an axis")
        if not -rank <= k < rank:
            raise state.error(f"there is no axis {k}; the array has {rank} axes")
        found.append(k % rank)
    return found


def axis_of(state: State, given: Any, rank: int) -> int:
    """The number of the one axis that is meant, counted from the start."""
    axes = axes_of(state, given, rank)
    if len(axes) != 1:
        raise state.error(f"the number of one axis is wanted; given {len(axes)}")
    return axes[0]


def fraction_of(state: State, given: Any) -> Fraction:
    """A number that is known."""
    if isinstance(given, Opaque | Infinity):
        raise Outside("an infinite number", state.line)
    number = as_product(whole_or_product(given))
    if number.monomial:
        raise Outside("an array filled with a size", state.line)
    return number.coefficient
