"""Comparisons of values, and when a value counts as true."""

from __future__ import annotations

from typing import Any

from symconv.code.arrays.compared import compared_positions
from symconv.code.arrays.concrete import Concrete
from symconv.code.held.boxes import array_of, boxed, current
from symconv.code.held.masks import complement
from symconv.code.held.numbers import key_of
from symconv.code.held.state import State
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number, number_of
from symconv.code.values.conditions import both, compared, either, opposite
from symconv.code.values.kinds import BOOL, in_words, kind_of_type, of_type
from symconv.code.values.objects import Box, Condition, Context, Dotted, Function, Opaque, Pack, Ratio, Stale
from symconv.errors import SymconvError
from symconv.notation.affine import Affine, affine
from symconv.prove.meaning.value import Product

__all__ = ["compared_values", "condition_of", "joined_masks", "nonzero", "truth_of"]

_WORDS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def compared_values(state: State, op: str, first: Any, second: Any) -> Any:
    """``first op second``: True, False, where it holds, or a mask."""
    if op in {"is", "is not"}:
        return _identical(state, first, second) == (op == "is")
    if op in {"in", "not in"}:
        found = _contained(state, first, second)
        return found if op == "in" else opposite(found)
    word = _WORDS[op]
    if isinstance(first, Box) or isinstance(second, Box):
        if (found := _of_positions(state, word, first, second)) is not None:
            return found
        return boxed(state, state.on.compare(word, array_of(state, first), array_of(state, second)), BOOL)
    if is_number(first) and is_number(second):
        fits = state.terms.walk.decide if state.on.symbolic else None
        return compared(word, number_of(first), number_of(second), state.on.decide, fits)
    if word not in {"eq", "ne"}:
        raise Outside(f"a comparison of {in_words(first)} and {in_words(second)}", state.line)
    alike = _alike(state, first, second)
    return alike if word == "eq" else opposite(alike)


def _of_positions(state: State, word: str, first: Any, second: Any) -> Box | None:
    """Where a comparison of positions holds; None for other values."""
    sides = [current(state, one) if isinstance(one, Box) else one for one in (first, second)]
    known = all(state.on.positions(one) or isinstance(one, Affine) for one in sides)
    if not state.on.symbolic or not known:
        return None
    found = compared_positions(state.terms.walk, "eq" if word == "ne" else word, *sides)
    return boxed(state, complement(state, found) if word == "ne" else found, BOOL)


def _alike(state: State, first: Any, second: Any) -> Any:
    """Whether two values are equal."""
    if isinstance(first, tuple | list) and isinstance(second, tuple | list):
        alike: Any = len(first) == len(second)
        for a, b in zip(first, second, strict=False):
            alike = both(alike, compared_values(state, "==", a, b))
        if alike is not False and type(first) is not type(second):
            raise Outside("a list is compared with a tuple", state.line)
        return alike
    if isinstance(first, Pack) or isinstance(second, Pack):
        raise state.error("what is compared cannot be told")
    plain = (str, bool, type(None), Affine, Product, tuple, list, dict, Ratio)
    if isinstance(first, plain) and isinstance(second, plain):
        return first == second
    if None in (first, second) and not isinstance(first, Stale) and not isinstance(second, Stale):
        return first is second
    types = [of_type(one) for one in (first, second)]
    if any(one.startswith("dtype") for one in types):
        return kind_of_type(first) == kind_of_type(second)
    raise Outside(f"a comparison of {in_words(first)} and {in_words(second)}", state.line)


def _identical(state: State, first: Any, second: Any) -> bool:
    for one in (first, second):
        if isinstance(one, Stale):
            raise Outside(one.why, state.line)
    if first is None or second is None:
        return first is None and second is None
    if isinstance(first, Box) and isinstance(second, Box) and not (first.base or second.base):
        return first is second
    if isinstance(first, bool) and isinstance(second, bool):
        return first is second
    raise Outside(f"whether {in_words(first)} is {in_words(second)}", state.line)


def _contained(state: State, first: Any, second: Any) -> Any:
    """Whether a value is one of several."""
    if isinstance(first, str) and isinstance(second, str):
        return first in second
    if isinstance(second, dict):
        return key_of(state, first) in second
    if isinstance(second, frozenset):
        second = list(second)
    if isinstance(second, tuple | list) and not (second and isinstance(second[0], Dotted) and len(second) == 2):
        found: Any = False
        for one in second:
            alike = first is one if isinstance(first, str | None) != isinstance(one, str | None) else None
            alike = compared_values(state, "==", first, one) if alike is None else alike
            if isinstance(alike, Box):
                raise Outside("whether an element is one of several", state.line)
            found = either(found, alike)
        return found
    if isinstance(second, Pack) and isinstance(first, str):
        # As with get: what nothing tells is not given.
        try:
            second.resolve(first)
        except SymconvError:
            return False
        return True
    raise Outside(f"whether {in_words(first)} is in {in_words(second)}", state.line)


def joined_masks(state: State, every: bool, left: Any, right: Any) -> Any:
    """``and`` or ``or`` of conditions one of which is on elements."""
    if left is every:
        return right
    if right is every:
        return left
    a, b = array_of(state, left), array_of(state, right)
    product = state.on.elementwise("*", a, b)
    if every:
        return boxed(state, product, BOOL)
    return boxed(state, state.on.elementwise("-", state.on.elementwise("+", a, b), product), BOOL)


def truth_of(state: State, value: Any) -> Any:
    """A condition: True, False, or where it holds."""
    match value:
        case bool() | Condition():
            return value
        case Box():
            if state.on.symbolic and state.on.rank(current(state, value)):
                raise Outside("the truth of an array of several elements", state.line)
            mask = value if value.mask else nonzero(state, value)
            return state.on.true(mask.value) if isinstance(state.on, Concrete) else mask
        case None:
            return False
        case Affine() | Product() | Ratio():
            return compared("ne", value, affine(0), state.on.decide)
        case str() | tuple() | list() | dict():
            return bool(value)
        case Stale(why):
            raise Outside(why, state.line)
        case Function() | Context() | Pack() | Dotted() | Opaque("requires_grad"):
            return True
    raise Outside(f"the truth of {in_words(value)}", state.line)


def nonzero(state: State, value: Box) -> Box:
    """Where elements are not 0."""
    return boxed(state, state.on.compare("ne", array_of(state, value), array_of(state, affine(0))), BOOL)


def condition_of(state: State, value: Any) -> Any:
    """What chooses elements: a mask, where numbers stand for their truth."""
    return nonzero(state, value) if isinstance(value, Box) and not value.mask else value
