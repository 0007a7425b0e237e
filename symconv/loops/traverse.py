"""Walking through the loop IR and rewriting it, whatever its nodes are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any, get_args

from symconv.loops.ir import Expr, Nest, Node, Stmt, Var

__all__ = ["children", "expressions", "rewrite", "substitute", "walk"]


def _parts(node: Any) -> Iterator[Any]:
    for field in fields(node):
        value = getattr(node, field.name)
        yield from value if isinstance(value, tuple) else (value,)


_NODES = (*get_args(Node), Nest)


def children(node: Node | Nest) -> tuple[Any, ...]:
    """The direct parts that are nodes, derived from the fields."""
    return tuple(part for part in _parts(node) if isinstance(part, _NODES))


def walk(node: Node | Nest) -> Iterator[Any]:
    """The node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def expressions(body: tuple[Stmt, ...]) -> Iterator[Any]:
    """Every node of a block."""
    for statement in body:
        yield from walk(statement)


def rewrite(node: Any, rule: Callable[[Any], Any]) -> Any:
    """Bottom-up: each node with rewritten parts goes through ``rule``, which answers the node that takes its place."""

    def part(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(part(item) for item in value)
        return rewrite(value, rule) if isinstance(value, _NODES) else value

    new = {field.name: part(getattr(node, field.name)) for field in fields(node)}
    changed = any(new[name] is not getattr(node, name) and new[name] != getattr(node, name) for name in new)
    return rule(replace(node, **new) if changed else node)


def substitute(node: Any, values: dict[str, Expr]) -> Any:
    """The node with variables replaced by expressions."""
    return rewrite(node, lambda n: values.get(n.name, n) if isinstance(n, Var) else n)
