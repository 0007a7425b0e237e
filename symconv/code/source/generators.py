"""Loops over functions that yield: the statements of the function, with those of the loop where it yields."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from copy import deepcopy

from symconv.code.source.signatures import defaults, parameters, positional

__all__ = ["free_names", "inlined", "lazy", "stored", "yields"]


def yields(node: ast.AST) -> bool:
    """Whether a function yields."""
    return isinstance(node, ast.FunctionDef) and any(isinstance(one, ast.Yield) for one in ast.walk(node))


def inlined(loop: ast.For, function: ast.FunctionDef, call: ast.Call, owned: bool, tag: str) -> list[ast.stmt] | None:
    """The statements that a loop over ``function(...)`` stands for; None where it leaves the loop in the middle.

    Names of the function get ``tag`` behind them; ``owned`` says that it is a method, whose ``self`` is the loop's.
    """
    given = _given(function, call, owned)
    leaves = any(isinstance(one, ast.Break | ast.Return) for top in loop.body for one in ast.walk(top))
    ends = any(isinstance(one, ast.Return | ast.YieldFrom) for one in ast.walk(function))
    if given is None or leaves or ends or loop.orelse:
        return None
    mine = set(given) | stored(function)
    renaming = _Renaming({name: f"{name}{tag}" for name in mine})
    head: list[ast.stmt] = []
    for name, value in given.items():
        head.append(ast.Assign([ast.Name(f"{name}{tag}", ast.Store())], deepcopy(value)))
    body = [renaming.visit(deepcopy(one)) for one in function.body]
    jumps = any(isinstance(one, ast.Continue) for top in loop.body for one in ast.walk(top))
    if jumps and not _last(body):
        return None
    new = [*head, *_yielding(body, loop)]
    for one in new:
        ast.copy_location(one, loop)
        ast.fix_missing_locations(one)
    return new


def free_names(function: ast.FunctionDef) -> set[str]:
    """The names that a function reads and does not bind."""
    read = {one.id for top in function.body for one in ast.walk(top) if isinstance(one, ast.Name)}
    return read - set(parameters(function.args)) - stored(function)


def _given(function: ast.FunctionDef, call: ast.Call, owned: bool) -> dict[str, ast.expr] | None:
    """The value of each parameter; None where it is not told by the call, or by a default that is a number or text."""
    told = function.args
    skipped = 1 if owned else 0
    plain, every, usual = positional(told)[skipped:], parameters(told)[skipped:], defaults(told)
    named = {one.arg: one.value for one in call.keywords if one.arg}
    spread = told.vararg or told.kwarg or len(named) < len(call.keywords)
    if spread or len(call.args) > len(plain) or any(isinstance(one, ast.Starred) for one in call.args):
        return None
    given = dict(zip(plain, call.args, strict=False)) | named
    missing = [name for name in every if name not in given]
    if set(given) - set(every) or not all(isinstance(usual.get(name), ast.Constant) for name in missing):
        return None
    return given | {name: usual[name] for name in missing}


def stored(node: ast.AST) -> set[str]:
    """The names that statements bind."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}


class _Renaming(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.copy_location(ast.Name(self.names.get(node.id, node.id), node.ctx), node)


def _yielding(nodes: Sequence[ast.stmt], loop: ast.For) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for node in nodes:
        match node:
            case ast.Expr(ast.Yield(value)):
                given = value or ast.Constant(None)
                found += [ast.Assign([deepcopy(loop.target)], given), *map(deepcopy, loop.body)]
            case ast.For() | ast.While() | ast.If():
                node.body = _yielding(node.body, loop)
                node.orelse = _yielding(node.orelse, loop)
                found.append(node)
            case _:
                found.append(node)
    return found


def _last(nodes: Sequence[ast.stmt]) -> bool:
    """Whether nothing comes after each ``yield`` in the block it is in."""
    for position, node in enumerate(nodes):
        yielded = isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield)
        inner = isinstance(node, ast.For | ast.While | ast.If) and any(isinstance(n, ast.Yield) for n in ast.walk(node))
        if yielded and position < len(nodes) - 1:
            return False
        if inner and not (_last(getattr(node, "body", [])) and _last(getattr(node, "orelse", []))):
            return False
    return True


def lazy(node: ast.AST | None) -> bool:
    """Whether an expression gives values one by one, once, at the time when they are asked for."""
    match node:
        case ast.GeneratorExp():
            return True
        case ast.Call(ast.Name("map" | "filter" | "iter" | "zip" | "enumerate" | "reversed"), _, _):
            return True
        case ast.IfExp(_, body, orelse):
            return lazy(body) or lazy(orelse)
        case ast.NamedExpr(_, value) | ast.Starred(value):
            return lazy(value)
        case ast.Tuple(items) | ast.List(items) | ast.BoolOp(_, items):
            return any(lazy(one) for one in items if not isinstance(one, ast.Starred))
    return False
