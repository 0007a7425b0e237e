"""Statements under conditions: on positions, where arrays change for some of them, and on elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symconv.code.held.boxes import array_of, boxed
from symconv.code.held.state import State
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number
from symconv.code.values.objects import Box, Condition, Stale

__all__ = ["Branch", "run_branches"]

Branch = tuple[Any, Callable[[], None]]


def run_branches(state: State, pairs: Sequence[Branch]) -> None:
    """Runs statements under conditions that do not overlap: on positions, or on elements of arrays."""
    if any(isinstance(where, Box) for where, _ in pairs):
        _by_masks(state, pairs)
    else:
        _by_positions(state, pairs)


def _by_positions(state: State, pairs: Sequence[Branch]) -> None:
    before = dict(state.names)
    sums = _sums(state)
    changed: set[str] = set()
    for where, run in pairs:
        for part in where.parts if isinstance(where, Condition) else ((),) if where else ():
            _again(state, before, changed)
            with state.terms.walk.inside([], part) as some:
                if some:
                    run()
            changed |= _changed(state, before, sums)
    for name in changed:
        state.names[name] = Stale(f"{name} has a value that depends on a condition on positions")


def _sums(state: State) -> set[str]:
    return {name for frame in state.frames for name in frame.sums}


def _again(state: State, before: dict[str, Any], changed: set[str]) -> None:
    for name in changed:
        if name in before:
            state.names[name] = before[name]
        else:
            state.names.pop(name, None)


def _changed(state: State, before: dict[str, Any], sums: set[str]) -> set[str]:
    return {n for n, v in state.names.items() if n not in sums and (n not in before or before[n] is not v)}


def _by_masks(state: State, pairs: Sequence[Branch]) -> None:
    before = dict(state.names)
    sums = _sums(state)
    found: list[dict[str, Any]] = []
    masks = []
    for where, run in pairs:
        mask = array_of(state, where)
        if state.on.rank(mask):
            raise Outside("the truth of an array of several elements", state.line)
        masks.append(mask)
        state.masks.append(mask)
        run()
        state.masks.pop()
        changed = _changed(state, before, sums)
        found.append({name: state.names[name] for name in changed})
        _again(state, before, changed)
    for name in {name for one in found for name in one}:
        state.names[name] = _merged(state, name, masks, [one.get(name, before.get(name)) for one in found])


def _merged(state: State, name: str, masks: Sequence[Any], values: Sequence[Any]) -> Any:
    """A name that has a value of its own under each condition."""
    if not all(isinstance(one, Box) or is_number(one) for one in values):
        return Stale(f"{name} has a value that depends on a condition on elements")
    total = None
    for mask, one in zip(masks, values, strict=True):
        part = state.on.elementwise("*", mask, array_of(state, one))
        total = part if total is None else state.on.elementwise("+", total, part)
    return boxed(state, total)
