"""Parameters that are dicts of tensors, item by item: ``Wax = parameters["Wax"]``."""

from __future__ import annotations

import ast
import re
from copy import deepcopy

from symconv.code.source.signatures import defaults, parameters

__all__ = ["with_items"]

_DICTS = frozenset({"parameters", "params", "weights"})
_TENSORS = re.compile(r"[WUV]\w*|w\d?|b[a-z]?\d?|gamma\d?|beta\d?|kernels?|weights?|bias(es)?")
"""Keys of tensors: numbers of a layer, such as strides, are held in dicts as well."""


def with_items(node: ast.FunctionDef) -> ast.FunctionDef:
    """A function of the tensors that it takes out of its dicts of parameters, which it makes of them first."""
    for name in _DICTS & {*parameters(node.args)} - defaults(node.args).keys():
        parts = [*ast.walk(node)]
        uses = [one for one in parts if isinstance(one, ast.Subscript) and _is(one.value, name)]
        keys = list(dict.fromkeys(key for one in uses if (key := _key(one)) is not None))
        known = {*parameters(node.args)} - {name}
        if not keys or len(keys) < len({*map(_key, uses)}) or known & {*keys} or _changed(parts, uses, name):
            continue
        if not all(map(_TENSORS.fullmatch, keys)):
            continue
        node = deepcopy(node)
        spec = node.args
        spec.args = [
            ast.copy_location(ast.arg(key), one) if one.arg == name else one
            for one in spec.args
            for key in (keys if one.arg == name else [""])
        ]
        values: list[ast.expr] = [ast.Name(key, ast.Load()) for key in keys]
        made = ast.Assign([ast.Name(name, ast.Store())], ast.Dict([ast.Constant(key) for key in keys], values))
        node.body.insert(0, ast.fix_missing_locations(ast.copy_location(made, node)))
    return node


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _key(node: ast.Subscript) -> str | None:
    match node.slice:
        case ast.Constant(str() as key):
            return key
    return None


def _changed(parts: list[ast.AST], uses: list[ast.Subscript], name: str) -> bool:
    """Whether the dict, or what its name stands for, is changed."""
    bound = any(isinstance(one, ast.Name) and one.id == name and not isinstance(one.ctx, ast.Load) for one in parts)
    return bound or any(not isinstance(one.ctx, ast.Load) for one in uses)
