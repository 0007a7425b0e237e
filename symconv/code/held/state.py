"""The state of one reading: names, the loops and conditions around, and the rules that give syntax its meaning."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from symconv.code.arrays.operations import Arrays
from symconv.code.arrays.symbolic import Symbolic
from symconv.code.held.frames import Frame
from symconv.code.source.program import Program
from symconv.code.source.trouble import CodeError, Outside
from symconv.code.values.objects import Dotted, Plan, Span
from symconv.notation.affine import affine
from symconv.notation.expr import Constraint

__all__ = ["Rules", "State", "call", "call_word", "evaluate", "fails", "looping", "scoped", "whole_plan"]


class Rules(Protocol):
    """What syntax means: words and operators on values, which know no syntax, come back to it here."""

    def value(self, state: State, node: ast.expr) -> Any:
        """The value of an expression."""

    def call(self, state: State, function: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
        """The value of a call."""

    def function(self, state: State, node: ast.FunctionDef, names: dict[str, Any]) -> Any:
        """What a function of the code returns where its names are these."""

    def statements(self, state: State, nodes: Sequence[ast.stmt]) -> None:
        """Runs the statements of one iteration, or of one side of a condition."""


@dataclass(slots=True, eq=False)
class State:
    """What is known at one statement of the code.

    ``on`` are the operations on arrays, ``names`` what the function that is read has bound; ``frames`` are the loops
    over sizes around, ``masks`` the conditions on elements around (those on positions are in ``on.walk``). ``calls``
    counts the functions that called each other, ``steps`` the statements so far, ``made`` the functions that yield and
    were written out.
    """

    program: Program
    on: Arrays
    rules: Rules
    names: dict[str, Any] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    masks: list[Any] = field(default_factory=list)
    calls: int = 0
    steps: int = 0
    made: int = 0
    line: int = 0

    @property
    def depth(self) -> int:
        """How many loops over sizes are around."""
        return len(self.frames)

    @property
    def terms(self) -> Symbolic:
        """The operations where they are on terms: what numbers have no need of."""
        assert isinstance(self.on, Symbolic)
        return self.on

    def reach(self, line: int) -> None:
        """Goes to a line, which errors name from here on."""
        self.line = self.on.caret.line = line

    def error(self, message: str) -> CodeError:
        """An error of the user's at the line that is read."""
        return CodeError(message, self.line)


@contextmanager
def scoped(state: State, names: dict[str, Any]) -> Iterator[None]:
    """With other names."""
    outer, state.names = state.names, names
    try:
        yield
    finally:
        state.names = outer


@contextmanager
def looping(state: State, frame: Frame) -> Iterator[None]:
    """Inside a loop over a size."""
    state.frames.append(frame)
    try:
        yield
    finally:
        state.frames.pop()


def evaluate(state: State, node: ast.expr) -> Any:
    """The value of an expression."""
    return state.rules.value(state, node)


def call(state: State, function: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
    """The value of a call."""
    return state.rules.call(state, function, arguments, options)


def call_word(state: State, name: str, *arguments: Any) -> Any:
    """The value of a word of NumPy's."""
    return call(state, Dotted(f"numpy.{name}"), list(arguments), {})


def fails(state: State, sentence: str = "the code raises an error") -> None:
    """Leaves out all sizes at which this is reached: Python raises an error there."""
    if state.masks:
        raise Outside("an error is raised for some elements", state.line)
    state.on.require(Constraint(affine(-1)), sentence)


def whole_plan(state: State, array: Any) -> Plan:
    """The subscript that is the array itself."""
    return (Span(affine(0), None, 1, True),) * int(state.on.rank(array))
