"""Dicts of a function that are filled by constant keys, as variables: ``grads["W"] = dW`` sets ``dW``."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy

from symconv.code.source.aliases import names_in
from symconv.code.source.trouble import CodeError

__all__ = ["Apart", "as_written_out", "begins", "item_keys", "with_items_apart"]


def begins(node: ast.AST, name: str) -> dict[str, ast.expr] | None:
    """The items of ``name = {...}`` or ``name = dict()``, where all keys are texts."""
    match node:
        case ast.Assign([ast.Name(same)], ast.Dict(keys, values)) if same == name:
            words = [one.value for one in keys if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            return dict(zip(words, values, strict=True)) if len({*words}) == len(keys) else None
        case ast.Assign([ast.Name(same)], ast.Call(ast.Name("dict" | "OrderedDict"), [], keywords)) if same == name:
            return {one.arg: one.value for one in keywords if one.arg} if all(one.arg for one in keywords) else None
    return None


def _key(node: ast.AST, name: str) -> str | None:
    match node:
        case ast.Subscript(ast.Name(same), ast.Constant(str() as key), ast.Load() | ast.Store()) if same == name:
            return key
    return None


def item_keys(node: ast.FunctionDef, name: str) -> list[str] | None:
    """The keys of a dict that is begun once; None where it is used otherwise than by keys, and in one other place."""
    nodes = [*ast.walk(node)]
    keys = [key for one in nodes if (key := _key(one, name)) is not None]
    begun = [items for one in nodes if (items := begins(one, name)) is not None]
    uses = sum(isinstance(one, ast.Name) and one.id == name for one in nodes)
    if len(begun) != 1 or uses != len(keys) + len(begun) + 1:
        return None
    return list(dict.fromkeys([*begun[0], *keys]))


def as_written_out(node: ast.FunctionDef, name: str) -> ast.Dict | None:
    """A dict of the keys that a variable may have, if it is begun as one; None if not, or where a key is no text.

    Raises CodeError where items are put there otherwise, which would be left out.
    """
    nodes = [*ast.walk(node)]
    begun = [items for one in nodes if (items := begins(one, name)) is not None]
    for one in nodes if begun else ():
        match one:
            case ast.Attribute(ast.Name(same), "update" | "setdefault") | ast.AugAssign(ast.Name(same)) if same == name:
                raise CodeError(f"gradients are put into {name} one by one, as {name}['W'] = dW does", one.lineno)
    stored = [one for one in nodes if isinstance(one, ast.Subscript) and isinstance(one.value, ast.Name)
              and one.value.id == name and isinstance(one.ctx, ast.Store)]  # fmt: skip
    keys = [_key(one, name) for one in stored]
    if not begun or None in keys:
        return None
    every = dict.fromkeys([*(key for items in begun for key in items), *keys])
    return ast.Dict([ast.Constant(key) for key in every], [ast.Name(name, ast.Load()) for _ in every])


class Apart(ast.NodeTransformer):
    """The items of a dict as variables, whose ``names`` are told by the keys."""

    def __init__(self, name: str, names: Mapping[str, str]) -> None:
        self.name = name
        self.names = names

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        key = _key(node, self.name)
        return node if key is None else ast.copy_location(ast.Name(self.names[key], node.ctx), node)

    def visit_Assign(self, node: ast.Assign) -> ast.stmt | list[ast.stmt]:
        items = begins(node, self.name)
        self.generic_visit(node)
        if items is None:
            return node
        return [
            ast.copy_location(ast.Assign([ast.Name(self.names[key], ast.Store())], value), value)
            for key, value in items.items()
        ] or ast.copy_location(ast.Pass(), node)


def with_items_apart(node: ast.FunctionDef) -> ast.FunctionDef:
    """A function whose dict of results is written out where it is returned: ``return {"W": dW, "b": db}``.

    Dicts are left alone that are used otherwise than by constant keys, or of which an item may not be set.
    """
    match node.body[-1] if node.body else None:
        case ast.Return(ast.Name(name)):
            keys = item_keys(node, name)
        case _:
            return node
    inner = any(isinstance(one, ast.FunctionDef | ast.Lambda) and name in names_in(one) for top in node.body
                for one in ast.walk(top))  # fmt: skip
    if not keys or inner or not {*keys} <= {*_surely_set(node, name)}:
        return node
    taken = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} | {one.arg for one in node.args.args}
    names = _variables(keys, taken)
    new = deepcopy(node)
    last = new.body[-1]
    Apart(name, names).visit(new)
    each: list[ast.expr] = [ast.Name(names[key], ast.Load()) for key in keys]
    assert isinstance(last, ast.Return)
    last.value = ast.copy_location(ast.Dict([ast.Constant(key) for key in keys], each), last)
    return ast.fix_missing_locations(new)


def _surely_set(node: ast.FunctionDef, name: str) -> Iterator[str]:
    """The keys that are given a value whatever the conditions and lengths are."""
    for one in node.body:
        yield from begins(one, name) or {}
        for target in one.targets if isinstance(one, ast.Assign) else []:
            for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
                if (key := _key(part, name)) is not None:
                    yield key


def _variables(keys: Collection[str], taken: Collection[str]) -> dict[str, str]:
    """A variable for each key, called as a gradient is, which no other thing of the function has the name of."""
    found: dict[str, str] = {}
    for key in keys:
        plain = "".join(one if one.isidentifier() or one.isdigit() else "_" for one in key)
        plain = plain if plain.startswith(("d", "grad")) else f"d{plain}"
        while plain in taken or plain in found.values():
            plain += "_hand"
        found[key] = plain
    return found
