"""Matrices by what is done with them: weights behind ``@`` whatever the input is, and both lengths that are taken."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from symconv.code.gradients.roles import tensor_named

__all__ = ["matrices_in", "measured"]

_PRODUCTS = frozenset({"dot", "matmul", "mm"})


def matrices_in(node: ast.FunctionDef, tensors: Collection[str]) -> dict[str, int]:
    """The numbers of axes of weights behind ``@`` or ``dot``, and of their biases; nothing where no input is left."""
    products = list(_products(node))
    left, right = ({name for two in products for name in _named(two[k])} for k in (0, 1))
    called = {name if name in tensors else tensor_named(name) for name in right - left}
    weights = {one for one in called if one in tensors and one is not None and one.lower().startswith("w")}
    biases = {one for one in tensors if one.lower().startswith("b") and f"w{one[1:]}" in map(str.lower, weights)}
    found = dict.fromkeys(weights, 2) | dict.fromkeys(biases - weights, 1)
    return found if weights and len(found) < len(tensors) else {}


def _products(node: ast.FunctionDef) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The left and the right factor of each product of matrices."""
    for one in ast.walk(node):
        match one:
            case ast.BinOp(left, ast.MatMult(), right):
                yield left, right
            case ast.Call(ast.Attribute(_, word), [left, right]) if word in _PRODUCTS:
                yield left, right
            case ast.Call(ast.Attribute(left, word), [right]) if word in _PRODUCTS:
                yield left, right


def _named(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Name(name) | ast.Attribute(ast.Name("self"), name):
            yield name
        case ast.Attribute(inner, "T") | ast.Call(ast.Attribute(inner, "t"), [], []):
            yield from _named(inner)


def measured(node: ast.FunctionDef) -> Iterator[tuple[str, int]]:
    """The arrays of which the lengths of both axes are taken: ``len(x)`` and ``len(x[0])``."""
    calls = [one for one in ast.walk(node) if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)]
    taken = {ast.unparse(one.args[0]) for one in calls if one.args and ast.unparse(one.func) == "len"}
    yield from ((text, 2) for text in taken if f"{text}[0]" in taken and text.isidentifier())
