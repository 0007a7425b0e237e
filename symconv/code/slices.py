"""The part of a function that one of its results depends on, so that each gradient is judged by its own lines."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from copy import copy
from typing import Any

from symconv.code.aliases import aliases, may_change, names_in

__all__ = ["part_for"]


def part_for(function: ast.FunctionDef, key: Any, others: Sequence[str] = ()) -> ast.FunctionDef:
    """The statements that the result ``key`` needs; ``others`` are attributes that are other results."""
    groups = _Groups()
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets, value):
                groups.joined([*targets], value)
            case ast.FunctionDef(name) if node is not function:
                for one in names_in(node):
                    groups.join(name, one)
            case ast.For(target, value) | ast.comprehension(target, value) | ast.NamedExpr(target, value):
                groups.joined([target], value)
            case ast.AnnAssign(target, _, value) | ast.withitem(value, target) if value is not None and target:
                groups.joined([target], value)
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

    def joined(self, targets: Sequence[ast.expr], value: ast.expr) -> None:
        """Notes that what the targets hold may be what the value is made of."""
        for target in targets:
            for one in _bound(target):
                for other in aliases(value):
                    self.join(one, other)

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


def _bound(target: ast.expr) -> set[str]:
    """The names that a target binds, or changes the elements of."""
    if isinstance(target, ast.Tuple | ast.List):
        return {name for item in target.elts for name in _bound(item)}
    root = _root(target)
    return set() if root is None else {root}


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
            self.needed |= names_in(node)

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
                counts = any(self._target(target) for target in targets) or self._effects(value)
                if counts:
                    self._need(node)
                return node if counts else None
            case ast.AnnAssign(target, _, value):
                if value is not None and (self._target(target) or self._effects(value)):
                    self._need(value)
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
            case ast.Expr(ast.Call(ast.Attribute(owner, _), arguments, options)):
                library = _root(owner) in {"np", "torch", "F", "tf", "jnp", "numpy"}
                named = [one.value for one in options if one.arg == "out" or not library]
                first = arguments[:1] if library else [owner, *arguments]
                if not any(map(self._changes, [*first, *named])) and not self._effects(node.value):
                    return None
                self._need(node)
                return node
            case ast.Expr(ast.Call()) | ast.Assert():
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
        changed = may_change(value)
        return bool(changed & self.needed) or any(
            self.groups.of(name) in {self.groups.of(one) for one in self.needed} for name in changed
        )

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
        if (
            isinstance(value, ast.Tuple | ast.List)
            and isinstance(self.key, int)
            and self.key < len(value.elts)
            # Behind a star results have other numbers than the items that are written.
            and not any(isinstance(item, ast.Starred) for item in value.elts[: self.key + 1])
        ):
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
        tested = getattr(node, "test", getattr(node, "iter", None))
        stays = (isinstance(node, ast.For) and self._target(node.target)) or (
            tested is not None and self._effects(tested)
        )
        if not (stays or new.body or getattr(new, "orelse", [])):
            return None
        new.body = new.body or [ast.copy_location(ast.Pass(), node)]
        if isinstance(node, ast.For):
            self._need(node.iter, node.target)
        elif isinstance(node, ast.If | ast.While):
            self._need(node.test)
        return new
