"""Which names at the top of a text have one value whenever they are read, told by the text."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

__all__ = ["unsettled"]

_CHANGING = frozenset({"append", "extend", "insert", "pop", "update", "setdefault", "remove", "sort", "reverse",
                       "clear", "popitem"})  # fmt: skip


def unsettled(tree: ast.Module) -> frozenset[str]:
    """The names at the top that are bound in several ways, or whose elements some line changes."""
    bound: Counter[str] = Counter()
    meant: dict[str, set[str]] = {}
    for kind, name in _bindings(tree.body):
        bound[name] += kind == "value"
        meant.setdefault(name, set()).add(kind)
    found = {name for name, kinds in meant.items() if len(kinds) > 1 or (bound[name] > 1 and _nested(tree, name))}
    made = {name for name, kinds in meant.items() if "value" in kinds}
    for node in ast.walk(tree):
        match node:
            case ast.Global(names):
                found |= {*names}
            case ast.AugAssign(ast.Name(name), _, _) if node in tree.body:
                found.add(name)
            case ast.Subscript(ast.Name(name), _, ast.Store() | ast.Del()) | ast.Call(
                ast.Attribute(ast.Name(name), _), _, _
            ) if name in made and (not isinstance(node, ast.Call) or _changes(node)):
                found.add(name)
    return frozenset(found)


def _changes(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in _CHANGING


def _bindings(nodes: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        match node:
            case ast.FunctionDef(name) | ast.ClassDef(name) | ast.AsyncFunctionDef(name):
                yield "definition", name
            case ast.Import(names) | ast.ImportFrom(_, names):
                for one in names:
                    yield "import", one.asname or one.name.partition(".")[0]
            case _:
                for part in ast.walk(node):
                    if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                        yield "value", part.id


def _nested(tree: ast.Module, name: str) -> bool:
    """Whether a name is bound anywhere but in plain assignments at the top, the last of which counts."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) or (
            isinstance(node, ast.Assign | ast.AnnAssign)
            and not any(isinstance(one, ast.NamedExpr) for one in ast.walk(node))
        ):
            continue
        if any(
            isinstance(one, ast.Name) and one.id == name and isinstance(one.ctx, ast.Store) for one in ast.walk(node)
        ):
            return True
    return False
