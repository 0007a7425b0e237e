"""Expressions that are computed once for the same values, where functions that differ little are run many times."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from symconv.code.held.state import State
from symconv.code.reading.expressions import value_of
from symconv.code.reading.reader import Python
from symconv.code.source.trouble import FAILED
from symconv.code.source.unchanging import Expression
from symconv.code.values.amounts import is_number
from symconv.code.values.objects import Box
from symconv.limits import FAULT_KNOWN

__all__ = ["Known", "Remembering"]

Known = dict[tuple[Any, ...], tuple[Any, Exception | None, int, tuple[Any, ...]]]
"""Per text and values of its names: the value, or why there is none; the statements that were run for it; and the
values of the names again, so that no others get their places in memory."""


class Remembering(Python):
    """The rules of Python; ``expressions`` are those of a function that changes nothing."""

    def __init__(self, expressions: Mapping[int, Expression], known: Known) -> None:
        self.expressions = expressions
        self.known = known

    def value(self, state: State, node: ast.expr) -> Any:
        """The value of an expression; an error is the one that it was before."""
        expression = self.expressions.get(id(node))
        if expression is None:
            return value_of(state, node)
        given = tuple(state.names.get(name, ...) for name in expression.names)
        key = (expression.text, *map(_told, given))
        if key in self.known:
            value, problem, steps, _ = self.known[key]
            state.steps += steps
            if problem is not None:
                raise problem.with_traceback(None)
            return value
        before, room = state.steps, len(self.known) < FAULT_KNOWN
        try:
            value = value_of(state, node)
        except FAILED as problem:
            if room:
                self.known[key] = None, problem, 0, given
            raise
        if room and _lasts(value):
            self.known[key] = value, None, state.steps - before, given
        return value


def _told(value: Any) -> Any:
    """What tells a value from others: a number or a text by kind and what it is, else by its place in memory."""
    return (type(value), value) if value is None or isinstance(value, str) or is_number(value) else id(value)


def _lasts(value: Any) -> bool:
    """Whether reading a value leaves it as it is."""
    if type(value) in {tuple, list}:
        return all(map(_lasts, value))
    return value is None or isinstance(value, str | Box) or is_number(value)
