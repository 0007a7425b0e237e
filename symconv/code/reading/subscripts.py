"""Subscripts as they are written: to the entries that ``held.elements`` takes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from symconv.code.held.boxes import current
from symconv.code.held.elements import picked, plan_of
from symconv.code.held.numbers import constant, key_of, whole_element
from symconv.code.held.places import place_at
from symconv.code.held.sequences import sequence
from symconv.code.held.state import State, call, evaluate
from symconv.code.source.trouble import Outside
from symconv.code.values.kinds import in_words, missing
from symconv.code.values.objects import Box, Dotted, Pack, Series, Slice, Stale

__all__ = ["entries_of", "items_of", "place_of", "store_plan", "subscript", "value_of_index"]


def subscript(state: State, owner: Any, index: ast.expr) -> Any:
    """``owner[index]``."""
    match owner:
        case Box():
            entries = entries_of(state, index)
            if (place := place_at(state, owner, entries)) is not None:
                return place
            found = picked(state, owner, entries)
            number = whole_element(state, found)
            return found if number is None else number
        case tuple() | list():
            entry = value_of_index(state, index)
            if isinstance(entry, Slice):
                bounds = [
                    None if b is None else constant(state, b, "a bound") for b in (entry.start, entry.stop, entry.step)
                ]
                return owner[slice(*bounds)]
            at = constant(state, entry, "the position in a tuple")
            if not -len(owner) <= at < len(owner):
                raise state.error(f"there are {len(owner)} values, and no number {at}")
            return owner[at]
        case dict():
            key = value_of_index(state, index)
            if key_of(state, key) not in owner:
                raise state.error(missing(key, owner))
            return owner[key]
        case Pack(name, _, alike):
            key = value_of_index(state, index)
            if not alike and not isinstance(key, str):
                told = f"unpack it to names (x, w = {name}), or say arguments={{{name!r}: ('x', 'w')}}"
                raise Outside(f"which of its values {name}[{ast.unparse(index)}] is cannot be told; {told}", state.line)
            return owner.resolve(key)
        case Dotted(path) if path.endswith((".c_", ".r_")):
            raise Outside(f"{path} of ranges; np.arange makes an array of one", state.line)
        case Stale(why):
            raise Outside(why, state.line)
        case Series():
            raise Outside("one element of a list over a loop", state.line)
    raise state.error(f"{in_words(owner)} has no elements")


def value_of_index(state: State, node: ast.expr) -> Any:
    """One entry of a subscript."""
    if isinstance(node, ast.Slice):
        return Slice(*(None if part is None else evaluate(state, part) for part in (node.lower, node.upper, node.step)))
    match node:
        case ast.Call(ast.Name("range") as named, arguments, []) if evaluate(state, named) == Dotted("builtins.range"):
            return call(state, Dotted("numpy.arange"), items_of(state, arguments), {})
    return evaluate(state, node)


def items_of(state: State, nodes: Sequence[ast.expr], read: Callable[[State, ast.expr], Any] = evaluate) -> list[Any]:
    """The values of expressions in a row, some of them starred."""
    found: list[Any] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            found += sequence(state, evaluate(state, node.value))
        else:
            found.append(read(state, node))
    return found


def entries_of(state: State, node: ast.expr) -> tuple[Any, ...]:
    """The entries of a subscript of an array."""
    if isinstance(node, ast.Tuple):
        return tuple(items_of(state, node.elts, value_of_index))
    value = value_of_index(state, node)
    return value if isinstance(value, tuple) else (value,)


def place_of(state: State, owner: Any, index: ast.expr) -> Any:
    """What an element of a list or of a dict is told by."""
    found = value_of_index(state, index)
    if isinstance(owner, dict):
        return key_of(state, found)
    at = constant(state, found, "the position in a list")
    if not -len(owner) <= at < len(owner):
        raise state.error(f"there are {len(owner)} values, and no number {at}")
    return at


def store_plan(state: State, box: Box, index: ast.expr) -> Any:
    """The elements that a statement changes."""
    return plan_of(state, current(state, box), entries_of(state, index))
