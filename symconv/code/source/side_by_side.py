"""Loops whose turns run side by side, ``for b in numba.prange(B)``, as loops over ``range`` where no two turns meet."""

from __future__ import annotations

import ast
from collections.abc import Iterator

__all__ = ["MEETING", "with_ranges"]

_PATH = "numba.prange"
_MAKING = frozenset({"zeros", "ones", "empty", "full", "zeros_like", "ones_like", "empty_like", "full_like", "copy"})
MEETING = {
    _PATH: "its turns run at the same time, and more than one of them may store into an element; take range there"
}
"""Why loops are left as they are, by what they call."""


def with_ranges(tree: ast.Module) -> ast.Module:
    """The text with ``range`` for ``prange`` in loops each turn of which stores into elements of its own.

    These are such as have the loop's number among their subscripts, or are of what the turn makes. Names that a turn
    adds to are sums that Numba makes of the turns.
    """
    names = {word for node in tree.body for word in _imported(node)}
    if names:
        for node in ast.walk(tree):
            if isinstance(node, ast.For) and isinstance(node.iter, ast.Call) and _apart(node):
                called = node.iter.func
                if ast.unparse(called) in names:
                    node.iter.func = ast.copy_location(ast.Name("range", ast.Load()), called)
    return tree


def _imported(node: ast.stmt) -> Iterator[str]:
    """What stands for ``numba.prange`` in the text."""
    match node:
        case ast.ImportFrom("numba", each):
            yield from (one.asname or one.name for one in each if one.name == "prange")
        case ast.Import(each):
            yield from (f"{one.asname or one.name}.prange" for one in each if one.name == "numba")


def _apart(loop: ast.For) -> bool:
    """Whether no element that a turn of the loop stores into is one of another turn."""
    nodes = [node for statement in loop.body for node in ast.walk(statement)]
    index = ast.unparse(loop.target)
    stores = [one for one in nodes if isinstance(one, ast.Subscript) and isinstance(one.ctx, ast.Store)]
    own = {name for name in _owners(stores) if _is_own(name, nodes, index)}
    # What a function of the text stores is not seen here.
    return not any(isinstance(one, ast.Expr) for one in nodes) and all(
        index in _entries(one) or {*_owners([one])} <= own for one in stores
    )


def _entries(store: ast.Subscript) -> list[str]:
    """The subscripts of an element, also of ``y[b][f]``."""
    entries = store.slice.elts if isinstance(store.slice, ast.Tuple) else [store.slice]
    inner = _entries(store.value) if isinstance(store.value, ast.Subscript) else []
    return [*inner, *map(ast.unparse, entries)]


def _owners(stores: list[ast.Subscript]) -> Iterator[str]:
    """The arrays that elements belong to."""
    for one in stores:
        owner: ast.expr = one
        while isinstance(owner, ast.Subscript):
            owner = owner.value
        yield ast.unparse(owner)


def _is_own(name: str, nodes: list[ast.AST], index: str) -> bool:
    """Whether a name is given in a turn alone, to a new array or to the part of one that has the turn's number."""
    given = [one.value for one in nodes if isinstance(one, ast.Assign) and name in map(ast.unparse, one.targets)]
    return bool(given) and all(
        (isinstance(one, ast.Call) and ast.unparse(one.func).rpartition(".")[2] in _MAKING)
        or (isinstance(one, ast.Subscript) and index in _entries(one))
        for one in given
    )
