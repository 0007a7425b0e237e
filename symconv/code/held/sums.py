"""Names that only grow in the loops around: what is added to them is summed over the indices."""

from __future__ import annotations

from typing import Any

from symconv.code.held.boxes import array_of, boxed
from symconv.code.held.masks import shown
from symconv.code.held.operators import binary
from symconv.code.held.state import State
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number
from symconv.code.values.objects import Unbound
from symconv.prove.meaning.value import Value

__all__ = ["accumulate", "accumulates", "read_name"]


def accumulates(state: State, name: str) -> bool:
    """Whether a name only grows in a loop around."""
    return any(name in frame.sums and frame.scope is state.names for frame in state.frames)


def read_name(state: State, name: str) -> Any:
    """What a name holds; a sum that is not finished is nothing that can be read."""
    if accumulates(state, name):
        raise Outside(f"{name} is read in the loop in which it grows", state.line)
    value = state.names[name]
    if isinstance(value, Unbound):
        raise state.error(value.why)
    return value


def accumulate(state: State, name: str, word: str, value: Any) -> None:
    """``name += value`` for such a name, under the conditions around."""
    if not is_number(value) or state.terms.walk.guards or state.masks:
        value = boxed(state, shown(state, _guarded(state, value)))
    state.names[name] = binary(state, word, state.names[name], value)


def _guarded(state: State, value: Any) -> Value:
    """An array or a number under the conditions on positions around."""
    array = array_of(state, value)
    guards = state.terms.walk.guards
    return Value(array.axes, array.names, tuple(t.under(*guards) for t in array.terms))
