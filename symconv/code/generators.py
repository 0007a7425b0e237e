"""Loops over functions that yield: the statements of the function, with those of the loop where it yields."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from copy import deepcopy

from symconv.code.growth import bound_names

__all__ = ["inlined", "yields"]


def yields(node: ast.AST) -> bool:
    """Whether a function yields."""
    return isinstance(node, ast.FunctionDef) and any(isinstance(one, ast.Yield) for one in ast.walk(node))


def inlined(loop: ast.For, function: ast.FunctionDef, call: ast.Call, owned: bool, tag: str) -> list[ast.stmt] | None:
    """The statements that a loop over ``function(...)`` stands for; None where it leaves the loop in the middle.

    Names of the function get ``tag`` behind them; ``owned`` says that it is a method, whose ``self`` is the loop's.
    """
    plain = [one.arg for one in (*function.args.posonlyargs, *function.args.args)][1 if owned else 0 :]
    defaults = dict(zip(reversed(plain), reversed(function.args.defaults), strict=False))
    given = dict(zip(plain, call.args, strict=False)) | {one.arg: one.value for one in call.keywords if one.arg}
    leaves = any(isinstance(one, ast.Break | ast.Return) for top in loop.body for one in ast.walk(top))
    if leaves or loop.orelse or set(given) - set(plain) or set(plain) - set(given) - set(defaults):
        return None
    mine = set(plain) | {name for one in ast.walk(function) for name in _bound(one)}
    renaming = _Renaming({name: f"{name}{tag}" for name in mine})
    head: list[ast.stmt] = []
    for name in plain:
        value = given.get(name) or defaults[name]
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


def _bound(node: ast.AST) -> set[str]:
    match node:
        case ast.Assign(targets, _):
            return {name for target in targets for name in bound_names(target)}
        case ast.AugAssign(ast.Name(name), _, _):
            return {name}
        case ast.For(target, _, _, _):
            return bound_names(target)
    return set()


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
        if inner and not _last(getattr(node, "body", [])):
            return False
    return True
