"""What the names of a function hold while it is read: arrays with their views, and numbers."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Any

from symconv.code.source.program import Program
from symconv.code.source.trouble import CodeError, Outside
from symconv.code.values.amounts import is_number, number_of, whole, whole_or_product
from symconv.code.values.kinds import REAL, kind_of
from symconv.code.values.objects import (
    Box,
    Condition,
    Dotted,
    Method,
    Plan,
    Ratio,
    Series,
    Stale,
)
from symconv.notation.affine import Affine, affine
from symconv.notation.expr import Constraint
from symconv.prove.meaning.value import Product
from symconv.relation.terms import as_product

__all__ = ["Held"]


class Held(ABC):
    """The names of one function, and the arrays they stand for; ``on`` are the operations on arrays.

    ``depth`` counts the loops over sizes around, ``calls`` the functions that called each other.
    """

    def __init__(self, program: Program, on: Any) -> None:
        self.program = program
        self.on = on
        self.names: dict[str, Any] = {}
        self.at = 0
        self.depth = 0
        self.calls = 0

    @property
    def line(self) -> int:
        """The line that is read."""
        return self.at

    @line.setter
    def line(self, number: int) -> None:
        self.at = self.on.caret.line = number

    # -- what subclasses add
    @abstractmethod
    def call(self, function: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
        """The value of a call."""

    @abstractmethod
    def series(self, node: ast.ListComp | ast.GeneratorExp) -> Any:
        """The value of a comprehension."""

    @abstractmethod
    def subscript(self, owner: Any, index: ast.expr) -> Any:
        """``owner[index]``."""

    @abstractmethod
    def picked(self, box: Box, entries: tuple[Any, ...]) -> Box:
        """The elements a subscript names."""

    @abstractmethod
    def touched(self, box: Box, plan: Plan | None, kind: str) -> None:
        """Notes that an array is read or changed."""

    @abstractmethod
    def named(self, name: str) -> Any:
        """What a name holds."""

    @abstractmethod
    def kept(self, old: Any, new: Any) -> Any:
        """The new elements where the conditions around hold, else the old ones."""

    @abstractmethod
    def shown(self, value: Any) -> Any:
        """What an array adds under the conditions around."""

    @abstractmethod
    def indicator(self, where: Condition) -> Box:
        """1 where a condition on positions holds, else 0."""

    @abstractmethod
    def guarding(self, where: Any) -> AbstractContextManager[None]:
        """Where only the positions of a condition matter."""

    masks: list[Any]

    def fails(self, sentence: str = "the code raises an error") -> None:
        """Leaves out all sizes at which this is reached: Python raises an error there."""
        if self.masks:
            raise Outside("an error is raised for some elements", self.line)
        self.on.require(Constraint(affine(-1)), sentence)

    # -- values
    def error(self, message: str) -> CodeError:
        """An error at the current line."""
        return CodeError(message, self.line)

    def current(self, box: Box) -> Any:
        """What an array holds now: a view follows its base."""
        if self._loose(box) and self.root(box).version != box.seen:
            raise Outside("an array is read that may share its elements with one that was changed", self.line)
        if box.base is not None and not self.on.symbolic:
            return box.value
        if box.base is not None and self.root(box).version != box.seen:
            if box.derive is None:
                raise Outside("an array is read whose elements were changed under another name", self.line)
            box.value, box.seen = box.derive(self.current(box.base)), self.root(box).version
        return box.value

    def root(self, box: Box) -> Box:
        """The array that a view is of."""
        while box.base is not None:
            box = box.base
        return box

    def _loose(self, box: Box | None) -> bool:
        while box is not None:
            if box.loose or box.scalar:
                return True
            box = box.base
        return False

    def changeable(self, box: Box) -> None:
        """Raises Outside where it cannot be told which arrays change with this one."""
        if self._loose(box):
            raise Outside("an array is changed that may or may not share its elements with another", self.line)

    def boxed(self, value: Any, kind: str = REAL) -> Box:
        """A new array."""
        return Box(value, self.depth, line=self.line, kind=kind)

    def view(self, base: Box, value: Any, derive: Any = None, plan: Plan | None = None) -> Box:
        """An array that shares its elements with another."""
        return Box(value, base.depth, base, plan, derive, seen=self.root(base).version, line=self.line)

    def loose(self, base: Box, value: Any) -> Box:
        """An array that may share its elements with another, or may be a copy: of what nothing else holds, new."""
        if not self.root(base).named:
            return self.boxed(value, kind_of(base))
        found = self.view(base, value)
        found.loose = True
        return found

    def hold(self, value: Any) -> None:
        """Notes that arrays have a name, or are kept in a list."""
        if isinstance(value, Box):
            self.root(value).named = True
        elif isinstance(value, tuple | list):
            for one in value:
                self.hold(one)

    def array(self, value: Any) -> Any:
        """The elements of an array, or a number as one without axes."""
        if isinstance(value, Box):
            self.touched(value, None, "read")
            return self.current(value)
        if isinstance(value, Condition):
            return self.on.indicator(value)
        if isinstance(value, Series):
            return self.on.stacked(value.names, value.counts, self.array(value.element))
        if is_number(value):
            return self.on.lift(as_product(whole_or_product(value)))
        if isinstance(value, Stale):
            raise Outside(value.why, self.line)
        raise self.error(f"an array is wanted here; given {self.kind(value)}")

    def kind(self, value: Any) -> str:
        """What a value is, in words."""
        match value:
            case None:
                return "None"
            case bool() | str():
                return repr(value)
            case Affine() | Product() | Ratio():
                return "a number"
            case Box():
                return "an array"
            case tuple() | list():
                return f"{len(value)} values"
            case Dotted(name) | Method(_, name):
                return name
            case Series():
                return "a list"
        return type(value).__name__.lower()

    def integer(self, value: Any, what: str = "the number") -> Affine:
        """A whole number."""
        if isinstance(value, Box) and self.on.rank(self.current(value)) == 0:
            raise Outside(f"{what} is an element of an array", self.line)
        if isinstance(value, Stale):
            raise Outside(value.why, self.line)
        if not is_number(value):
            raise self.error(f"{what} is wanted as a whole number; given {self.kind(value)}")
        return whole(number_of(value), what)

    def constant(self, value: Any, what: str) -> int:
        """A number that is known."""
        form = self.integer(value, what)
        if not form.is_constant:
            raise Outside(f"{what} depends on sizes", self.line)
        return form.constant

    @abstractmethod
    def key(self, value: Any) -> Any:
        """What elements of a dict are told by."""

    @abstractmethod
    def value(self, node: ast.expr) -> Any:
        """The value of an expression."""

    @abstractmethod
    def binary(self, op: str, left: Any, right: Any) -> Any:
        """``left op right``."""
