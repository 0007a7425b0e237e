"""Gradients that are left on the arrays themselves, ``x.g = out.g @ w.T``: as values that a function hands back.

A cotangent is the one that lies on an array which is given none; without one the gradients are those of a loss.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection
from copy import deepcopy

from symconv.code.source.keyed import own_attribute
from symconv.code.source.signatures import parameters
from symconv.code.source.unreturned import own_statements

__all__ = ["as_results"]

_LEFT = frozenset({"g", "grad"})
_BACKWARD = frozenset({"backward", "bwd", "bprop", "backprop"})

_Told = Callable[[ast.expr], str | None]
"""The name of an array that gradients may be left on."""


def as_results(tree: ast.Module) -> ast.Module:
    """The text with such functions, and methods called backward, as those that are handed a cotangent."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            node.body = [_method(one) if isinstance(one, ast.FunctionDef) and one.name in _BACKWARD else one
                         for one in node.body]  # fmt: skip
    tree.body = [_function(one) if isinstance(one, ast.FunctionDef) else one for one in tree.body]
    return tree


def _function(node: ast.FunctionDef) -> ast.FunctionDef:
    """``def lin_grad(x, out, w): x.g = ...`` that takes the cotangent first and returns the gradients in order."""
    taken = parameters(node.args)
    left = _left(node, lambda one: one.id if isinstance(one, ast.Name) and one.id in taken else None)
    if left is None:
        return node
    stored, read, told = left
    used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} | {*taken}
    names = {one: _fresh(f"d{one}", used) for one in taken}
    new = _Leaving(told, lambda name, _: names[name]).visit(deepcopy(node))
    results: list[ast.expr] = [ast.Name(names[one], ast.Load()) for one in taken if one in stored]
    value = ast.Tuple(results, ast.Load()) if len(results) > 1 else results[0]
    new.body.append(ast.copy_location(ast.Return(value), node.body[-1]))
    new.args.args[:0] = [ast.copy_location(ast.arg(names[one]), node) for one in read]
    found: ast.FunctionDef = ast.fix_missing_locations(new)
    return found


def _method(node: ast.FunctionDef) -> ast.FunctionDef:
    """``def backward(self): self.x.g = ...`` that takes the cotangent and leaves ``self.dx``."""
    taken = parameters(node.args)
    left = _left(node, own_attribute) if taken[:1] == ["self"] and len(taken) < 3 else None
    if left is None or (left[1] and len(taken) == 2):
        return node
    stored, read, told = left
    cotangent = _fresh("dout", {one.id for one in ast.walk(node) if isinstance(one, ast.Name)})
    new = _Leaving(told, lambda name, _: f"self.d{name}" if name in stored else cotangent).visit(deepcopy(node))
    if len(taken) == 1:
        new.args.args.append(ast.copy_location(ast.arg(cotangent), node))
        new.args.defaults += [] if read else [ast.Constant(1)]
    found: ast.FunctionDef = ast.fix_missing_locations(new)
    return found


def _left(node: ast.FunctionDef, told: _Told) -> tuple[Collection[str], Collection[str], _Told] | None:
    """The arrays that a function leaves gradients on, and the one at most on which it finds one; None for others."""
    parts = own_statements(node)
    found: dict[bool, dict[str, None]] = {True: {}, False: {}}
    for one in parts:
        if isinstance(one, ast.Attribute) and one.attr in _LEFT and (name := told(one.value)):
            found[isinstance(one.ctx, ast.Store)][name] = None
    stored = found[True]
    read = [name for name in found[False] if name not in stored]
    returned = any(isinstance(one, ast.Return) and one.value is not None for one in parts)
    return None if not stored or len(read) > 1 or returned else (stored, read, told)


class _Leaving(ast.NodeTransformer):
    """Gradients on arrays under names of their own."""

    def __init__(self, told: _Told, called: Callable[[str, ast.Attribute], str]) -> None:
        self.told, self.called = told, called

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        name = self.told(node.value) if node.attr in _LEFT else None
        if name is None:
            return self.generic_visit(node)
        owner, dot, last = self.called(name, node).partition(".")
        new = ast.Attribute(ast.Name(owner, ast.Load()), last, node.ctx) if dot else ast.Name(owner, node.ctx)
        return ast.copy_location(new, node)


def _fresh(name: str, used: Collection[str]) -> str:
    while name in used:
        name = f"{name}_"
    return name
