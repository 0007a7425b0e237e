"""Assignments of the code: to names, to elements of arrays, to attributes."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, cast

from symconv.code.reading.calls import Calls
from symconv.code.reading.expressions import OPERATORS, lazy
from symconv.code.reading.loops import Loops
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import arithmetic, is_number, number_of
from symconv.code.values.kinds import fits, kind_of
from symconv.code.values.objects import Box, Context, Dotted, Opaque, Pack
from symconv.prove.meaning.value import Product

__all__ = ["Assignments"]


class Assignments(Loops, Calls):
    """Reads assignments."""

    def assigned(self, targets: Sequence[ast.expr], node: ast.expr) -> None:
        """``target = node``."""
        if lazy(node):
            raise Outside("an iterator is kept; a list of it is read", self.line)
        if len(targets) == 1 and (added := self._added(targets[0], node)) is not None:
            self.augmented(targets[0], *added)
            return
        value = self.value(node)
        for target in targets:
            self.bind(target, value)

    def _added(self, target: ast.expr, node: ast.expr) -> tuple[ast.operator, ast.expr] | None:
        """What ``a = a + e`` adds, where that is the same as ``a += e``."""
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add | ast.Sub):
            return None
        if isinstance(target, ast.Name) and not self.adds(target.id):
            return None
        if not isinstance(target, ast.Name | ast.Subscript):
            return None
        if isinstance(target, ast.Subscript) and not isinstance(self.value(target.value), Box):
            return None
        text = ast.unparse(target)
        if ast.unparse(node.left) == text:
            return node.op, node.right
        return (node.op, node.left) if isinstance(node.op, ast.Add) and ast.unparse(node.right) == text else None

    def bind(self, target: ast.expr, value: Any) -> None:
        """Gives a value to a name, to the elements of an array, or to several names."""
        match target:
            case ast.Name(name):
                self.hold(value)
                self.names[name] = value.of_name(name) if isinstance(value, Pack) else value
            case ast.Tuple(items) | ast.List(items):
                self._unpacked(items, value)
            case ast.Starred(inner):
                self.bind(inner, value)
            case ast.Subscript(owner, index):
                self._stored(self.value(owner), index, value)
            case ast.Attribute(owner, name):
                held = self.value(owner)
                self.hold(value)
                if isinstance(held, Context):
                    self.keeps_order("an attribute")
                    held.attributes[name] = value
                elif not isinstance(held, Box) or name not in {"requires_grad", "grad"}:
                    raise Outside(f"{name} of {self.kind(held)} is set", self.line)
            case _:
                raise self.error("a value is given to something that is no name")

    def _unpacked(self, items: Sequence[ast.expr], value: Any) -> None:
        if isinstance(value, Pack):
            for item in items:
                if not isinstance(item, ast.Name):
                    raise self.error(f"what {value.name} holds is told by the names it is unpacked to")
                self.names[item.id] = None if item.id.startswith("_") else value.resolve(item.id)
            return
        if isinstance(value, Dotted | Opaque):
            raise self.error(f"{len(items)} values are wanted; given {self.kind(value)}")
        star = next((k for k, item in enumerate(items) if isinstance(item, ast.Starred)), None)
        held = self.sequence(value, None if star is not None else len(items))
        if star is None and len(held) != len(items):
            raise self.error(f"{len(items)} names for {len(held)} values")
        if star is not None:
            tail = len(items) - star - 1
            if len(held) < len(items) - 1:
                raise self.error(f"{len(items)} names for {len(held)} values")
            held = [*held[:star], [*held][star : len(held) - tail], *held[len(held) - tail :]]
        for item, one in zip(items, held, strict=True):
            self.bind(item, one)

    def _stored(self, owner: Any, index: ast.expr, value: Any) -> None:
        match owner:
            case Box():
                entries = self.entries(index)
                if len(entries) == 1 and isinstance(entries[0], Box) and entries[0].mask:
                    self._masked_store(owner, entries[0], value)
                    return
                plan = self.store_plan(owner, index)
                self.put(owner, plan, value if not isinstance(value, tuple | list) else self.listed(value))
            case dict() | list():
                self.keeps_order("an element of a list or a dict")
                self.hold(value)
                owner[self.place(owner, index)] = value
            case _:
                raise self.error(f"{self.kind(owner)} has no elements to change")

    def place(self, owner: Any, index: ast.expr) -> Any:
        """What an element of a list or of a dict is told by."""
        found = self.value_of_index(index)
        if isinstance(owner, dict):
            return self.key(found)
        at = self.constant(found, "the position in a list")
        if not -len(owner) <= at < len(owner):
            raise self.error(f"there are {len(owner)} values, and no number {at}")
        return at

    def listed(self, value: Any) -> Box:
        """A list of numbers and arrays as an array."""
        found = self.call(Dotted("numpy.stack"), [value], {})
        found.kind = kind_of(value)
        return cast("Box", found)

    def _masked_store(self, owner: Box, mask: Box, value: Any) -> None:
        """``owner[mask] = value`` for a mask of the array's shape and a number."""
        array, held = self.array(owner), self.array(mask)
        if self.on.rank(held) != self.on.rank(array) or isinstance(value, Box):
            raise Outside("elements are changed that an array names", self.line)
        if not fits(owner, value):
            raise Outside("numbers are cut to those that the array holds", self.line)
        other = self.on.elementwise("-", self.on.lift(Product(Fraction(1))), held)
        kept = self.on.elementwise("*", array, other)
        new = self.on.elementwise("+", kept, self.on.elementwise("*", held, self.array(value)))
        self.change(owner, self.whole_plan(array), new, 1, True)

    def store_plan(self, box: Box, index: ast.expr) -> Any:
        """The elements that a statement changes."""
        return self.plan(self.current(box), self.entries(index))

    def augmented(self, target: ast.expr, op: ast.operator, node: ast.expr) -> None:
        """``target op= node``."""
        value = self.value(node)
        word = OPERATORS[type(op)]
        sign = {"+": 1, "-": -1}.get(word)
        if isinstance(target, ast.Subscript):
            self._element_augmented(target, word, sign, value)
            return
        if isinstance(target, ast.Attribute):
            self._attribute_augmented(target, word, sign, value)
            return
        if not isinstance(target, ast.Name):
            raise self.error("a name or elements of an array are changed")
        self._named_augmented(target.id, word, sign, value)

    def _element_augmented(self, target: ast.Subscript, word: str, sign: int | None, value: Any) -> None:
        owner = self.value(target.value)
        if isinstance(owner, dict | list):
            key = self.place(owner, target.slice)
            if isinstance(owner, dict) and key not in owner:
                raise self.error(f"there is no {key!r}; there are {', '.join(map(str, owner))}")
            if self._grown_in_place(owner[key], word, sign, value):
                return
            self.keeps_order("an element of a list or a dict")
            owner[key] = self.binary(word, owner[key], value)
            return
        if not isinstance(owner, Box):
            raise self.error(f"{self.kind(owner)} has no elements to change")
        plan = self.store_plan(owner, target.slice)
        if sign is None:
            held = self.picked(owner, self.entries(target.slice))
            self.put(owner, plan, self.binary(word, held, value))
        else:
            self.put(owner, plan, value, sign, False)

    def _grown_in_place(self, held: Any, word: str, sign: int | None, value: Any) -> bool:
        """Changes an array or a list itself, also under its other names; False for what has no elements."""
        if isinstance(held, list):
            if word != "+":
                raise Outside(f"{word}= of a list", self.line)
            self.keeps_order("a list")
            held += self.iterated(value)
            return True
        if not isinstance(held, Box) or self.on.rank(self.current(held)) == 0:
            return False
        plan = self.whole_plan(self.current(held))
        if sign is not None:
            self.put(held, plan, value, sign, False)
        else:
            self.put(held, plan, self.binary(word, held, value))
        return True

    def _attribute_augmented(self, target: ast.Attribute, word: str, sign: int | None, value: Any) -> None:
        held = self.value(target)
        if not self._grown_in_place(held, word, sign, value):
            self.bind(target, self.binary(word, held, value))

    def _named_augmented(self, name: str, word: str, sign: int | None, value: Any) -> None:
        if name not in self.names:
            raise self.error(f"{name} has no value here")
        held = self.names[name]
        array = isinstance(held, Box) and self.on.rank(held.value) > 0
        if sign is not None and not array and self.accumulates(name):
            self.accumulate(name, word, value)
        elif not self._grown_in_place(held, word, sign, value):
            if is_number(held) and is_number(value):
                self.names[name] = arithmetic(word, number_of(held), number_of(value))
            else:
                self.names[name] = self.binary(word, held, value)
