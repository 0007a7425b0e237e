"""Walking through the loop IR and rewriting it, whatever its nodes are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any, get_args

from symconv.loops.ir import Expr, Nest, Node, Stmt, Var

__all__ = ["children", "expressions", "rewrite", "substitute", "walk"]


_NODES = (*get_args(Node), Nest)
_KINDS = frozenset(_NODES)
_NAMES: dict[Any, tuple[str, ...]] = {}
"""The fields of a class, found once: trees of many nodes are walked often."""


def _names(node: Any) -> tuple[str, ...]:
    kind = type(node)
    if kind not in _NAMES:
        _NAMES[kind] = tuple(field.name for field in fields(kind))
    return _NAMES[kind]


def children(node: Node | Nest) -> tuple[Any, ...]:
    """The direct parts that are nodes, derived from the fields."""
    found: list[Any] = []
    for name in _names(node):
        value = getattr(node, name)
        if type(value) is tuple:
            found += [part for part in value if type(part) in _KINDS]
        elif type(value) in _KINDS:
            found.append(value)
    return tuple(found)


def walk(node: Node | Nest) -> Iterator[Any]:
    """The node and everything below it, each before its parts."""
    left = [node]
    while left:
        here = left.pop()
        yield here
        left += reversed(children(here))


def expressions(body: tuple[Stmt, ...]) -> Iterator[Any]:
    """Every node of a block."""
    for statement in body:
        yield from walk(statement)


def rewrite(node: Any, rule: Callable[[Any], Any]) -> Any:
    """Bottom-up: each node with rewritten parts goes through ``rule``, which answers the node that takes its place."""

    def part(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(part(item) for item in value)
        return rewrite(value, rule) if type(value) in _KINDS else value

    new = {name: part(getattr(node, name)) for name in _names(node)}
    changed = any(new[name] is not getattr(node, name) and new[name] != getattr(node, name) for name in new)
    return rule(replace(node, **new) if changed else node)


def substitute(node: Any, values: dict[str, Expr]) -> Any:
    """The node with variables replaced by expressions."""
    return rewrite(node, lambda n: values.get(n.name, n) if isinstance(n, Var) else n)
