"""Attributes that a class gives its instances, in its body or by ``__init__``: numbers, texts and tuples of them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from symconv.code.held.boxes import current
from symconv.code.held.state import State, evaluate, scoped
from symconv.code.source.declared import declared_shapes
from symconv.code.source.held_gradients import added_up
from symconv.code.source.initial import Initial
from symconv.code.source.keyed import own_attribute
from symconv.code.values.amounts import is_number
from symconv.code.values.objects import Box, Context
from symconv.errors import SymconvError
from symconv.prove.meaning.scope import Undecided

__all__ = ["give_attributes", "give_zeros", "values_of_class"]


def give_attributes(state: State, context: Context, said: Mapping[str, Any], given: Any = None) -> None:
    """What the class that is read gives ``self``, but for those that are said or were set; ``given`` is its input."""
    of_class = values_of_class(state, state.program.owned())
    initial = state.program.initial()
    known = {**_lengths_of_input(state, given, initial), **_lengths(state, context, initial), **said}
    for name, value in {**of_class, **_values_of_start(state, initial, known)}.items():
        if name in said and name in initial.defaults and name in initial.lasting:
            context.attributes[name] = value  # what is said is the parameter: self.rate = 1 - rate
        elif name not in said:
            # Attributes that are told by their names count as there; only those that were set count more.
            dict.setdefault(context.attributes, name, value)


def give_zeros(state: State, context: Context) -> None:
    """What gradients are before the first backward, where they are added up."""
    for name, tensor in added_up(state.program).items():
        if not dict.__contains__(context.attributes, name):
            with scoped(state, {"self": context}):
                context.attributes[name] = evaluate(state, ast.parse(f"0 * self.{tensor}", mode="eval").body)


def values_of_class(state: State, given: Mapping[str, ast.expr]) -> dict[str, Any]:
    """The values of the attributes of a class; those that are not known, or that may change, are left out."""
    found: dict[str, Any] = {}
    line = state.line
    for name, node in given.items():
        with suppress(SymconvError, Undecided), scoped(state, dict(found)):
            value = evaluate(state, node)
            if _lasting(value):
                found[name] = value
    state.reach(line)
    return found


def _lengths(state: State, context: Context, initial: Initial) -> dict[str, Any]:
    """The parameters of ``__init__`` that are lengths of arrays it makes."""
    found: dict[str, Any] = {}
    for name, shape in declared_shapes(initial).items():
        held = context.attributes[name] if dict.__contains__(context.attributes, name) else None
        if isinstance(held, Box) and state.on.rank(current(state, held)) == len(shape):
            for position, length in enumerate(shape):
                if isinstance(length, str):
                    found.setdefault(length, state.on.size(current(state, held), position))
    return found


def _lengths_of_input(state: State, given: Any, initial: Initial) -> dict[str, Any]:
    """The parts of a parameter such as ``input_shape``, which is that of the input, or of one sample."""
    parts = initial.shape_of_input
    if not parts or not isinstance(given, Box):
        return {}
    value = current(state, given)
    first = state.on.rank(value) - len(parts)
    return {name: state.on.size(value, first + k) for k, name in enumerate(parts)} if first in {0, 1} else {}


def _values_of_start(state: State, initial: Initial, said: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the attributes that ``__init__`` sets, with what is ``said`` for its parameters or for them."""
    line = state.line
    names: dict[str, Any] = {}
    for name, default in initial.defaults.items():
        told = [said[one] for one in said if name in (one, initial.parameter(one))]
        with suppress(SymconvError, Undecided), scoped(state, {}):
            if told:
                names[name] = told[0]
            elif default is not None:
                names[name] = evaluate(state, default)
    names |= {name: tuple(names[part] for part in parts) for name, parts in initial.shapes.items()
              if name not in names and {*parts} <= names.keys()}  # fmt: skip
    context = Context()
    unknown = ({*initial.defaults} | _stored(initial.body)) - {*names}
    _start(state, initial.body, {**names, "self": context}, unknown)
    state.reach(line)
    return {name: value for name, value in context.attributes.items() if name in initial.lasting and _lasting(value)}


def _start(state: State, body: Iterable[ast.stmt], names: dict[str, Any], unknown: set[str]) -> None:
    """Runs the assignments of ``__init__``; what is not read leaves its names and attributes unknown."""
    for node in body:
        with suppress(SymconvError, Undecided):
            match node:
                case ast.Assign(targets, value) if not _reads(value) & unknown:
                    with scoped(state, names):
                        found = evaluate(state, value)
                    if all(_told(target, found, names) for target in targets):
                        unknown -= _stored([node])
                        continue
                case ast.If(test, then, other) if not _reads(test) & unknown:
                    with scoped(state, names):
                        holds = evaluate(state, test)
                    if isinstance(holds, bool):
                        _start(state, then if holds else other, names, unknown)
                        continue
        for word in _stored([node]):
            unknown.add(word)
            names.pop(word, None)
            names["self"].attributes.pop(word.removeprefix("."), None)


def _told(target: ast.expr, value: Any, names: dict[str, Any]) -> bool:
    match target:
        case ast.Name(name) if _lasting(value):
            names[name] = value
            return True
        case ast.Tuple(items) | ast.List(items) if isinstance(value, tuple) and len(items) == len(value):
            return all(_told(item, one, names) for item, one in zip(items, value, strict=True))
    attribute = own_attribute(target)
    if attribute is None or not _lasting(value):
        return False
    names["self"].attributes[attribute] = value
    return True


# Each run of a method on numbers begins with ``__init__``, whose text stays the same.
@lru_cache(maxsize=4096)
def _reads(node: ast.expr) -> frozenset[str]:
    """The names that an expression reads, and the attributes of ``self`` with a dot before them."""
    return frozenset(word for one in ast.walk(node) if (word := _word(one)))


def _stored(nodes: Sequence[ast.stmt]) -> set[str]:
    """The names and attributes that statements set."""
    return {word for node in nodes for word in _stored_by(node)}


@lru_cache(maxsize=4096)
def _stored_by(node: ast.stmt) -> frozenset[str]:
    parts = (one for one in ast.walk(node) if isinstance(getattr(one, "ctx", None), ast.Store | ast.Del))
    return frozenset(word for one in parts if (word := _word(one)))


def _word(node: ast.AST) -> str:
    name = own_attribute(node)
    return f".{name}" if name is not None else node.id if isinstance(node, ast.Name) and node.id != "self" else ""


def _lasting(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_lasting, value))
    return value is None or isinstance(value, bool | str) or is_number(value)
