"""Walking through the loop IR and rewriting it, whatever its nodes are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any, get_args

from symconv.loops.ir import Expr, Nest, Node, Stmt, Var

__all__ = ["children", "expressions", "rewrite", "substitute", "walk"]


_NODES = (*get_args(Node), Nest)
_KINDS = frozenset(_NODES)
_HELD = ("Expr", "Stmt")
"""What a field that holds nodes is annotated with."""


def _parts(kind: type) -> tuple[tuple[str, bool], ...]:
    """The fields of a class that hold nodes, and whether a field holds several."""
    held = ((field.name, str(field.type)) for field in fields(kind))
    return tuple((name, told.startswith("tuple")) for name, told in held if any(what in told for what in _HELD))


_PARTS: dict[type, tuple[tuple[str, bool], ...]] = {kind: _parts(kind) for kind in _NODES}
"""Found once: trees of many nodes are walked often, and most nodes are names and numbers."""


def children(node: Node | Nest) -> tuple[Any, ...]:
    """The direct parts that are nodes, in the order of the fields."""
    found: list[Any] = []
    for name, several in _PARTS[type(node)]:
        value = getattr(node, name)
        if several:
            found += value
        elif value is not None:
            found.append(value)
    return tuple(found)


def walk(node: Node | Nest) -> Iterator[Any]:
    """The node and everything below it, each before its parts."""
    left = [node]
    while left:
        here = left.pop()
        yield here
        if _PARTS[type(here)]:
            left += children(here)[::-1]


def expressions(body: tuple[Stmt, ...]) -> Iterator[Any]:
    """Every node of a block."""
    for statement in body:
        yield from walk(statement)


def rewrite(node: Any, rule: Callable[[Any], Any]) -> Any:
    """Bottom-up: each node with rewritten parts goes through ``rule``, which answers the node that takes its place."""

    def part(value: Any) -> Any:
        if type(value) is tuple:
            return tuple([part(item) for item in value])
        return rewrite(value, rule) if type(value) in _KINDS else value

    parts = _PARTS[type(node)]
    if not parts:
        return rule(node)
    old = [getattr(node, name) for name, _ in parts]
    new = [part(value) for value in old]
    if all(a is b or a == b for a, b in zip(old, new, strict=True)):
        return rule(node)
    return rule(replace(node, **{name: value for (name, _), value in zip(parts, new, strict=True)}))


def substitute(node: Any, values: dict[str, Expr]) -> Any:
    """The node with variables replaced by expressions."""
    return rewrite(node, lambda n: values.get(n.name, n) if isinstance(n, Var) else n)
