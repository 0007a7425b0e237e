"""Conditions: on positions, where arrays change for some of them, and on elements, where masks are multiplied."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from symconv.code.reading.lists import Lists
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number
from symconv.code.values.conditions import opposite
from symconv.code.values.objects import Box, Condition, Stale
from symconv.prove.meaning.value import Product

__all__ = ["Masked"]

Branch = tuple[Any, Callable[[], None]]


class Masked(Lists):
    """Reads conditions."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.masks: list[Any] = []

    def opposite(self, where: Any) -> Any:
        """Where a condition does not hold."""
        if isinstance(where, Box):
            return self.boxed(self.on.elementwise("-", self._one(), self.array(where)))
        return opposite(where)

    def _one(self) -> Any:
        return self.on.lift(Product(Fraction(1)))

    def indicator(self, where: Condition) -> Box:
        """1 where a condition on positions holds, else 0."""
        return self.boxed(self.on.indicator(where))

    @contextmanager
    def guarding(self, where: Any) -> Iterator[None]:
        """Where only the positions of a condition matter, if it is one conjunction."""
        if not isinstance(where, Condition) or len(where.parts) != 1 or not self.on.symbolic:
            yield
            return
        with self.on.walk.inside([], where.parts[0]):
            yield

    def masks_around(self) -> bool:
        """Whether a condition on elements is around."""
        return bool(self.masks)

    def shown(self, value: Any) -> Any:
        """What an array adds under the conditions on elements around."""
        for mask in self.masks:
            value = self.on.elementwise("*", mask, value)
        return value

    def kept(self, old: Any, new: Any) -> Any:
        """The new elements where the conditions on elements around hold, else the old ones."""
        if not self.masks:
            return new
        mask = self.shown(self._one())
        rest = self.on.elementwise("-", self._one(), mask)
        return self.on.elementwise("+", self.on.elementwise("*", mask, new), self.on.elementwise("*", rest, old))

    def branches(self, pairs: Sequence[Branch]) -> None:
        """Runs statements under conditions that do not overlap: on positions, or on elements of arrays."""
        if any(isinstance(where, Box) for where, _ in pairs):
            self._by_masks(pairs)
        else:
            self._by_positions(pairs)

    def _by_positions(self, pairs: Sequence[Branch]) -> None:
        before = dict(self.names)
        sums = self._sums()
        changed: set[str] = set()
        for where, run in pairs:
            for part in where.parts if isinstance(where, Condition) else ((),) if where else ():
                self._again(before, changed)
                with self.on.walk.inside([], part) as some:
                    if some:
                        run()
                changed |= self._changed(before, sums)
        for name in changed:
            self.names[name] = Stale(f"{name} has a value that depends on a condition on positions")

    def _sums(self) -> set[str]:
        return {name for frame in self.frames for name in frame.sums}

    def _again(self, before: dict[str, Any], changed: set[str]) -> None:
        for name in changed:
            if name in before:
                self.names[name] = before[name]
            else:
                self.names.pop(name, None)

    def _changed(self, before: dict[str, Any], sums: set[str]) -> set[str]:
        return {n for n, v in self.names.items() if n not in sums and (n not in before or before[n] is not v)}

    def _by_masks(self, pairs: Sequence[Branch]) -> None:
        before = dict(self.names)
        sums = self._sums()
        found: list[dict[str, Any]] = []
        masks = []
        for where, run in pairs:
            mask = self.array(where)
            if self.on.rank(mask):
                raise Outside("the truth of an array of several elements", self.line)
            masks.append(mask)
            self.masks.append(mask)
            run()
            self.masks.pop()
            changed = self._changed(before, sums)
            found.append({name: self.names[name] for name in changed})
            self._again(before, changed)
        for name in {name for one in found for name in one}:
            self.names[name] = self._merged(name, masks, [one.get(name, before.get(name)) for one in found])

    def _merged(self, name: str, masks: Sequence[Any], values: Sequence[Any]) -> Any:
        """A name that has a value of its own under each condition."""
        if not all(isinstance(one, Box) or is_number(one) for one in values):
            return Stale(f"{name} has a value that depends on a condition on elements")
        total = None
        for mask, one in zip(masks, values, strict=True):
            part = self.on.elementwise("*", mask, self.array(one))
            total = part if total is None else self.on.elementwise("+", total, part)
        return self.boxed(total)
