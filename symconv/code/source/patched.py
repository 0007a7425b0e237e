"""Which functions, classes and libraries a text changes after they are defined: ``np.exp = np.sin``."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from symconv.code.source.shared import parents_of

__all__ = ["patched"]

_HARMLESS = frozenset({"backends", "rcParams", "__doc__", "__name__", "__qualname__", "__module__"})
"""Attributes that say how fast something runs, or how it is shown, and not what is computed."""
_EVERYTHING = frozenset({"exec", "eval", "globals", "__import__"})
"""Calls that may bind any name."""


def patched(tree: ast.Module, bound: Collection[str], libraries: Collection[str]) -> set[str]:
    """The names among ``bound`` some attribute of which is set, by themselves or by another name of theirs."""
    roots: set[str] = set()
    parameters = {one.arg for one in ast.walk(tree) if isinstance(one, ast.arg)} - {"self", "ctx", "cls"}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(owner, name, ast.Store() | ast.Del()) if name not in _HARMLESS:
                roots |= _roots(owner)
            case ast.Call(ast.Name("setattr" | "delattr" | "vars"), [owner, *_], _):
                roots |= _roots(owner)
            case ast.Attribute(owner, "__dict__" | "__setattr__"):
                roots |= _roots(owner)
            case ast.Attribute(ast.Name("sys"), "modules"):
                return {*bound}
            case ast.Call(ast.Name(name), _, _) if name in _EVERYTHING and not (
                name == "globals" and _only_read(tree, node)
            ):
                return {*bound}
    other = _named(tree)
    waiting = [*roots]
    while waiting:
        for one in other.get(waiting.pop(), set()) - roots:
            roots.add(one)
            waiting.append(one)
    if roots & parameters - {*bound}:
        roots |= {one.id for one in _given(tree) if one.id in libraries}
    return roots & {*bound}


def _only_read(tree: ast.Module, call: ast.Call) -> bool:
    """Whether a table of names is looked at: ``globals().items()``."""
    match parents_of(tree)[call]:
        case ast.Attribute(_, name):
            return name in {"items", "keys", "values", "get"}
        case ast.Subscript(_, _, context):
            return isinstance(context, ast.Load)
        case ast.Compare():
            return True
    return False


def _roots(node: ast.expr) -> set[str]:
    """The name that an attribute is of."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        if isinstance(node, ast.Attribute) and node.attr in _HARMLESS:
            return set()
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def _named(tree: ast.Module) -> dict[str, set[str]]:
    """Names that stand for another name, or for an attribute of it."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets, ast.Name() | ast.Attribute() as value):
                for target in targets:
                    if isinstance(target, ast.Name):
                        found.setdefault(target.id, set()).update(_roots(value))
    return found


def _given(tree: ast.Module) -> Iterator[ast.Name]:
    """Names that are given to functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for one in (*node.args, *(option.value for option in node.keywords)):
                if isinstance(one, ast.Name):
                    yield one
