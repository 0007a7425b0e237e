"""Edits of factors, signs and sums of one line of code, each with the mistake it undoes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from copy import deepcopy

from symconv.code.explain.edits_axes import axes_of
from symconv.code.explain.edits_calls import parsed
from symconv.notation.operator import Operator

__all__ = ["factors", "signs"]


def factors(
    op: Operator, function: ast.FunctionDef, names: Mapping[str, str]
) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    """What a factor, a sign or a sum that is another one makes of each line, and what was wrong."""
    cotangent = names.get(f"g{op.output.name}")
    for node in ast.walk(function):
        match node:
            case ast.BinOp(left, ast.Div() | ast.Mult(), right) if not isinstance(right, ast.List | ast.Tuple):
                yield node, deepcopy(left), "a factor that does not belong there"
                yield node, deepcopy(right), "a factor that does not belong there"
            case ast.AugAssign(_, ast.Div() | ast.Mult(), _):
                yield node, ast.Pass(), "a factor that does not belong there"
            case ast.UnaryOp(ast.USub(), inner):
                yield node, deepcopy(inner), "the sign"
            case ast.Call(ast.Attribute(owner, "mean"), arguments, keywords):
                new = ast.Call(
                    ast.Attribute(deepcopy(owner), "sum", ast.Load()), deepcopy(arguments), deepcopy(keywords)
                )
                yield node, new, "the mean where the sum is right"
            case ast.Call(ast.Attribute(_, "sum"), _, keywords):
                yield from axes_of(node)
            case ast.Return(ast.expr() as value) if not op.output.axes:
                yield from _means(node, value, cotangent, _count(function))
        match node:
            case ast.Return(ast.Tuple(items)):
                for k, item in enumerate(items):
                    if cotangent is not None and isinstance(item, ast.Name):
                        new_items = [*map(deepcopy, items)]
                        new_items[k] = parsed(f"-{item.id}")
                        yield node, ast.Return(ast.Tuple(new_items, ast.Load())), "the sign"


def _count(function: ast.FunctionDef) -> str:
    """The number of elements, as the library of a function calls it."""
    words = {one.id for one in ast.walk(function) if isinstance(one, ast.Name)}
    return "numel()" if words & {"ctx", "torch", "F"} else "size"


def _means(
    node: ast.Return, value: ast.expr, cotangent: str | None, count: str
) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    """Each gradient of a loss over the number of samples, or of elements."""
    items = value.elts if isinstance(value, ast.Tuple) else [value]
    for k, item in enumerate(items):
        arrays = dict.fromkeys(one.id for one in ast.walk(item) if isinstance(one, ast.Name) and one.id != cotangent)
        for number in (f"{name}.{what}" for what in ("shape[0]", count) for name in arrays):
            over = ast.BinOp(deepcopy(item), ast.Div(), parsed(number))
            row: list[ast.expr] = [over if other == k else deepcopy(one) for other, one in enumerate(items)]
            whole = ast.Tuple(row, ast.Load()) if isinstance(value, ast.Tuple) else over
            yield node, ast.Return(whole), "the sum where the mean is right"


def signs(function: ast.FunctionDef) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    """Sums as differences and the reverse, and differences the other way round."""
    # With range(1 - k) a loop does nothing, which is right of whatever it does not compute.
    bounds = {id(part) for one in ast.walk(function) if isinstance(one, ast.For) for part in ast.walk(one.iter)}
    for node in ast.walk(function):
        match node:
            case ast.BinOp(left, ast.Sub(), right):
                if id(node) not in bounds:
                    yield node, ast.BinOp(deepcopy(right), ast.Sub(), deepcopy(left)), "the sign"
                yield node, ast.BinOp(deepcopy(left), ast.Add(), deepcopy(right)), "the sign"
            case ast.BinOp(left, ast.Add(), right):
                yield node, ast.BinOp(deepcopy(left), ast.Sub(), deepcopy(right)), "the sign"
