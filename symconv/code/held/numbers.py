"""Numbers and keys that are wanted of values."""

from __future__ import annotations

from typing import Any

from symconv.code.held.boxes import current
from symconv.code.held.state import State
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number, number_of, whole
from symconv.code.values.kinds import INT, in_words, kind_of
from symconv.code.values.objects import (
    Box,
    Stale,
)
from symconv.notation.affine import Affine, affine

__all__ = ["constant", "integer", "key_of", "whole_element"]


def integer(state: State, value: Any, what: str = "the number") -> Affine:
    """A whole number."""
    if isinstance(value, Box) and state.on.rank(current(state, value)) == 0:
        if (known := whole_element(state, value)) is not None:
            return known
        raise Outside(f"{what} is an element of an array", state.line)
    if isinstance(value, Stale):
        raise Outside(value.why, state.line)
    if not is_number(value):
        raise state.error(f"{what} is wanted as a whole number; given {in_words(value)}")
    return whole(number_of(value), what)


def whole_element(state: State, element: Box) -> Affine | None:
    """One element of an array of whole numbers as a number, where numbers are known; None of all else."""
    held = None if state.on.symbolic or kind_of(element) != INT else current(state, element)
    if held is None or held.ndim or held.dtype.kind == "i":  # a label stays one
        return None
    number = held.item()
    return affine(int(number)) if number == int(number) else None


def constant(state: State, value: Any, what: str) -> int:
    """A number that is known."""
    form = integer(state, value, what)
    if not form.is_constant:
        raise Outside(f"{what} depends on sizes", state.line)
    return form.constant


def key_of(state: State, value: Any) -> Any:
    """What elements of a dict are told by."""
    known = isinstance(value, str | bool | None) or (isinstance(value, Affine) and value.is_constant)
    if known or (isinstance(value, tuple) and [key_of(state, one) for one in value]):
        return value
    raise Outside(f"{in_words(value)} as a key: texts and numbers that are known are read", state.line)
