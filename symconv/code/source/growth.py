"""What the statements of a loop do to names, told by their text: bound anew, added to, counted, appended to."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Growth", "bound_names", "growth"]


@dataclass(frozen=True)
class Growth:
    """The names that statements change.

    ``assigned`` get a value, ``added`` are only added to, ``rebound`` are those of them that ``a = a + e`` binds anew;
    ``steps`` are the statements of the block itself that add to a name which nothing else changes, ``listed`` the
    names that something is appended to.
    """

    assigned: frozenset[str]
    added: frozenset[str]
    rebound: frozenset[str]
    steps: dict[str, tuple[ast.AugAssign | ast.Assign, ...]]
    listed: frozenset[str]


def growth(nodes: Sequence[ast.stmt]) -> Growth:
    """What the statements of a loop change."""
    assigned: set[str] = set()
    added: set[str] = set()
    rebound: set[str] = set()
    in_place: set[str] = set()
    listed: set[str] = set()
    for node in (one for top in nodes for one in ast.walk(top)):
        match node:
            case ast.AugAssign(ast.Name(name), ast.Add() | ast.Sub(), _):
                added.add(name)
                in_place.add(name)
            case ast.AugAssign(ast.Name(name), _, _):
                assigned.add(name)
            case ast.Assign([ast.Name(name)], _) if _counted(node) == name:
                rebound.add(name)
            case ast.Assign(found, _):
                for target in found:
                    assigned |= bound_names(target)
            case ast.For(target, _, _, _) | ast.AnnAssign(target) | ast.NamedExpr(target):
                assigned |= bound_names(target)
            case ast.Call(ast.Attribute(ast.Name(name), "append"), _, _):
                listed.add(name)
    return Growth(
        frozenset(assigned),
        frozenset(added | rebound),
        frozenset(rebound - in_place),
        {name: _steps(nodes, name) for name in sorted((added | rebound) - assigned)},
        frozenset(listed - assigned),
    )


def _counted(node: ast.stmt) -> str | None:
    """The name that a statement adds something to."""
    match node:
        case ast.AugAssign(ast.Name(name), ast.Add() | ast.Sub(), _):
            return name
        case ast.Assign([ast.Name(name)], ast.BinOp(ast.Name(first), ast.Add() | ast.Sub(), _)) if name == first:
            return name
        case ast.Assign([ast.Name(name)], ast.BinOp(_, ast.Add(), ast.Name(last))) if name == last:
            return name
    return None


def _steps(nodes: Sequence[ast.stmt], name: str) -> tuple[ast.AugAssign | ast.Assign, ...]:
    """The statements of the block that count a name; none where one of them is in a block of its own."""
    every = [one for top in nodes for one in ast.walk(top) if isinstance(one, ast.stmt) and _counted(one) == name]
    own = [one for one in nodes if _counted(one) == name]
    if len(own) < len(every) or any(isinstance(one, ast.Continue) for one in _inner(nodes)):
        return ()
    return tuple(one for one in own if isinstance(one, ast.AugAssign | ast.Assign))


def _inner(nodes: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes of statements, those of inner loops left out."""
    waiting: list[ast.AST] = list(nodes)
    while waiting:
        one = waiting.pop()
        yield one
        if not isinstance(one, ast.For | ast.While):
            waiting += ast.iter_child_nodes(one)


def bound_names(target: ast.expr) -> set[str]:
    """The names a target binds."""
    match target:
        case ast.Name(name):
            return {name}
        case ast.Tuple(items) | ast.List(items):
            return {name for item in items for name in bound_names(item)}
        case ast.Starred(inner):
            return bound_names(inner)
    return set()
