"""Gradients that are left on the arrays themselves, ``x.g = out.g @ w.T``: as values that a function hands back.

A cotangent is the one that lies on an array which is given none; without one the gradients are those of a loss. Names
keep the dot, ``x.g``, so that a line is shown as it was written.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
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

    def told(one: ast.expr) -> str | None:
        return one.id if isinstance(one, ast.Name) and one.id in taken else None

    left = _left(node, told)
    if left is None:
        return node
    stored, read = left
    new = _Leaving(told).visit(deepcopy(node))
    results: list[ast.expr] = [ast.Name(stored[one], ast.Load()) for one in taken if one in stored]
    new.body.append(ast.Return(ast.Tuple(results, ast.Load()) if len(results) > 1 else results[0]))
    new.args.args[:0] = [ast.arg(name) for name in read.values()]
    for one in ast.walk(new.body[-1]):
        if isinstance(one, ast.stmt | ast.expr):
            one.lineno = 0  # nobody wrote it: no edit of it is looked for
    found: ast.FunctionDef = ast.fix_missing_locations(new)
    return found


def _method(node: ast.FunctionDef) -> ast.FunctionDef:
    """``def backward(self): self.x.g = ...`` that takes the cotangent and leaves an attribute of that name, ``x.g``."""
    taken = parameters(node.args)
    left = _left(node, own_attribute) if taken[:1] == ["self"] and len(taken) < 3 else None
    if left is None or (left[1] and len(taken) == 2):
        return node
    stored, read = left
    new = _Leaving(own_attribute, stored).visit(deepcopy(node))
    if len(taken) == 1:
        new.args.args.append(ast.arg(next(iter(read.values()), "dout")))
        new.args.defaults += [] if read else [ast.Constant(1)]
    found: ast.FunctionDef = ast.fix_missing_locations(new)
    return found


def _left(node: ast.FunctionDef, told: _Told) -> tuple[Mapping[str, str], Mapping[str, str]] | None:
    """The arrays that a function leaves gradients on, and the one at most on which it finds one; None for others.

    Each with what its gradient is called.
    """
    parts = own_statements(node)
    found: dict[bool, dict[str, str]] = {True: {}, False: {}}
    for one in parts:
        if isinstance(one, ast.Attribute) and one.attr in _LEFT and (name := told(one.value)):
            found[isinstance(one.ctx, ast.Store)][name] = ast.unparse(one)
    stored = found[True]
    read = {name: said for name, said in found[False].items() if name not in stored}
    returned = any(isinstance(one, ast.Return) and one.value is not None for one in parts)
    return None if not stored or len(read) > 1 or returned else (stored, read)


class _Leaving(ast.NodeTransformer):
    """Gradients on arrays as names; those of ``attributes`` of a layer as attributes of its own."""

    def __init__(self, told: _Told, attributes: Collection[str] = ()) -> None:
        self.told, self.attributes = told, attributes

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        name = self.told(node.value) if node.attr in _LEFT else None
        if name is None:
            return self.generic_visit(node)
        if name in self.attributes:
            return ast.copy_location(ast.Attribute(ast.Name("self", ast.Load()), f"{name}.{node.attr}", node.ctx), node)
        return ast.copy_location(ast.Name(ast.unparse(node), node.ctx), node)
