"""Statements of the code, run once: loops over positions as indices, conditions on positions as constraints."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from symconv.code.reading.assignments import Assignments
from symconv.code.reading.expressions import lazy
from symconv.code.reading.python import is_range, range_of
from symconv.code.source.aliases import names_in
from symconv.code.source.generators import free_names, inlined, stored, yields
from symconv.code.source.trouble import CodeError, Outside
from symconv.code.values.objects import Box, Condition, Context, Function, Method, Pack, Stale
from symconv.limits import CODE_STEPS
from symconv.prove.meaning.scope import Mismatch, Undecided

__all__ = ["Reader"]


@dataclass(frozen=True, slots=True)
class _Signal:
    """How a block ended: by ``return``, ``continue`` or ``break``."""

    kind: str
    value: Any = None


def _live(items: list[Any]) -> Iterator[Any]:
    """The items of a list, which the loop may make longer or shorter."""
    at = 0
    while at < len(items):
        yield items[at]
        at += 1


class Reader(Assignments):
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
            if self.steps > CODE_STEPS:
                raise Outside("more steps than are taken", self.line)
            rest = nodes[position + 1 :]
            match node:
                case ast.With(_, body):
                    return self.block([*body, *rest])
                case ast.If():
                    found = self._if(node, rest)
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
                self.assigned(targets, value)
            case ast.AnnAssign(target, _, value) if value is not None:
                self.assigned([target], value)
            case ast.AugAssign(target, op, value):
                self.augmented(target, op, value)
            case ast.For():
                return self._for(node)
            case ast.While():
                return self._while(node)
            case ast.Return(value):
                if lazy(value):
                    raise Outside("an iterator is returned; a list of it is read", self.line)
                return _Signal("return", None if value is None else self.value(value))
            case ast.Expr(value):
                if not isinstance(value, ast.Constant):
                    self.value(value)
            case ast.Continue():
                return _Signal("continue")
            case ast.Break():
                return _Signal("break")
            case _:
                return self._other(node)
        return None

    def _other(self, node: ast.stmt) -> _Signal | None:
        match node:
            case ast.FunctionDef():
                self.names[node.name] = self.function(node)
            case ast.Assert(test):
                self._asserted(test)
            case ast.Delete(targets):
                for deleted in targets:
                    self._deleted(deleted)
            case ast.Pass() | ast.Import() | ast.ImportFrom() | ast.AnnAssign():
                return None
            case ast.Raise():
                self.fails()
                return _Signal("continue")
            case _:
                self._unread(node)
        return None

    def _asserted(self, test: ast.expr) -> None:
        found = self.tested(test)
        if isinstance(found, Box):
            raise Outside("a condition on elements is asserted", self.line)
        if found is False:
            self.fails()
        elif isinstance(found, Condition):
            self.branches([(self.opposite(found), self.fails)])

    def _deleted(self, target: ast.expr) -> None:
        self.keeps_order("what is deleted")
        match target:
            case ast.Name(name) if name in self.names:
                self.names[name] = Stale(f"{name} was deleted")
            case ast.Subscript(owner, index):
                held = self.value(owner)
                if not isinstance(held, list | dict):
                    raise self.error(f"{self.kind(held)} has no elements to delete")
                key = self.place(held, index)
                if isinstance(held, dict) and key not in held:
                    raise self.error(f"there is no {key!r} to delete")
                del held[key]
            case ast.Tuple(items):
                for one in items:
                    self._deleted(one)
            case _:
                raise Outside("del of this", self.line)

    def renamed(self, name: str, value: Any) -> Any:
        """The value, which gets a name."""
        if self.on.symbolic and self.depth:
            raise Outside("a name is bound inside an expression in a loop over a size", self.line)
        self.bind(ast.Name(name, ast.Store()), value)
        return value

    def _unread(self, node: ast.stmt) -> None:
        raise Outside(
            f"{type(node).__name__.lower()} is not read; for over ranges, if, assignments and return are", self.line
        )

    # -- conditions
    def _if(self, node: ast.If, rest: Sequence[ast.stmt]) -> tuple[_Signal | None] | None:
        """Runs a condition; None where the statements after it are still to be run."""
        try:
            found = self.tested(node.test)
        except Undecided as reason:
            raise reason if isinstance(reason, Outside) else Outside(str(reason), self.line) from None
        if isinstance(found, bool):
            # A condition on positions inside must know what it leaves out.
            return (self.block([*(node.body if found else node.orelse), *rest]),)
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
        sees = function.names if isinstance(function, Function) else {}
        if sees is not self.names and (meant := free_names(held) & {*self.names, *sees, *stored(node)}):
            raise Outside(f"{held.name}, which yields, reads {min(meant)} of other functions", self.line)
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
                                   frozenset(names_in(node.target)))  # fmt: skip
                return self.block(node.orelse)
            items = [first + step * k for k in range(max(0, count.constant))]
        elif isinstance(items, Box) and self.on.symbolic:
            self._over_array(node, items)
            return self.block(node.orelse)
        elif isinstance(items, Pack):
            raise Outside("a loop over a list of unknown length", self.line)
        for one in _live(items) if isinstance(items, list) else self.sequence(items):
            self.bind(node.target, one)
            signal = self.block(node.body)
            if signal is not None and signal.kind == "return":
                return signal
            if signal is not None and signal.kind == "break":
                return None
        return self.block(node.orelse)

    def _over_array(self, node: ast.For, box: Box) -> None:
        size = self.integer(self.on.size(self.current(box), 0), "a length")
        self.symbolic_loop(node.body, size, lambda at: self.bind(node.target, self.picked(box, (at,))),
                           frozenset(names_in(node.target)))  # fmt: skip

    def _while(self, node: ast.While) -> _Signal | None:
        if self.on.symbolic:
            self.while_loop(node)
            return None
        while True:
            found = self.tested(node.test)
            if found is not True:
                break
            self.steps += 1
            if self.steps > CODE_STEPS:
                raise Outside("more steps than are taken", self.line)
            signal = self.block(node.body)
            if signal is not None and signal.kind == "return":
                return signal
            if signal is not None and signal.kind == "break":
                return None
        return self.block(node.orelse)
