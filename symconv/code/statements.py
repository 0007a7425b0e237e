"""Statements of the code, run once: loops over positions as indices, conditions on positions as constraints."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symconv.code.amounts import arithmetic, is_number, number_of
from symconv.code.calls import Calls
from symconv.code.generators import inlined, yields
from symconv.code.growth import targets
from symconv.code.loops import Loops
from symconv.code.python import is_range, range_of
from symconv.code.trouble import CodeError, Outside
from symconv.code.values import Box, Context, Dotted, Function, Method, Opaque, Pack
from symconv.notation.affine import affine
from symconv.prove.meaning.scope import Mismatch, Undecided
from symconv.prove.meaning.value import Product

__all__ = ["Reader"]

_MOST_STEPS = 200_000


@dataclass(frozen=True, slots=True)
class _Signal:
    """How a block ended: by ``return``, ``continue`` or ``break``."""

    kind: str
    value: Any = None


class Reader(Loops, Calls):
    """Reads functions."""

    steps = 0
    made = 0

    def run(self, node: ast.FunctionDef, names: dict[str, Any]) -> Any:
        """What a function returns for these parameters."""
        self.names = names
        signal = self.block(node.body)
        return signal.value if signal is not None and signal.kind == "return" else None

    def block(self, nodes: Sequence[ast.stmt]) -> _Signal | None:
        """Runs statements."""
        for position, node in enumerate(nodes):
            self.line = node.lineno
            self.steps += 1
            if self.steps > _MOST_STEPS:
                raise Outside("more steps than are taken", self.line)
            if isinstance(node, ast.If):
                found = self._if(node, nodes[position + 1 :])
                if found is not None:
                    return found[0]
                continue
            signal = self._guarded(node)
            if signal is not None:
                return signal
        return None

    def _guarded(self, node: ast.stmt) -> _Signal | None:
        try:
            return self._statement(node)
        except (CodeError, Outside, Mismatch):
            raise
        except Undecided as reason:
            raise Outside(str(reason), self.line) from None

    def _statement(self, node: ast.stmt) -> _Signal | None:
        match node:
            case ast.Assign(targets, value):
                self._assigned(targets, value)
            case ast.AnnAssign(target, _, value) if value is not None:
                self._assigned([target], value)
            case ast.AugAssign(target, op, value):
                self._augmented(target, op, value)
            case ast.For():
                return self._for(node)
            case ast.While():
                return self._while(node)
            case ast.Return(value):
                return _Signal("return", None if value is None else self.value(value))
            case ast.Expr(value):
                if not isinstance(value, ast.Constant):
                    self.value(value)
            case ast.Continue():
                return _Signal("continue")
            case ast.Break():
                return _Signal("break")
            case ast.FunctionDef():
                self.names[node.name] = Function(node, self.names)
                return None
            case (
                ast.Assert()
                | ast.Pass()
                | ast.Import()
                | ast.ImportFrom()
                | ast.Global()
                | ast.AnnAssign()
                | ast.Delete()
            ):
                return None
            case ast.With(_, body):
                return self.block(body)
            case ast.Raise():
                raise Mismatch(f"line {self.line}: the code raises an error")
            case _:
                self._unread(node)
        return None

    def _unread(self, node: ast.stmt) -> None:
        raise Outside(
            f"{type(node).__name__.lower()} is not read; for over ranges, if, assignments and return are", self.line
        )

    # -- assignments
    def _assigned(self, targets: Sequence[ast.expr], node: ast.expr) -> None:
        if len(targets) == 1 and (added := self._added(targets[0], node)) is not None:
            self._augmented(targets[0], *added)
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
        text = ast.unparse(target)
        if ast.unparse(node.left) == text:
            return node.op, node.right
        return (node.op, node.left) if isinstance(node.op, ast.Add) and ast.unparse(node.right) == text else None

    def bind(self, target: ast.expr, value: Any) -> None:
        """Gives a value to a name, to the elements of an array, or to several names."""
        match target:
            case ast.Name(name):
                self.names[name] = value.of_name(name) if isinstance(value, Pack) else value
            case ast.Tuple(items) | ast.List(items):
                self._unpacked(items, value)
            case ast.Starred(inner):
                self.bind(inner, value)
            case ast.Subscript(owner, index):
                self._stored(self.value(owner), index, value)
            case ast.Attribute(owner, name):
                held = self.value(owner)
                if isinstance(held, Context):
                    held.attributes[name] = value
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
            held = [*held[:star], held[star : len(held) - tail], *held[len(held) - tail :]]
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
                self.change(owner, plan, self.array(value), 1, True)
            case dict():
                owner[self.value_of_index(index)] = value
            case list():
                owner[self.constant(self.value_of_index(index), "the position in a list")] = value
            case _:
                raise self.error(f"{self.kind(owner)} has no elements to change")

    def _masked_store(self, owner: Box, mask: Box, value: Any) -> None:
        """``owner[mask] = value`` for a mask of the array's shape and a number."""
        array, held = self.array(owner), self.array(mask)
        if self.on.rank(held) != self.on.rank(array) or isinstance(value, Box):
            raise Outside("elements are changed that an array names", self.line)
        other = self.on.elementwise("-", self.on.lift(Product(Fraction(1))), held)
        kept = self.on.elementwise("*", array, other)
        new = self.on.elementwise("+", kept, self.on.elementwise("*", held, self.array(value)))
        self.change(owner, self.whole_plan(array), new, 1, True)

    def store_plan(self, box: Box, index: ast.expr) -> Any:
        """The elements that a statement changes."""
        return self.plan(self.current(box), self.entries(index))

    def _augmented(self, target: ast.expr, op: ast.operator, node: ast.expr) -> None:
        value = self.value(node)
        word = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//"}.get(type(op), "?")
        sign = {"+": 1, "-": -1}.get(word)
        if isinstance(target, ast.Subscript):
            owner = self.value(target.value)
            if isinstance(owner, dict | list):
                key = self.value_of_index(target.slice)
                key = self.constant(key, "the position") if isinstance(owner, list) else key
                owner[key] = self.binary(word, owner[key], value)
                return
            if not isinstance(owner, Box):
                raise self.error(f"{self.kind(owner)} has no elements to change")
            plan = self.store_plan(owner, target.slice)
            if sign is None:
                held = self.picked(owner, self.entries(target.slice))
                self.change(owner, plan, self.array(self.binary(word, held, value)), 1, True)
            else:
                self.change(owner, plan, self.array(value), sign, False)
            return
        if isinstance(target, ast.Attribute):
            self._attribute_augmented(target, word, sign, value)
            return
        if not isinstance(target, ast.Name):
            raise self.error("a name or elements of an array are changed")
        self._named_augmented(target.id, word, sign, value)

    def _attribute_augmented(self, target: ast.Attribute, word: str, sign: int | None, value: Any) -> None:
        held = self.value(target)
        if sign is not None and isinstance(held, Box) and self.on.rank(held.value) > 0:
            self.change(held, self.whole_plan(held.value), self.array(value), sign, False)
        elif self.depth and self.on.symbolic:
            raise Outside("a number that is an attribute grows in a loop", self.line)
        else:
            self.bind(target, self.binary(word, held, value))

    def _named_augmented(self, name: str, word: str, sign: int | None, value: Any) -> None:
        if name not in self.names:
            raise self.error(f"{name} has no value here")
        held = self.names[name]
        array = held.value if isinstance(held, Box) else None
        if sign is not None and array is not None and self.on.rank(array) > 0:
            self.change(held, self.whole_plan(array), self.array(value), sign, False)
            return
        if sign is not None and self.accumulates(name):
            self.accumulate(name, word, value)
            return
        if is_number(held) and is_number(value):
            self.names[name] = arithmetic(word, number_of(held), number_of(value))
        elif array is not None and self.on.rank(array) > 0:
            self.change(held, self.whole_plan(array), self.array(self.binary(word, held, value)), 1, True)
        else:
            self.names[name] = self.binary(word, held, value)

    # -- conditions
    def _if(self, node: ast.If, rest: Sequence[ast.stmt]) -> tuple[_Signal | None] | None:
        """Runs a condition; None where the statements after it are still to be run."""
        try:
            found = self.truth(self.value(node.test))
        except Undecided as reason:
            raise reason if isinstance(reason, Outside) else Outside(str(reason), self.line) from None
        if isinstance(found, bool):
            signal = self.block(node.body if found else node.orelse)
            return None if signal is None else (signal,)
        leaves = any(isinstance(one, ast.Continue | ast.Break | ast.Return) for part in (node.body, node.orelse)
                     for top in part for one in ast.walk(top))  # fmt: skip
        tail = list(rest) if leaves else []
        pairs = []
        for part, body in ((found, [*node.body]), (self.opposite(found), [*node.orelse])):
            block = body if leaves and body and isinstance(body[-1], ast.Continue) else [*body, *tail]
            pairs.append((part, lambda block=block: self.inner(block)))
        self.branches(pairs)
        return (None,) if leaves else None

    def inner(self, nodes: Sequence[ast.stmt]) -> None:
        signal = self.block(nodes)
        if signal is not None and signal.kind != "continue":
            raise Outside(f"{signal.kind} under a condition on positions", self.line)

    # -- loops
    def _generated(self, node: ast.For) -> list[ast.stmt] | None:
        """A loop over a function that yields, written out; None for other loops."""
        if not isinstance(node.iter, ast.Call):
            return None
        function = self.value(node.iter.func) if isinstance(node.iter.func, ast.Name | ast.Attribute) else None
        if isinstance(function, Method) and isinstance(function.owner, Context):
            held: ast.AST | None = self.program.method(function.name)
        else:
            held = function.node if isinstance(function, Function) else None
        if not isinstance(held, ast.FunctionDef) or not yields(held):
            return None
        self.made += 1
        found = inlined(node, held, node.iter, isinstance(function, Method), f"__{self.made}")
        if found is None:
            raise Outside(f"a loop over {held.name}, which yields, that is left in the middle", self.line)
        return found

    def _for(self, node: ast.For) -> _Signal | None:
        if (statements := self._generated(node)) is not None:
            return self.block(statements)
        items = self.value(node.iter)
        if is_range(items):
            first, stop, step = range_of(items)
            count = self.trips(first, stop, step)
            if not (count.is_constant and (not self.on.symbolic or count.constant <= self.unrolled)):
                by = step.constant
                self.symbolic_loop(node.body, count, lambda at: self.bind(node.target, first + at * by),
                                   frozenset(targets(node.target)))  # fmt: skip
                return None
            items = [first + step * k for k in range(max(0, count.constant))]
        elif isinstance(items, Box):
            self._over_array(node, items)
            return None
        elif isinstance(items, Pack):
            raise Outside("a loop over a list of unknown length", self.line)
        for one in self.sequence(items):
            self.bind(node.target, one)
            signal = self.block(node.body)
            if signal is not None and signal.kind == "return":
                return signal
            if signal is not None and signal.kind == "break":
                return None
        return self.block(node.orelse)

    def _over_array(self, node: ast.For, box: Box) -> None:
        size = self.integer(self.on.size(self.current(box), 0), "a length")
        if not self.on.symbolic:
            for k in range(size.constant):
                self.bind(node.target, self.picked(box, (affine(k),)))
                self.block(node.body)
            return
        self.symbolic_loop(node.body, size, lambda at: self.bind(node.target, self.picked(box, (at,))),
                           frozenset(targets(node.target)))  # fmt: skip

    def _while(self, node: ast.While) -> _Signal | None:
        if self.on.symbolic:
            self.while_loop(node)
            return None
        while True:
            found = self.truth(self.value(node.test))
            if found is not True:
                break
            self.steps += 1
            if self.steps > _MOST_STEPS:
                raise Outside("more steps than are taken", self.line)
            signal = self.block(node.body)
            if signal is not None and signal.kind == "return":
                return signal
            if signal is not None and signal.kind == "break":
                return None
        return self.block(node.orelse)
