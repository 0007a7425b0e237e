"""Elements that a mask picks on both sides of an assignment: ``z[m] = np.exp(-x[m])``."""

from __future__ import annotations

import ast
from copy import deepcopy
from typing import Any

from symconv.code.held.state import State, evaluate
from symconv.code.values.amounts import is_number
from symconv.code.values.objects import Box, Dotted

__all__ = ["among_picked"]

_EACH = frozenset({
    "exp", "log", "log1p", "expm1", "tanh", "sqrt", "abs", "absolute", "square", "negative", "sin", "cos", "sinh",
    "cosh", "reciprocal", "sign", "power", "multiply", "divide", "add", "subtract",
})  # fmt: skip
"""Words that compute each element by itself."""


def among_picked(state: State, target: ast.expr, node: ast.expr) -> tuple[Box, Box, ast.expr] | None:
    """The array that is changed, the mask, and what all elements would be, of which the mask picks some.

    None where the target is not picked by a mask, or the value is not computed element by element of such.
    """
    if not isinstance(target, ast.Subscript) or not isinstance(target.slice, ast.Name | ast.Compare):
        return None
    whole = _Whole(target.slice)
    value = whole.visit(deepcopy(node))
    if not whole.found or not _each(state, value, whole.found):
        return None
    mask, owner = evaluate(state, target.slice), evaluate(state, target.value)
    return (owner, mask, value) if isinstance(mask, Box) and mask.mask and isinstance(owner, Box) else None


class _Whole(ast.NodeTransformer):
    """Arrays in place of their elements under one mask; ``found`` are the nodes that were put there."""

    def __init__(self, mask: ast.expr) -> None:
        self.mask = ast.dump(mask)
        self.found: set[int] = set()

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if ast.dump(node.slice) == self.mask and isinstance(node.value, ast.Name | ast.Attribute):
            self.found.add(id(node.value))
            return node.value
        return node


def _each(state: State, node: Any, whole: set[int]) -> bool:
    """Whether a value is made element by element of whole arrays and numbers."""
    match node:
        case _ if id(node) in whole:
            return True
        case ast.BinOp(left, ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow(), right):
            return _each(state, left, whole) and _each(state, right, whole)
        case ast.UnaryOp(ast.USub() | ast.UAdd(), inner):
            return _each(state, inner, whole)
        case ast.Call(ast.Attribute(ast.Name(), word) as function, arguments, []) if word in _EACH:
            library = isinstance(evaluate(state, function), Dotted)
            return library and all(_each(state, one, whole) for one in arguments)
        case ast.Constant(int() | float()):
            return True
        case ast.Name() | ast.Attribute():
            return is_number(evaluate(state, node))
    return False
