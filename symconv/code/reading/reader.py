"""A reading put together: each kind of syntax with the functions that read it."""

from __future__ import annotations

from symconv.code.arrays.operations import Arrays
from symconv.code.held.state import Rules, State
from symconv.code.reading.calls import call_value
from symconv.code.reading.expressions import value_of
from symconv.code.reading.statements import run_function, run_inner
from symconv.code.source.program import Program

__all__ = ["Python", "start"]


class Python:
    """The rules of Python."""

    value = staticmethod(value_of)
    call = staticmethod(call_value)
    function = staticmethod(run_function)
    statements = staticmethod(run_inner)


_RULES = Python()


def start(program: Program, on: Arrays, rules: Rules = _RULES) -> State:
    """The state before a function is read."""
    return State(program, on, rules)
