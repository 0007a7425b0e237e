"""Parameters that are dicts of tensors, item by item: ``Wax = parameters["Wax"]``."""

from __future__ import annotations

import ast
import re
from copy import deepcopy

from symconv.code.source.program import Program
from symconv.code.source.signatures import defaults, parameters, positional
from symconv.errors import SpecError

__all__ = ["with_items", "with_same_items"]

_DICTS = frozenset({"parameters", "params", "weights"})
_TENSORS = re.compile(r"[WUV]\w*|w\d?|b[a-z]?\d?|gamma\d?|beta\d?|kernels?|weights?|bias(es)?")
"""Keys of tensors: numbers of a layer, such as strides, are held in dicts as well."""


def with_items(source: Program, node: ast.FunctionDef) -> ast.FunctionDef:
    """A function of the tensors that it takes out of its dicts of parameters, which it makes of them first.

    What it hands a dict to takes tensors out of it as well. Raises SpecError where their names are counted.
    """
    for name in _dicts(node):
        _ask_of_counted(source, node, name)
        keys = _items(source, node, name)
        if not keys:
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


def with_same_items(source: Program, forward: ast.FunctionDef, backward: ast.FunctionDef) -> ast.FunctionDef:
    """A backward function of the tensors that it takes out of dicts which the forward function is handed as well."""
    same = {*_dicts(forward)} & {*_dicts(backward)}
    known = all({*_items(source, backward, name)} <= {*_items(source, forward, name)} for name in same)
    return with_items(source, backward) if same and known else backward


def _dicts(node: ast.FunctionDef) -> list[str]:
    """The parameters that are dicts of parameters, by their names."""
    return sorted(_DICTS & {*parameters(node.args)} - defaults(node.args).keys())


def _items(source: Program, node: ast.FunctionDef, name: str) -> list[str]:
    """The tensors that are taken out of a dict; none where they are not told."""
    keys = _keys(source, node, name, frozenset()) or []
    others = {*parameters(node.args)} - {name}
    return keys if not others & {*keys} and all(map(_TENSORS.fullmatch, keys)) else []


def _keys(source: Program, node: ast.FunctionDef, name: str, seen: frozenset[str]) -> list[str] | None:
    """The keys by which values are taken out of a dict; None where one is no text, or the dict is changed."""
    parts = [*ast.walk(node)]
    uses = [one for one in parts if isinstance(one, ast.Subscript) and _is(one.value, name)]
    each = [_key(one) for one in uses]
    if None in each or _changed(parts, uses, name):
        return None
    for one in parts:
        match one:
            case ast.Call(ast.Name(called), arguments, options) if called in source.functions.keys() - seen:
                helper = source.functions[called]
                given = [*zip(positional(helper.args), arguments, strict=False), *((o.arg, o.value) for o in options)]
                for own in (to for to, value in given if to is not None and _is(value, name)):
                    further = _keys(source, helper, own, seen | {node.name, called})
                    if further is None:
                        return None
                    each += further
    return [key for key in dict.fromkeys(each) if key is not None]


def _ask_of_counted(source: Program, node: ast.FunctionDef, name: str) -> None:
    """Raise SpecError where tensors have names with a number that is computed: ``parameters["W" + str(l)]``."""
    for one in ast.walk(node):
        match one:
            case ast.Subscript(value, ast.BinOp() | ast.JoinedStr() | ast.Call() as key) if _is(value, name):
                texts = [part.value for part in ast.walk(key) if isinstance(part, ast.Constant)]
                if any(isinstance(text, str) and _TENSORS.match(text) for text in texts):
                    raise SpecError(
                        f"{source.name}: line {one.lineno}: {ast.unparse(one)} is another tensor for each layer, and "
                        f"how many layers {node.name} has is not told by the text; check the functions of one layer, "
                        f'or write out the layers, with {name}["W1"], {name}["W2"]'
                    )


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
