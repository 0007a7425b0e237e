"""Attributes of classes of the text: numbers, texts and tuples of them, which no instance changes."""

from __future__ import annotations

import ast
from collections.abc import Container, Mapping
from contextlib import suppress
from typing import Any

from symconv.code.held.state import State, evaluate, scoped
from symconv.code.source.held_gradients import added_up
from symconv.code.values.amounts import is_number
from symconv.code.values.objects import Context
from symconv.errors import SymconvError
from symconv.prove.meaning.scope import Undecided

__all__ = ["give_attributes", "give_zeros", "values_of_class"]


def give_attributes(state: State, context: Context, said: Container[str]) -> None:
    """What the class that is read gives ``self``, but for those that are said or were set."""
    for name, value in values_of_class(state, state.program.owned()).items():
        if name not in said:
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


def _lasting(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_lasting, value))
    return value is None or isinstance(value, bool | str) or is_number(value)
