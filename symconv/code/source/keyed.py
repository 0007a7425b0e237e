"""What a class keeps in dicts, as attributes: ``self.params["W"]`` is ``self.W``, and so are gradients and caches."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

__all__ = ["LOSSES", "SLOPES", "as_attributes", "lineage", "own_attribute", "reached"]

_PARAMETERS = frozenset({"params", "parameters", "param", "weights", "_params"})
_GRADIENTS = frozenset({"grads", "gradients", "grad", "gradient", "_grads"})
_CACHES = frozenset({"cache", "_cache", "caches", "saved", "memory"})
LOSSES = ("loss", "compute_loss", "calc_loss", "cost", "compute_cost", "loss_function")
SLOPES = ("gradient", "gradients", "compute_gradient", "compute_gradients", "get_gradients", "calc_gradient")
"""What methods of a loss and of its gradients are called."""
_STARTS = ("forward", "call", "__call__", "backward", "backprop", "bprop", "grad", *LOSSES, *SLOPES)


def own_attribute(node: ast.AST) -> str | None:
    """``name`` of ``self.name``, None for all else."""
    match node:
        case ast.Attribute(ast.Name("self"), name):
            return name
    return None


def lineage(node: ast.ClassDef, known: Mapping[str, ast.ClassDef]) -> list[ast.ClassDef]:
    """A class and those in the text that it is derived from, nearest first."""
    found = [node]
    for one in found:
        found += [known[base.id] for base in one.bases
                  if isinstance(base, ast.Name) and base.id in known and known[base.id] not in found]  # fmt: skip
    return found


def reached(*line: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    """The methods of a class that forward and backward are, and those they name; behind it what it is derived from."""
    every = [one for node in reversed(line) for one in node.body if isinstance(one, ast.FunctionDef)]
    methods = {one.name: one for one in every}
    found: dict[str, ast.FunctionDef] = {}
    waiting = [name for name in _STARTS if name in methods]
    while waiting:
        name = waiting.pop()
        if name in methods and name not in found:
            found[name] = methods[name]
            waiting += filter(None, map(own_attribute, ast.walk(methods[name])))
    return found


def as_attributes(node: ast.ClassDef) -> None:
    """Rewrites the methods that are read, where a dict is used by constant keys alone.

    Left alone is a dict of which an attribute would have the name of another one of the class.
    """
    methods = [*reached(node).values(), *_starts(node)]
    taken = {name for one in ast.walk(node) if (name := own_attribute(one))}
    keys = {name: _keys(methods, name) for name in (_PARAMETERS | _GRADIENTS) & taken}
    caches = {name: _keys(methods, name) for name in _CACHES & taken}
    if sum(name in _PARAMETERS for name in keys) > 1 or sum(name in _GRADIENTS for name in keys) > 1:
        return
    known = taken | {key for name, held in keys.items() if name in _PARAMETERS for key in held or ()}
    renamed: dict[str, dict[str, str]] = {}
    for name, held in keys.items():
        new = {key: f"d{key}" if name in _GRADIENTS and key in known else key for key in held or ()}
        if held and all(map(str.isidentifier, new.values())) and not taken & {*new.values()}:
            renamed[name] = new
    for name, held in caches.items():
        new = {key: f"{name}_{key}" for key in held or ()}
        if held and all(map(str.isidentifier, new.values())) and not taken & {*new.values()}:
            renamed[name] = new
    if len({one for new in renamed.values() for one in new.values()}) == sum(map(len, renamed.values())):
        for method in methods:
            _Keyed(renamed).visit(method)


def _starts(node: ast.ClassDef) -> list[ast.FunctionDef]:
    """``__init__``, where it uses its dicts by constant keys alone."""
    found = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
    dicts = {name for one in found for part in ast.walk(one) if (name := own_attribute(part))}
    held = dicts & (_PARAMETERS | _GRADIENTS)
    return [one for one in found if held and all(_keys(found, name) for name in held)]


def _keys(methods: list[ast.FunctionDef], name: str) -> set[str] | None:
    """The keys by which a dict is used, None where it is used otherwise."""
    nodes = [one for method in methods for one in ast.walk(method)]
    uses = sum(own_attribute(one) == name for one in nodes)
    keys = [key for one in nodes for key in _constant_keys(one, name)]
    plain = sum(_subscript(one, name) is not None or _literal(one, name) is not None for one in nodes)
    return set(keys) if plain == uses else None


def _constant_keys(node: ast.AST, name: str) -> Iterator[str]:
    if (key := _subscript(node, name)) is not None:
        yield key
    yield from _literal(node, name) or {}


def _subscript(node: ast.AST, name: str) -> str | None:
    match node:
        case ast.Subscript(owner, ast.Constant(str() as key), ast.Load() | ast.Store()) if own_attribute(owner) == name:
            return key
    return None


def _literal(node: ast.AST, name: str) -> dict[str, ast.expr] | None:
    """The items of ``self.name = {...}`` with constant keys."""
    match node:
        case ast.Assign([target], ast.Dict(keys, values)) if own_attribute(target) == name:
            words = [one.value for one in keys if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if len(set(words)) == len(keys):
                return dict(zip(words, values, strict=True))
    return None


class _Keyed(ast.NodeTransformer):
    def __init__(self, renamed: Mapping[str, Mapping[str, str]]) -> None:
        self.renamed = renamed

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        for name, keys in self.renamed.items():
            if (key := _subscript(node, name)) is not None:
                return ast.copy_location(ast.Attribute(_self(node), keys[key], node.ctx), node)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        for name, keys in self.renamed.items():
            items = _literal(node, name)
            if items is not None:
                return [_assigned(node, keys[key], value) for key, value in items.items()] or ast.copy_location(
                    ast.Pass(), node
                )
        return node


def _assigned(node: ast.Assign, name: str, value: ast.expr) -> ast.stmt:
    target = ast.Attribute(_self(node), name, ast.Store())
    return ast.fix_missing_locations(ast.copy_location(ast.Assign([target], value), node))


def _self(node: ast.AST) -> ast.Name:
    return ast.copy_location(ast.Name("self", ast.Load()), node)
