"""Lists of the code: comprehensions over ranges and lists, and those that grow in a loop over a size."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

from symconv.code.reading.frames import Frame, Frames
from symconv.code.reading.python import is_range, range_of
from symconv.code.source.trouble import Outside
from symconv.code.values.kinds import kind_of
from symconv.code.values.objects import Box, Series
from symconv.limits import LIST_LENGTH
from symconv.notation.affine import Affine, quotient, var
from symconv.prove.meaning.value import inside

__all__ = ["Lists"]


class Lists(Frames):
    """Reads comprehensions."""

    @abstractmethod
    def bind(self, target: ast.expr, value: Any) -> None:
        """Gives a value to a target."""

    # -- ranges
    def trips(self, first: Affine, stop: Affine, step: Affine) -> Affine:
        """How often a loop runs."""
        by = self.constant(step, "the step of a range")
        if by == 0:
            raise self.error("the step of a range is 0")
        room = stop - first if by > 0 else first - stop
        count = quotient(room + abs(by) - 1, abs(by))
        if count.is_constant or not self.on.symbolic:
            return count
        short = self.on.walk.short(count)
        assert isinstance(short, Affine)
        return short

    # -- comprehensions
    def series(self, node: ast.ListComp | ast.GeneratorExp) -> Any:
        """The value of a comprehension over one or several ranges or lists."""
        if any(isinstance(one, ast.NamedExpr) for one in ast.walk(node)):
            raise Outside("a name that is bound in a list", self.line)
        # Names of a list are its own: functions made in it see them as they are at its end.
        outer, self.names = self.names, dict(self.names)
        try:
            if len(node.generators) == 1 and not node.generators[0].ifs:
                items = self.value(node.generators[0].iter)
                if is_range(items):
                    first, stop, step = range_of(items)
                    count = self.trips(first, stop, step)
                    if not count.is_constant:
                        return self._over_index(node, first, step, count)
            return list(self._elements(node, list(node.generators)))
        finally:
            self.names = outer

    def _elements(self, node: ast.ListComp | ast.GeneratorExp, generators: list[ast.comprehension]) -> Iterator[Any]:
        if not generators:
            yield self.value(node.elt)
            return
        one, *rest = generators
        for item in self._listed(self.value(one.iter)):
            self.bind(one.target, item)
            if self._passes(one.ifs):
                yield from self._elements(node, rest)

    def _passes(self, tests: Sequence[ast.expr]) -> bool:
        for test in tests:
            found = self.tested(test)
            if not isinstance(found, bool):
                raise Outside("a condition on positions or elements in a list", self.line)
            if not found:
                return False
        return True

    def _listed(self, value: Any) -> list[Any]:
        if is_range(value):
            first, stop, step = range_of(value)
            count = self.constant(self.trips(first, stop, step), "the number of elements of a list")
            if count > LIST_LENGTH:
                raise Outside(f"a list of {count} elements", self.line)
            return [first + step * k for k in range(count)]
        return self.sequence(value)

    def _over_index(self, node: ast.ListComp | ast.GeneratorExp, first: Affine, step: Affine, count: Affine) -> Series:
        walk = self.on.walk
        index = walk.fresh()
        self.depth += 1
        self.frames.append(Frame(index))
        with walk.inside([index], inside(var(index), count)):
            self.bind(node.generators[0].target, first + var(index) * step.constant)
            element = self.value(node.elt)
            self.hold(element)
            if not isinstance(element, Box):
                element = self.boxed(self.array(element))
            self.array(element)
        self.frames.pop()
        self.depth -= 1
        return Series((index,), (count,), self.fixed(element))

    def fixed(self, element: Box) -> Box:
        """What an array holds now; one that was there before the loop is not read after it changed."""
        now = self.current(element)
        root = self.root(element)
        if root.depth > self.depth:
            return self.boxed(now, kind_of(element))
        return Box(now, self.depth, element, seen=root.version, line=self.line, loose=True)
