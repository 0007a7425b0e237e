"""Subscripts of the code: elements that are read, and elements that are changed."""

from __future__ import annotations

import ast
from abc import abstractmethod
from typing import Any

from symconv.code.arrays.slicing import composed
from symconv.code.reading.expressions import Expressions
from symconv.code.source.trouble import Outside
from symconv.code.values.kinds import kind_of
from symconv.code.values.objects import Box, Chosen, Pack, Plan, Series, Slice, Span
from symconv.notation.affine import Affine, affine

__all__ = ["Subscripts"]


class Subscripts(Expressions):
    """Reads subscripts."""

    def subscript(self, owner: Any, index: ast.expr) -> Any:
        """``owner[index]``."""
        match owner:
            case Box():
                return self.picked(owner, self.entries(index))
            case tuple() | list():
                entry = self.value_of_index(index)
                if isinstance(entry, Slice):
                    bounds = [
                        None if b is None else self.constant(b, "a bound")
                        for b in (entry.start, entry.stop, entry.step)
                    ]
                    return owner[slice(*bounds)]
                at = self.constant(entry, "the position in a tuple")
                if not -len(owner) <= at < len(owner):
                    raise self.error(f"there are {len(owner)} values, and no number {at}")
                return owner[at]
            case dict():
                key = self.value_of_index(index)
                if self.key(key) not in owner:
                    raise self.error(f"there is no {key!r}; there are {', '.join(map(str, owner))}")
                return owner[key]
            case Pack(_, resolve):
                return resolve(self.value_of_index(index))
            case Series():
                raise Outside("one element of a list over a loop", self.line)
        raise self.error(f"{self.kind(owner)} has no elements")

    def value_of_index(self, node: ast.expr) -> Any:
        """One entry of a subscript."""
        if isinstance(node, ast.Slice):
            return Slice(*(None if part is None else self.value(part) for part in (node.lower, node.upper, node.step)))
        return self.value(node)

    def entries(self, node: ast.expr) -> tuple[Any, ...]:
        """The entries of a subscript of an array."""
        if isinstance(node, ast.Tuple):
            found: list[Any] = []
            for one in node.elts:
                if isinstance(one, ast.Starred):
                    found += self.sequence(self.value(one.value))
                else:
                    found.append(self.value_of_index(one))
            return tuple(found)
        value = self.value_of_index(node)
        return value if isinstance(value, tuple) else (value,)

    def picked(self, box: Box, entries: tuple[Any, ...]) -> Box:
        """The elements a subscript names: a view."""
        array = self.current(box)
        if any(isinstance(entry, Box) for entry in entries):
            return self.boxed(self.on.pick(self.array(box), self.plan(array, entries)), kind_of(box))
        plan = self.plan(array, entries)
        found = self.on.pick(array, plan)
        if any(isinstance(entry, Chosen) for entry in entries):
            self.touched(box, plan, "read")
            return self.boxed(self.on.chosen(found, plan), kind_of(box))
        if not any(item is None or isinstance(item, Span) for item in plan):
            return self._element(box, found, plan)
        return self.view(box, found, lambda value: self.on.pick(value, plan), plan)

    def _element(self, box: Box, found: Any, plan: Plan) -> Box:
        """One element: a number in NumPy, a view in PyTorch."""
        element = self.view(box, found, lambda value: self.on.pick(value, plan), plan)
        element.scalar = True
        return element

    def plan(self, array: Any, entries: tuple[Any, ...]) -> Plan:
        """The subscript of an array, an item per axis."""
        rank = self.on.rank(array)
        count = sum(entry is not None and entry is not Ellipsis for entry in entries)
        if count > rank:
            raise self.error(f"the subscript has {count} entries; the array has {rank} axes")
        if Ellipsis not in [e for e in entries if not isinstance(e, Affine)]:
            entries = (*entries, Ellipsis)
        items: list[Any] = []
        axis = 0
        whole_axis = Span(affine(0), None, 1, True)
        for entry in entries:
            if entry is None:
                items.append(None)
                continue
            if entry is Ellipsis:
                items += [whole_axis] * (rank - count)
                axis += rank - count
                continue
            if isinstance(entry, Box) and self.on.rank(self.current(entry)):
                items.append(self.position(entry))
            elif isinstance(entry, Chosen):
                items.append(self.on.place(entry, array, axis))
            elif isinstance(entry, Slice):
                items.append(self._span(array, entry, axis))
            else:
                items.append(self.on.index(self.integer(entry, "an index"), array, axis))
            axis += 1
        return tuple(items)

    def position(self, entry: Box) -> Any:
        """An array as an entry of a subscript: one of positions."""
        value = self.current(entry)
        if entry.mask or not self.on.positions(value):
            what = "a mask" if entry.mask else "an array that is none of positions"
            raise Outside(f"elements are picked by {what}", self.line)
        return value

    def _span(self, array: Any, entry: Slice, axis: int) -> Span:
        start, stop = (None if b is None else self.integer(b, "a bound of a slice") for b in (entry.start, entry.stop))
        step = 1 if entry.step is None else self.constant(entry.step, "the step of a slice")
        if step == 0:
            raise self.error("the step of a slice is 0")
        found = self.on.span(start, stop, step, array, axis)
        assert isinstance(found, Span)
        return found

    def whole_plan(self, array: Any) -> Plan:
        """The subscript that is the array itself."""
        return (Span(affine(0), None, 1, True),) * int(self.on.rank(array))

    def scatter(self, box: Box, plan: Any, new: Any, sign: int, how: str) -> None:
        """Changes the elements that positions name."""
        self.changeable(box)
        if not self.on.symbolic:
            self.on.scatter(box.value, plan, new, sign, how)
            self.root(box).version += 1
            return
        if box.base is not None:
            raise Outside("elements that positions name are changed in a view", self.line)
        if how == "=" and self.masks_around():
            raise Outside("elements that positions name are replaced under a condition on elements", self.line)
        self.touched(box, None, "set" if how == "=" else "add")
        box.value = self.on.scatter(box.value, plan, self.shown(new), sign, how)
        box.version += 1

    @abstractmethod
    def masks_around(self) -> bool:
        """Whether a condition on elements is around."""

    def change(self, box: Box, plan: Plan, new: Any, sign: int, replacing: bool) -> None:
        """``box[plan] = new``, or plus ``sign*new``, in the array that ``box`` is a view of."""
        self.changeable(box)
        if any(self.on.positions(one) for one in plan):
            self.scatter(box, plan, new, sign, "=" if replacing else "+=")
            return
        if not self.on.symbolic:
            self.on.update(box.value, plan, new, sign, replacing, True)
            self.root(box).version += 1
            return
        while box.base is not None:
            if box.plan is None:
                raise Outside("the elements of an array are changed under another shape", self.line)
            plan, box = composed(box.plan, plan), box.base
        self.touched(box, plan, "set" if replacing else "add")
        new = self.kept(self.on.pick(box.value, plan), new) if replacing else self.shown(new)
        box.value = self.on.update(box.value, plan, new, sign, replacing, box.depth == self.depth)
        box.version += 1
