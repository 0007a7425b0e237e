"""Walking through the loop IR and rewriting it, whatever its nodes are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from operator import is_
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
_BACKWARDS = {kind: parts[::-1] for kind, parts in _PARTS.items()}


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
    return iter(_below([node]))


def expressions(body: tuple[Stmt, ...]) -> Iterator[Any]:
    """Every node of a block."""
    return iter(_below(list(body[::-1])))


def _below(left: list[Any]) -> list[Any]:
    """The nodes, the last one first, and everything below them."""
    found: list[Any] = []
    while left:
        here = left.pop()
        found.append(here)
        for name, several in _BACKWARDS[type(here)]:
            value = getattr(here, name)
            if several:
                left += value[::-1]
            elif value is not None:
                left.append(value)
    return found


def rewrite(node: Any, rule: Callable[[Any], Any]) -> Any:
    """Bottom-up: each node with rewritten parts goes through ``rule``, which answers the node that takes its place."""
    changed = {}
    for name, _ in _PARTS[type(node)]:
        old = getattr(node, name)
        new = _rewritten(old, rule)
        if new is not old and new != old:
            changed[name] = new
    return rule(replace(node, **changed) if changed else node)


def _rewritten(value: Any, rule: Callable[[Any], Any]) -> Any:
    """What a field holds, rewritten: the same object where nothing in it is another."""
    if type(value) is tuple:
        new = tuple([_rewritten(item, rule) for item in value])
        return value if all(map(is_, new, value)) else new
    return rewrite(value, rule) if type(value) in _KINDS else value


def substitute(node: Any, values: dict[str, Expr]) -> Any:
    """The node with variables replaced by expressions."""
    return rewrite(node, lambda n: values.get(n.name, n) if isinstance(n, Var) else n)
