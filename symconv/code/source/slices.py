"""The part of a function that one of its results depends on, so that each gradient is judged by its own lines."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any

from symconv.code.source.aliases import Aliases, bindings, names_in
from symconv.code.source.program import Program
from symconv.code.source.unbound import unbound_in
from symconv.code.source.unchanging import aliases_of

__all__ = ["part_for"]

_HANDED_ON = (ast.Name, ast.Attribute, ast.Tuple, ast.List)
"""Targets and values that give what there is to names, and change nothing of it."""


def part_for(function: ast.FunctionDef, key: Any, others: Sequence[str], program: Program) -> ast.FunctionDef:
    """The statements that the result ``key`` needs; ``others`` are attributes that are other results."""
    known = aliases_of(function, program)
    groups = _Groups(known)
    each = [*bindings(function)]
    arrays = _made(each, known)
    for target, value in each:
        if not _copied(target, arrays):
            groups.joined(target, value)
    for node in ast.walk(function):
        match node:
            case ast.AugAssign(target, _, value) if known.may_contain(value):
                groups.joined(target, value)
            case ast.FunctionDef(name) if node is not function:
                for one in names_in(node):
                    groups.join(name, one)
    raising = {*unbound_in(function, program.outside), *map(id, _counting_axes(function, known))}
    finder = _Finder(groups, key, set() if _entangled(function, known, others) else set(others), raising)
    count = -1
    while count != len(finder.needed):
        count = len(finder.needed)
        body = finder.kept(function.body)
    new = copy(function)
    new.body = body or [ast.Pass()]
    return new


def _made(each: Sequence[tuple[ast.expr, ast.expr]], known: Aliases) -> set[str]:
    """The names that stand for arrays of numbers made here, ``np.zeros((1, C))``, and for nothing else."""
    found, others = set[str](), set[str]()
    for target, value in each:
        made = isinstance(target, ast.Name) and isinstance(value, ast.Call) and known.fills(value)
        stored = (one for one in ast.walk(target) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))
        (found if made else others).update(one.id for one in stored)
    return found - others


def _copied(target: ast.expr, arrays: set[str]) -> bool:
    """Whether elements of an array are set: it has none in common with what they are set to."""
    return isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id in arrays


def _entangled(function: ast.FunctionDef, known: Aliases, others: Sequence[str]) -> bool:
    """Whether an attribute that is another result is used, and may be an array with another name."""

    def is_other(node: ast.AST) -> bool:
        return isinstance(node, ast.Attribute) and f".{node.attr}" in others

    inner = [*ast.walk(function)]
    used = any(is_other(one) and isinstance(getattr(one, "ctx", None), ast.Load) for one in inner)
    used = used or any(isinstance(one, ast.AugAssign) and is_other(one.target) for one in inner)
    return used and any(
        (known.of(value) and any(map(is_other, ast.walk(target))))
        or any(is_other(one) and known.of(value) & names_in(one) for one in ast.walk(value))
        for target, value in bindings(function)
    )


def _counting_axes(function: ast.FunctionDef, known: Aliases) -> Iterator[ast.stmt]:
    """The statements that say how many axes something has that the function was given, and that it leaves as it is."""
    made = {name for one in ast.walk(function) if isinstance(one, ast.AugAssign) for name in known.roots(one.target)}
    for target, value in bindings(function):
        if any(not isinstance(one, _HANDED_ON) for one in (target, value)):
            made |= known.roots(target)
    for node in ast.walk(function):
        match node:
            case ast.Assign([ast.Tuple() | ast.List()], ast.Attribute(ast.Name(name), "shape")) | ast.Assign(
                [ast.Name()], ast.Subscript(ast.Attribute(ast.Name(name), "shape"), ast.Constant())
            ) if name not in made:
                yield node


class _Groups:
    """Names that may stand for one array."""

    def __init__(self, known: Aliases) -> None:
        self.known = known
        self.parent: dict[str, str] = {}

    def of(self, name: str) -> str:
        while name in self.parent:
            name = self.parent[name]
        return name

    def joined(self, target: ast.expr, value: ast.expr) -> None:
        """Notes that what the target holds may be what the value is made of."""
        for one in self.known.roots(target):
            for other in self.known.of(value):
                self.join(one, other)

    def join(self, one: str, other: str) -> None:
        a, b = self.of(one), self.of(other)
        if a != b:
            self.parent[a] = b


class _Finder:
    def __init__(self, groups: _Groups, key: Any, others: set[str], raising: set[int]) -> None:
        self.groups = groups
        self.key = key
        self.others = others
        self.raising = raising
        self.needed: set[str] = set()

    def kept(self, nodes: Sequence[ast.stmt]) -> list[ast.stmt]:
        """The statements that count, from the last to the first."""
        found = [new for node in reversed(nodes) if (new := self._statement(node)) is not None]
        return found[::-1]

    def _need(self, *nodes: ast.AST) -> None:
        for node in nodes:
            self.needed |= names_in(node)

    def _changes(self, target: ast.expr) -> bool:
        roots = self.groups.known.roots(target)
        return not roots or self._counts(roots)

    def _counts(self, names: set[str]) -> bool:
        """Whether something that counts may share elements with one of the names."""
        return not {self.groups.of(name) for name in names}.isdisjoint(map(self.groups.of, self.needed))

    def _statement(self, node: ast.stmt) -> ast.stmt | None:
        compound = isinstance(node, ast.Return | ast.For | ast.While | ast.If | ast.With)
        if id(node) in self.raising and not compound:
            # Nothing may need what it computes, and yet it may end the function.
            self._need(node)
            return node
        match node:
            case ast.Return(value):
                return self._return(node, value)
            case ast.Assign(targets, ast.Constant()) if all(isinstance(one, ast.Name) for one in targets):
                # ``gx = gw = None``: what names a number, or nothing, shares no elements.
                return node if any(map(self._target, targets)) else None
            case ast.Assign(targets, value):
                counts = any(self._target(target) for target in targets) or self._effects(value)
                if counts:
                    self._need(*self._apart(targets, value))
                return node if counts else None
            case ast.AnnAssign(target, _, value):
                if value is not None and (self._target(target) or self._effects(value)):
                    self._need(node)
                    return node
                return None
            case ast.AugAssign(target, _, _):
                counts = self._target(target) if isinstance(target, ast.Attribute) else self._changes(target)
                if counts or self._effects(node.value):
                    self._need(node)
                    return node
                return None
            case ast.For() | ast.While() | ast.If() | ast.With():
                return self._compound(node)
            case ast.FunctionDef(name):
                if name in self.needed:
                    self._need(node)
                return node if name in self.needed else None
            case ast.Expr(ast.Call(ast.Name())) | ast.Assert():
                self._need(node)
                return node
            case ast.Expr(value) if not self._effects(value):
                return None
            case ast.Pass():
                return None
        self._need(node)
        return node

    def _effects(self, value: ast.AST) -> bool:
        """Whether computing a value may change something that counts."""
        return self._counts(self.groups.known.changed(value))

    def _target(self, target: ast.expr) -> bool:
        match target:
            case ast.Name(name):
                return name in self.needed
            case ast.Tuple(items) | ast.List(items):
                return any(self._target(item) for item in items)
            case ast.Starred(inner):
                return self._target(inner)
            case ast.Attribute(ast.Name("self" | "ctx"), name):
                return f".{name}" not in self.others
        return self._changes(target)

    def _apart(self, targets: Sequence[ast.expr], value: ast.expr) -> Sequence[ast.expr]:
        """What an assignment needs: of ``dx, db = np.zeros(4), np.zeros(2)`` the names alone that count."""
        match targets, value:
            case [ast.Tuple(names)], ast.Tuple(values) if (
                len(names) == len(values)
                and all(isinstance(one, ast.Name) for one in names)
                and not any(isinstance(one, ast.Starred) for one in values)
            ):
                return [*filter(self._target, names), value]
        return [*targets, value]

    def _return(self, node: ast.Return, value: ast.expr | None) -> ast.stmt:
        if (
            isinstance(value, ast.Tuple | ast.List)
            and isinstance(self.key, int)
            and self.key < len(value.elts)
            # Behind a star results have other numbers than the items that are written.
            and not any(isinstance(item, ast.Starred) for item in value.elts[: self.key + 1])
        ):
            self._need(value.elts[self.key])
            new = copy(value)
            new.elts = [
                item if k == self.key or self._effects(item) else ast.copy_location(ast.Constant(None), item)
                for k, item in enumerate(value.elts)
            ]
            self._need(new)
            return ast.copy_location(ast.Return(new), node)
        if isinstance(self.key, str) and self.key.startswith(".") and not (value and self._effects(value)):
            return ast.copy_location(ast.Return(None), node)
        if value is not None:
            self._need(value)
        return node

    def _compound(self, node: ast.For | ast.While | ast.If | ast.With) -> ast.stmt | None:
        new = copy(node)
        new.body = self.kept(node.body)
        if not isinstance(new, ast.With) and not isinstance(node, ast.With):
            new.orelse = self.kept(node.orelse)
        tested = node.items if isinstance(node, ast.With) else [node.iter if isinstance(node, ast.For) else node.test]
        stays = (isinstance(node, ast.For) and self._target(node.target)) or any(map(self._effects, tested))
        stays = stays or id(node) in self.raising
        if not (stays or new.body or getattr(new, "orelse", [])):
            return None
        new.body = new.body or [ast.copy_location(ast.Pass(), node)]
        self._need(*tested, *([node.target] if isinstance(node, ast.For) else []))
        return new
