"""What the conditions around let through: those on positions, and masks of elements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from symconv.code.arrays import infinite
from symconv.code.arrays.infinite import is_infinite
from symconv.code.held.boxes import array_of, boxed
from symconv.code.held.kept import kept_choice
from symconv.code.held.state import State
from symconv.code.source.trouble import Outside
from symconv.code.values.conditions import opposite
from symconv.code.values.objects import Box, Condition
from symconv.prove.meaning.value import Product

__all__ = ["blended", "complement", "guarding", "indicator_of", "keeps_order", "kept_where", "opposite_of", "shown"]

_ONE = Product(Fraction(1))


def opposite_of(state: State, where: Any) -> Any:
    """Where a condition does not hold."""
    if isinstance(where, Box):
        return boxed(state, complement(state, array_of(state, where)))
    return opposite(where)


def complement(state: State, mask: Any) -> Any:
    """1 where a mask is 0, and 0 where it is 1."""
    return state.on.complement(mask)


def indicator_of(state: State, where: Condition) -> Box:
    """1 where a condition on positions holds, else 0."""
    return boxed(state, state.terms.indicator(where))


@contextmanager
def guarding(state: State, where: Any) -> Iterator[None]:
    """Where only the positions of a condition matter, if it is one conjunction."""
    if not isinstance(where, Condition) or len(where.parts) != 1 or not state.on.symbolic:
        yield
        return
    with state.terms.walk.inside([], where.parts[0]):
        yield


def shown(state: State, value: Any) -> Any:
    """What an array adds under the conditions on elements around."""
    for mask in state.masks:
        value = state.on.elementwise("*", mask, value)
    return value


def kept_where(state: State, old: Any, new: Any) -> Any:
    """The new elements where the conditions on elements around hold, else the old ones."""
    if not state.masks:
        return new
    return blended(state, shown(state, state.on.lift(_ONE)), new, old)


def blended(state: State, mask: Any, new: Any, old: Any) -> Any:
    """Elements of ``new`` where a mask is 1, of ``old`` where it is 0."""
    if is_infinite((new, old)):
        return infinite.blended(state.on, mask, new, old)
    if (word := kept_choice(state, mask, new, old)) is not None:
        return word
    kept = state.on.elementwise("*", complement(state, mask), old)
    return state.on.elementwise("+", state.on.elementwise("*", mask, new), kept)


def keeps_order(state: State, what: str, grows: bool = False) -> None:
    """Raises Outside where what is done now to a list, a dict or an attribute is done often, or only sometimes."""
    if state.on.symbolic and not grows and state.depth:
        raise Outside(f"{what} changes in a loop over a size", state.line)
    if state.on.symbolic and (state.masks or state.terms.walk.guards):
        raise Outside(f"{what} changes under a condition on positions or elements", state.line)
