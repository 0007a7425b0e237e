"""Attributes that a class gives its instances, and that nothing else in the text sets."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping

__all__ = ["attributes_of", "open_to_all"]

_OPEN = frozenset({"delattr", "vars", "__dict__", "__setattr__", "__getattr__", "__getattribute__", "__new__"})
"""Words through which attributes may be others than the text shows."""


def attributes_of(tree: ast.Module) -> dict[str, dict[str, ast.expr]]:
    """The expressions of the simple assignments in the bodies of classes, by class and name, in their order.

    Left out are names that a class binds twice, or under a condition, those that the text sets anywhere as attributes,
    and fields of classes with decorators, which an instance is given.
    """
    if open_to_all(tree):
        return {}
    known = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    again = {name for name, count in Counter(n.name for n in tree.body if isinstance(n, ast.ClassDef)).items()
             if count > 1}  # fmt: skip
    changed = {word for node in ast.walk(tree) for word in _set(node)}
    found: dict[str, dict[str, ast.expr]] = {}
    for name, node in known.items():
        held = {} if name in again else _held(node, known, ())
        found[name] = {key: value for key, value in held.items() if value is not None and key not in changed}
    return found


def open_to_all(tree: ast.Module) -> bool:
    """Whether attributes may be others than the text shows."""
    used = Counter(word for node in ast.walk(tree) for word in _words(node))
    return bool(used.keys() & _OPEN) or used["setattr"] > sum(_sets_known(node) for node in ast.walk(tree))


def _words(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(word) | ast.Attribute(_, word) | ast.FunctionDef(word):
            yield word


def _sets_known(node: ast.AST) -> bool:
    """Whether it is ``setattr(a, "name", value)``, which shows the name."""
    return (
        isinstance(node, ast.Call)
        and "setattr" in _words(node.func)
        and any(isinstance(one, ast.Constant) for one in node.args[1:2])
    )


def _set(node: ast.AST) -> Iterator[str]:
    """The names of attributes that a part of the text may set: ``a.name = ...``, ``register("name", ...)``."""
    match node:
        case ast.Attribute(_, word, ast.Store() | ast.Del()):
            yield word
        case ast.Call(_, arguments):
            yield from (str(one.value) for one in arguments if isinstance(one, ast.Constant))


def _held(node: ast.ClassDef, known: Mapping[str, ast.ClassDef], below: tuple[str, ...]) -> dict[str, ast.expr | None]:
    """What a class and its bases in the text bind, None where that is no single expression."""
    found: dict[str, ast.expr | None] = {}
    foreign = False
    for base in node.bases:
        if not isinstance(base, ast.Name) or base.id not in known or base.id in {node.name, *below}:
            foreign = True
            continue
        for name, value in _held(known[base.id], known, (node.name, *below)).items():
            # Which base counts is a matter of all their bases: only what they agree on is known.
            found[name] = value if not foreign and found.get(name, value) is value else None
    return found | _own(node)


def _own(node: ast.ClassDef) -> dict[str, ast.expr | None]:
    """What the body of a class binds."""
    found: dict[str, ast.expr | None] = {}
    for one in node.body:
        match one:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                found[name] = None
                continue
            case ast.Assign(targets, value) if all(isinstance(target, ast.Name) for target in targets):
                simple: ast.expr | None = value
            case ast.AnnAssign(ast.Name(), _, value):
                simple = value
            case _:
                simple = None
        for part in ast.walk(one):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store | ast.Del):
                found[part.id] = None if part.id in found or node.decorator_list or node.keywords else simple
    return found
