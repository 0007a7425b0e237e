"""Loops that fill an array, each iteration a part of its own: ``for y in range(2): col[:, y] = x[:, y:y + n]``."""

from __future__ import annotations

import ast
from collections.abc import Sequence

__all__ = ["fills"]


def fills(node: ast.For) -> bool:
    """Whether a loop, and those in it, do nothing but put values under their own indices.

    One sum over the indices says what the array is then, and not a case for each iteration.
    """
    return isinstance(node.target, ast.Name) and _filled(node.body, (node.target.id,))


def _filled(body: Sequence[ast.stmt], indices: tuple[str, ...]) -> bool:
    found = False
    for one in body:
        match one:
            case ast.For(ast.Name(index), ast.Call(ast.Name("range")), inner, []) if _filled(inner, (*indices, index)):
                found = True
            case ast.Assign([ast.Subscript(ast.Name(name), ast.Tuple(entries))], value) if name not in _names(value):
                own = {entry.id for entry in entries if isinstance(entry, ast.Name)}
                if not {*indices} <= own:
                    return False
                found = True
            case ast.Assign([ast.Name()], value) if _is_arithmetic(value):
                continue
            case _:
                return False
    return found


def _is_arithmetic(node: ast.expr) -> bool:
    return not any(isinstance(one, ast.Call | ast.Compare) for one in ast.walk(node))


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
