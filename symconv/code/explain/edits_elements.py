"""Edits of names, powers, masks and factors in one line of code, each with the mistake it undoes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy

from symconv.code.explain.edits_calls import parsed

__all__ = ["alike_names", "elements", "missing"]

Edits = Iterator[tuple[ast.AST, ast.AST, str]]

_OTHER_WAY: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Gt: (ast.Lt, ast.LtE), ast.Lt: (ast.Gt, ast.GtE), ast.GtE: (ast.Lt, ast.LtE), ast.LtE: (ast.Gt, ast.GtE),
}  # fmt: skip


def elements(function: ast.FunctionDef) -> Edits:
    """Powers, factors that are whole numbers, masks the other way round, and names that are much alike."""
    given = [one for one in ast.walk(function) if isinstance(one, ast.Assign) and isinstance(one.value, ast.Compare)]
    masks = {target.id for one in given for target in one.targets if isinstance(target, ast.Name)}
    for node in ast.walk(function):
        match node:
            case ast.BinOp(base, ast.Pow(), ast.Constant(int(power))):
                for other in (power + 1, power - 1):
                    yield node, ast.BinOp(deepcopy(base), ast.Pow(), ast.Constant(other)), "the power"
            case ast.BinOp(ast.Constant(int(factor)), ast.Mult(), other) if factor > 1:
                for number in (factor + 1, factor - 1):
                    yield node, ast.BinOp(ast.Constant(number), ast.Mult(), deepcopy(other)), "another factor"
            case ast.Compare(left, [op], [right]) if type(op) in _OTHER_WAY:
                for turned in _OTHER_WAY[type(op)]:
                    yield node, ast.Compare(deepcopy(left), [turned()], [deepcopy(right)]), "the mask is the other one"
            case ast.UnaryOp(ast.Invert(), inner):
                yield node, deepcopy(inner), "the mask is the other one"
            case ast.Name(name, ast.Load()) if name in masks:
                yield node, ast.UnaryOp(ast.Invert(), deepcopy(node)), "the mask is the other one"
            case ast.BinOp(_, ast.Sub() | ast.Div(), (ast.Name() | ast.Attribute()) as inner):
                yield inner, ast.BinOp(deepcopy(inner), ast.Pow(), ast.Constant(2)), "a square is missing"
    yield from alike_names(function)


def alike_names(function: ast.FunctionDef) -> Iterator[tuple[ast.Name, ast.AST, str]]:
    """Names in place of others that differ in one letter: ``w2`` for ``w1``, ``b`` for ``a``."""
    known = _given(function)
    heads = {id(part) for one in ast.walk(function) if isinstance(one, ast.For) for part in ast.walk(one.iter)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in known and id(node) not in heads:
            for other in known:
                if len(other) == len(node.id) and sum(a != b for a, b in zip(other, node.id, strict=True)) == 1:
                    yield node, ast.Name(other, ast.Load()), f"{node.id} where {other} is meant"


def missing(function: ast.FunctionDef) -> Edits:
    """Signs, and factors and divisors that have a name in the function, which are missing in what a line computes."""
    known = _given(function)
    for node in ast.walk(function):
        for value in _values(node):
            if not any(isinstance(one, ast.USub) for one in ast.walk(value)):
                yield value, ast.UnaryOp(ast.USub(), deepcopy(value)), "the sign"
            yield value, ast.BinOp(ast.Constant(2), ast.Mult(), deepcopy(value)), "a factor of 2 is missing"
            for name in known:
                yield value, ast.BinOp(deepcopy(value), ast.Mult(), parsed(name)), f"the factor {name} is missing"
                yield value, ast.BinOp(deepcopy(value), ast.Div(), parsed(name)), f"it is not divided by {name}"
    for node in ast.walk(function):
        match node:
            case ast.Call(ast.Attribute(ast.BinOp() as inner, "sum")):
                for name in known:
                    yield inner, ast.BinOp(deepcopy(inner), ast.Mult(), parsed(name)), f"the factor {name} is missing"


def _values(node: ast.AST) -> list[ast.expr]:
    """What a statement computes with operators, or hands back; what other functions compute is mended there."""
    found: list[ast.expr] = []
    match node:
        case ast.Return(ast.Tuple(items)):
            found = items
        case ast.Return(ast.expr() as value) | ast.AugAssign(_, _, value) | ast.Assign([_], ast.BinOp() as value):
            found = [value]
    return [one for one in found if not _is_called(one)]


def _is_called(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name))


def _given(function: ast.FunctionDef) -> list[str]:
    """The names that the function is handed or gives to something."""
    stored = [one.id for one in ast.walk(function) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
    handed = [one.arg for one in function.args.args if one.arg not in {"self", "ctx", "cache"}]
    return list(dict.fromkeys((*handed, *stored)))
