"""The part of a function that one of its results depends on, so that each gradient is judged by its own lines."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from copy import copy
from typing import Any

__all__ = ["part_for"]


def part_for(function: ast.FunctionDef, key: Any, others: Sequence[str] = ()) -> ast.FunctionDef:
    """The statements that the result ``key`` needs; ``others`` are attributes that are other results."""
    groups = _Groups()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            root = _root(node.value)
            if root is not None:
                groups.join(node.targets[0].id, root)
        elif isinstance(node, ast.For) and (root := _root(node.iter)) is not None:
            for name in _names(node.target):
                groups.join(name, root)
    finder = _Finder(groups, key, set(others))
    count = -1
    while count != len(finder.needed):
        count = len(finder.needed)
        body = finder.kept(function.body)
    new = copy(function)
    new.body = body or [ast.Pass()]
    return new


class _Groups:
    """Names that may stand for one array."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}

    def of(self, name: str) -> str:
        while name in self.parent:
            name = self.parent[name]
        return name

    def join(self, one: str, other: str) -> None:
        a, b = self.of(one), self.of(other)
        if a != b:
            self.parent[a] = b


def _root(node: ast.expr) -> str | None:
    """The name an expression is a part or a view of."""
    while True:
        match node:
            case ast.Subscript(inner, _) | ast.Attribute(inner, _) | ast.Starred(inner):
                node = inner
            case ast.Call(ast.Attribute(ast.Name("np" | "torch" | "jnp" | "tf" | "F"), _), [first, *_], _):
                node = first
            case ast.Call(ast.Attribute(inner, _), _, _):
                node = inner
            case ast.Name(name):
                return name
            case _:
                return None


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


class _Finder:
    def __init__(self, groups: _Groups, key: Any, others: set[str]) -> None:
        self.groups = groups
        self.key = key
        self.others = others
        self.needed: set[str] = set()

    def kept(self, nodes: Sequence[ast.stmt]) -> list[ast.stmt]:
        """The statements that count, from the last to the first."""
        found = [new for node in reversed(nodes) if (new := self._statement(node)) is not None]
        return found[::-1]

    def _need(self, *nodes: ast.AST) -> None:
        for node in nodes:
            self.needed |= _names(node)

    def _changes(self, target: ast.expr) -> bool:
        root = _root(target)
        if root is None:
            return True
        return root in self.needed or self.groups.of(root) in {self.groups.of(name) for name in self.needed}

    def _statement(self, node: ast.stmt) -> ast.stmt | None:
        match node:
            case ast.Return(value):
                return self._return(node, value)
            case ast.Assign(targets, value):
                counts = any(self._target(target) for target in targets)
                if counts:
                    self._need(node)
                return node if counts else None
            case ast.AnnAssign(target, _, value):
                if value is not None and self._target(target):
                    self._need(value)
                    return node
                return None
            case ast.AugAssign(target, _, _):
                counts = self._target(target) if isinstance(target, ast.Attribute) else self._changes(target)
                if counts:
                    self._need(node)
                return node if counts else None
            case ast.For() | ast.While() | ast.If() | ast.With():
                return self._compound(node)
            case ast.FunctionDef(name):
                if name in self.needed:
                    self._need(*node.body)
                return node if name in self.needed else None
            case ast.Expr(ast.Call(ast.Attribute(owner, _), arguments, _)):
                library = _root(owner) in {"np", "torch", "F", "tf", "jnp", "numpy"}
                if not any(map(self._changes, arguments[:1] if library else [owner])):
                    return None
                self._need(node)
                return node
            case ast.Expr(ast.Call()):
                self._need(node)
                return node
            case ast.Expr() | ast.Assert() | ast.Pass():
                return None
        return node

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

    def _return(self, node: ast.Return, value: ast.expr | None) -> ast.stmt:
        if isinstance(value, ast.Tuple | ast.List) and isinstance(self.key, int) and self.key < len(value.elts):
            new = copy(value)
            new.elts = [
                item if k == self.key else ast.copy_location(ast.Constant(None), item)
                for k, item in enumerate(value.elts)
            ]
            self._need(value.elts[self.key])
            return ast.copy_location(ast.Return(new), node)
        if isinstance(self.key, str) and self.key.startswith("."):
            return ast.copy_location(ast.Return(None), node)
        if value is not None:
            self._need(value)
        return node

    def _compound(self, node: ast.For | ast.While | ast.If | ast.With) -> ast.stmt | None:
        new = copy(node)
        new.body = self.kept(node.body)
        if not isinstance(new, ast.With) and not isinstance(node, ast.With):
            new.orelse = self.kept(node.orelse)
        leaves = any(isinstance(one, ast.Raise) for one in new.body) and len(new.body) == 1
        if leaves or not (new.body or getattr(new, "orelse", [])):
            return None
        new.body = new.body or [ast.copy_location(ast.Pass(), node)]
        if isinstance(node, ast.For):
            self._need(node.iter, node.target)
        elif isinstance(node, ast.If | ast.While):
            self._need(node.test)
        return new
