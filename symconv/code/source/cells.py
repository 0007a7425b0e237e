"""Whether the statements of a notebook's cell still mean what they say when other lines of it have run."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

__all__ = ["changed_between"]

_CHANGING = frozenset({"append", "extend", "insert", "pop", "update", "setdefault", "remove", "sort", "reverse",
                       "clear", "popitem", "fill"})  # fmt: skip
_AUTOGRAD = frozenset({"grad", "requires_grad", "requires_grad_"})
"""Attributes of an array that are no elements of it."""
_VIEWS = frozenset({"view", "reshape", "t", "transpose", "permute", "squeeze", "unsqueeze", "detach", "numpy",
                    "flatten", "ravel", "expand"})  # fmt: skip

Change = tuple[str, int, bool]
"""The name, the line, and whether the name is bound anew."""


def changed_between(tree: ast.Module, functions: Mapping[str, ast.FunctionDef], made: Collection[ast.stmt]) -> str:
    """Why the functions that were made of a cell's statements may compute something else; empty where they do not.

    ``made`` are statements that bind the same names to what autograd gives.
    """
    kept = {id(node): node for one in functions.values() for node in one.body[:-1]}
    lines = [node.lineno for node in kept.values()]
    first, last = min(lines), max(lines)
    names = {name for node in kept.values() for name in _stored(node)}
    results = {part.id for one in functions.values() for part in ast.walk(one.body[-1]) if isinstance(part, ast.Name)}
    given = {one.arg for function in functions.values() for one in function.args.args}
    statements = [node for node in _top(tree.body) if id(node) not in {*map(id, made)}]
    roots = _roots(statements)
    changes = [change for node in statements if id(node) not in kept for change in _changes(node)]
    bound = Counter(name for name, _, anew in changes if anew)
    for name, line, anew in changes:
        for one in {name, *(() if anew else roots.get(name, ()))}:
            again = (one in names or bound[one] > 1) if anew else True
            inside = first <= line <= last
            if again and ((one in names and (anew or inside or one in results)) or (one in given and inside)):
                return f"is read beside line {line}, which {'binds' if anew else 'may change'} {one}"
    return ""


def _top(nodes: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when the cell does."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        yield node
        for part in ("body", "orelse", "finalbody"):
            yield from _top(getattr(node, part, []))
        for inner in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
            yield from _top(inner.body)


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.stmt):
            yield from _parts(child)


def _stored(node: ast.stmt) -> Iterator[str]:
    for part in _parts(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id


def _changes(node: ast.stmt) -> Iterator[Change]:
    """What a statement binds, or whose elements it may change."""
    in_place = node.target if isinstance(node, ast.AugAssign) else None
    for part in _parts(node):
        match part:
            case ast.Name(name, ast.Store() | ast.Del()):
                yield name, node.lineno, part is not in_place
            case ast.Subscript(owner, _, ast.Store() | ast.Del()) | ast.Attribute(owner, _, ast.Store() | ast.Del()):
                if not (isinstance(part, ast.Attribute) and part.attr in _AUTOGRAD):
                    yield from ((name, node.lineno, False) for name in _root(owner))
            case ast.Call(ast.Attribute(owner, name)) if name not in _AUTOGRAD:
                if name in _CHANGING or (name.endswith("_") and not name.endswith("__")):
                    yield from ((held, node.lineno, False) for held in _root(owner))
                    yield from ((held, node.lineno, False) for one in part.args[:1] for held in _root(one))
                for option in part.keywords:
                    if option.arg == "out":
                        yield from ((held, node.lineno, False) for held in _root(option.value))


def _root(node: ast.expr) -> list[str]:
    """The name of the array that a part is of."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        if isinstance(node, ast.Attribute) and node.attr in _AUTOGRAD:
            return []
        node = node.func if isinstance(node, ast.Call) else node.value
    return [node.id] if isinstance(node, ast.Name) else []


def _roots(statements: Sequence[ast.stmt]) -> dict[str, set[str]]:
    """Of names that may have the elements of another name: that name, and those it has them of."""
    found: dict[str, set[str]] = {}
    for node in statements:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            calls = [part.func for part in _parts(node.value) if isinstance(part, ast.Call)]
            if isinstance(node.value, ast.Name | ast.Attribute | ast.Subscript | ast.Call) and all(
                isinstance(one, ast.Attribute) and one.attr in _VIEWS for one in calls
            ):
                for root in _root(node.value):
                    found.setdefault(node.targets[0].id, set()).update({root, *found.get(root, ())})
    return found
