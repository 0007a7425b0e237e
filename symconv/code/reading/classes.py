"""Attributes of classes of the text: numbers, texts and tuples of them, which no instance changes."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from symconv.code.held.state import State, evaluate, scoped
from symconv.code.values.amounts import is_number
from symconv.errors import SymconvError
from symconv.prove.meaning.scope import Undecided

__all__ = ["values_of_class"]


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
