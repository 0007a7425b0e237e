"""Assignments of the code: to names, to elements of arrays, to attributes."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, cast

from symconv.code.held.boxes import array_of, current, hold
from symconv.code.held.elements import change, picked, put
from symconv.code.held.masks import blended, keeps_order
from symconv.code.held.operators import binary
from symconv.code.held.places import is_place, store_place
from symconv.code.held.sequences import iterated, sequence
from symconv.code.held.state import State, call, evaluate, fails, whole_plan
from symconv.code.held.sums import accumulate, accumulates, read_name
from symconv.code.reading.masked import among_picked
from symconv.code.reading.subscripts import entries_of, place_of, store_plan
from symconv.code.source.generators import lazy
from symconv.code.source.spelling import OPERATORS
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number
from symconv.code.values.kinds import fits, in_words, kind_of, missing, untold
from symconv.code.values.objects import Box, Context, Dotted, Opaque, Pack, Parts

__all__ = ["assign", "augment", "bind", "bind_inside", "stacked_list"]


def assign(state: State, targets: Sequence[ast.expr], node: ast.expr) -> None:
    """``target = node``."""
    if lazy(node):
        raise Outside("an iterator is kept; a list of it is read", state.line)
    if len(targets) == 1 and (added := _added(state, targets[0], node)) is not None:
        augment(state, targets[0], *added)
        return
    if len(targets) == 1 and (both := among_picked(state, targets[0], node)) is not None:
        owner, mask, whole = both
        _put_where(state, owner, mask, evaluate(state, whole))
        return
    value = evaluate(state, node)
    for target in targets:
        bind(state, target, value)


def _added(state: State, target: ast.expr, node: ast.expr) -> tuple[ast.operator, ast.expr] | None:
    """What ``a = a + e`` adds, where that is the same as ``a += e``."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add | ast.Sub):
        return None
    if isinstance(target, ast.Name) and not accumulates(state, target.id):
        return None
    if not isinstance(target, ast.Name | ast.Subscript):
        return None
    if isinstance(target, ast.Subscript) and not isinstance(evaluate(state, target.value), Box):
        return None
    text = ast.unparse(target)
    if ast.unparse(node.left) == text:
        return node.op, node.right
    return (node.op, node.left) if isinstance(node.op, ast.Add) and ast.unparse(node.right) == text else None


def bind(state: State, target: ast.expr, value: Any) -> None:
    """Gives a value to a name, to the elements of an array, or to several names."""
    match target:
        case ast.Name(name):
            hold(value)
            state.names[name] = value.of_name(name) if isinstance(value, Pack) else value
        case ast.Tuple(items) | ast.List(items):
            _unpacked(state, items, value)
        case ast.Starred(inner):
            bind(state, inner, value)
        case ast.Subscript(owner, index):
            _stored(state, evaluate(state, owner), index, value)
        case ast.Attribute(owner, name):
            held = evaluate(state, owner)
            hold(value)
            if isinstance(held, Context):
                keeps_order(state, "an attribute")
                held.attributes[name] = value
            elif not isinstance(held, Box) or name not in {"requires_grad", "grad"}:
                raise Outside(f"{name} of {in_words(held)} is set", state.line)
        case _:
            raise state.error("a value is given to something that is no name")


def _unpacked(state: State, items: Sequence[ast.expr], value: Any) -> None:
    if isinstance(value, Pack):
        for item in items:
            if not isinstance(item, ast.Name):
                raise state.error(f"what {value.name} holds is told by the names it is unpacked to")
            state.names[item.id] = None if item.id.startswith("_") else value.resolve(item.id)
        return
    if isinstance(value, Dotted | Opaque):
        raise state.error(f"{len(items)} values are wanted; given {in_words(value)}")
    star = next((k for k, item in enumerate(items) if isinstance(item, ast.Starred)), None)
    held = sequence(state, value, None if star is not None else len(items))
    if star is None and len(held) != len(items):
        if isinstance(value, Parts):
            fails(state, f"{len(items)} names for {len(held)} parts")
        raise state.error(f"{len(items)} names for {len(held)} values")
    if star is not None:
        tail = len(items) - star - 1
        if len(held) < len(items) - 1:
            raise state.error(f"{len(items)} names for {len(held)} values")
        held = [*held[:star], [*held][star : len(held) - tail], *held[len(held) - tail :]]
    for item, one in zip(items, held, strict=True):
        bind(state, item, one)


def _stored(state: State, owner: Any, index: ast.expr, value: Any) -> None:
    match owner:
        case Box():
            entries = entries_of(state, index)
            if state.on.symbolic and is_place(value):
                store_place(state, owner, entries, value)
                return
            if len(entries) == 1 and isinstance(entries[0], Box) and entries[0].mask:
                _masked_store(state, owner, entries[0], value)
                return
            plan = store_plan(state, owner, index)
            put(state, owner, plan, value if not isinstance(value, tuple | list) else stacked_list(state, value))
        case dict() | list():
            keeps_order(state, "an element of a list or a dict")
            hold(value)
            owner[place_of(state, owner, index)] = value
        case Pack() if isinstance(key := evaluate(state, index), str):
            keeps_order(state, "a parameter of several values")
            owner.changed.add(key)
        case _:
            raise state.error(f"{in_words(owner)} has no elements to change")


def stacked_list(state: State, value: Any) -> Box:
    """A list of numbers and arrays as an array."""
    found = call(state, Dotted("numpy.stack"), [value], {})
    found.kind = kind_of(value)
    return cast("Box", found)


def _masked_store(state: State, owner: Box, mask: Box, value: Any) -> None:
    """``owner[mask] = value`` for a mask of the array's shape and a number."""
    if isinstance(value, Box):
        raise Outside("elements are changed that an array names", state.line)
    _put_where(state, owner, mask, value)


def _masked_augmented(state: State, owner: Box, mask: Box, word: str, value: Any) -> None:
    """``owner[mask] op= value``; a number keeps the elements in their places."""
    if not is_number(value):
        raise Outside("elements are changed that an array names", state.line)
    _put_where(state, owner, mask, binary(state, word, owner, value))


def _put_where(state: State, owner: Box, mask: Box, value: Any) -> None:
    if not fits(owner, value):
        raise Outside("numbers are cut to those that the array holds", state.line)
    array, held = array_of(state, owner), array_of(state, mask)
    if state.on.rank(held) != state.on.rank(array):
        raise Outside("elements are changed that an array names", state.line)
    new = blended(state, held, array_of(state, value), array)
    change(state, owner, whole_plan(state, array), new, 1, True)


def augment(state: State, target: ast.expr, op: ast.operator, node: ast.expr) -> None:
    """``target op= node``."""
    value = evaluate(state, node)
    word = OPERATORS[type(op)]
    sign = {"+": 1, "-": -1}.get(word)
    if isinstance(target, ast.Subscript):
        _element_augmented(state, target, word, sign, value)
        return
    if isinstance(target, ast.Attribute):
        _attribute_augmented(state, target, word, sign, value)
        return
    if not isinstance(target, ast.Name):
        raise state.error("a name or elements of an array are changed")
    _named_augmented(state, target.id, word, sign, value)


def _element_augmented(state: State, target: ast.Subscript, word: str, sign: int | None, value: Any) -> None:
    owner = evaluate(state, target.value)
    if isinstance(owner, dict | list):
        key = place_of(state, owner, target.slice)
        if isinstance(owner, dict) and key not in owner:
            raise state.error(missing(key, owner))
        if _grown_in_place(state, owner[key], word, sign, value):
            return
        keeps_order(state, "an element of a list or a dict")
        owner[key] = binary(state, word, owner[key], value)
        return
    if not isinstance(owner, Box):
        raise state.error(f"{in_words(owner)} has no elements to change")
    entries = entries_of(state, target.slice)
    if len(entries) == 1 and isinstance(entries[0], Box) and entries[0].mask:
        _masked_augmented(state, owner, entries[0], word, value)
        return
    plan = store_plan(state, owner, target.slice)
    if sign is None:
        held = picked(state, owner, entries)
        put(state, owner, plan, binary(state, word, held, value))
    else:
        put(state, owner, plan, value, sign, False)


def _grown_in_place(state: State, held: Any, word: str, sign: int | None, value: Any) -> bool:
    """Changes an array or a list itself, also under its other names; False for what has no elements."""
    if isinstance(held, list):
        if word != "+":
            raise Outside(f"{word}= of a list", state.line)
        keeps_order(state, "a list")
        held += iterated(state, value)
        return True
    if not isinstance(held, Box) or state.on.rank(current(state, held)) == 0:
        return False
    plan = whole_plan(state, current(state, held))
    if sign is not None:
        put(state, held, plan, value, sign, False)
    else:
        put(state, held, plan, binary(state, word, held, value))
    return True


def _attribute_augmented(state: State, target: ast.Attribute, word: str, sign: int | None, value: Any) -> None:
    held = evaluate(state, target)
    if untold(held):
        # What is added up is a result.
        raise state.error(f"a number or an array is wanted here; given {in_words(held)}")
    if not _grown_in_place(state, held, word, sign, value):
        bind(state, target, binary(state, word, held, value))


def _named_augmented(state: State, name: str, word: str, sign: int | None, value: Any) -> None:
    if name not in state.names:
        raise state.error(f"{name} has no value here")
    held = state.names[name] if accumulates(state, name) else read_name(state, name)
    array = isinstance(held, Box) and state.on.rank(held.value) > 0
    if sign is not None and not array and accumulates(state, name):
        accumulate(state, name, word, value)
    elif not _grown_in_place(state, held, word, sign, value):
        state.names[name] = binary(state, word, held, value)


def bind_inside(state: State, name: str, value: Any) -> Any:
    """The value, which gets a name."""
    if state.on.symbolic and state.depth:
        raise Outside("a name is bound inside an expression in a loop over a size", state.line)
    bind(state, ast.Name(name, ast.Store()), value)
    return value
