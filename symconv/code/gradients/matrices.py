"""Matrices by what is done with them: weights behind ``@`` whatever the input is, and both lengths that are taken."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import combinations

from symconv.code.gradients.roles import tensor_named
from symconv.notation.operator import Operator

__all__ = ["asked_first", "matrices_in", "measured", "tied"]

_PRODUCTS = frozenset({"dot", "matmul", "mm"})


def matrices_in(node: ast.FunctionDef, tensors: Collection[str]) -> dict[str, int]:
    """The numbers of axes of weights behind ``@`` or ``dot``, and of their biases; nothing where no input is left.

    What is called ``b`` is a weight there too, as the second factor of low rank: ``x @ A @ B``.
    """
    products = list(_products(node))
    left, right = ({name for two in products for name in _named(two[k])} for k in (0, 1))
    called = {name if name in tensors else tensor_named(name) for name in right - left}
    weights = {one for one in called if one in tensors and one is not None and one.lower().startswith(("w", "b"))}
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


def tied(node: ast.FunctionDef, tensors: Mapping[str, str], op: Operator) -> str:
    """Two lengths of one tensor that the text calls differently and an operator has equal: it is not what is meant."""
    for one in ast.walk(node):
        match one:
            case ast.Assign([ast.Tuple(items)], ast.Attribute(ast.Name(name), "shape")) if name in tensors:
                names = [getattr(item, "id", "_") for item in items]
                sizes = next((held.sizes for held in op.inputs if held.name == tensors[name]), ())
                for (first, mine), (second, other) in combinations(zip(names, sizes, strict=False), 2):
                    if mine == other and not mine.is_constant and first != second and "_" not in {first, second}:
                        return f"{first} and {second} of {name} would have to be equal"
    return ""


def asked_first(each: Iterable[dict[str, int]], functions: Iterable[ast.FunctionDef]) -> list[dict[str, int]]:
    """Numbers of axes, first those that the text asks for: ``if x.ndim == 2: ... elif x.ndim == 1: ...``."""
    asked = {number for node in functions for one in ast.walk(node) for number in _asked(one)}
    return sorted(each, key=lambda ranks: bool(asked) and not asked & {*list(ranks.values())[:1]})


def _asked(node: ast.AST) -> Iterator[int]:
    """Of ``if`` and ``elif`` without an ``else``, where each asks for one."""
    match node:
        case ast.If(first, _, [ast.If(second, _, [])]):
            numbers = [_number(first), _number(second)]
            yield from (one for one in numbers if one is not None and None not in numbers)


def _number(test: ast.expr) -> int | None:
    match test:
        case ast.Compare(ast.Attribute(ast.Name(), "ndim"), [ast.Eq()], [ast.Constant(int() as number)]):
            return number
    return None
