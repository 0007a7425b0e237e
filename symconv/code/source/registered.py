"""Operators with a rule for their gradients, ``torch.library.register_autograd``: as classes with both methods."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from copy import deepcopy

__all__ = ["as_classes"]


def as_classes(tree: ast.Module) -> ast.Module:
    """The text with a class for each function that is given a rule, in place of the function."""
    known = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    rules = dict(_rules(tree, known))
    tree.body = [rules.get(node.name, node) if isinstance(node, ast.FunctionDef) else node for node in tree.body]
    return tree


def _rules(tree: ast.Module, known: Mapping[str, ast.FunctionDef]) -> Iterator[tuple[str, ast.ClassDef]]:
    """The functions that are given a rule, by name or as they are registered, ``"library::name"``."""
    registered = {word: name for name, node in known.items() for word in _registered(node)}
    for node in tree.body:
        match node:
            case ast.Expr(ast.Call(ast.Attribute(ast.Name(name), "register_autograd"), [ast.Name(backward)], options)):
                pass
            case ast.Expr(
                ast.Call(
                    ast.Attribute(_, "register_autograd"), [ast.Constant(str() as word), ast.Name(backward)], options
                )
            ):
                name = registered.get(word, "")
            case _:
                continue
        if name in known and backward in known:
            context = [one.value for one in options if one.arg == "setup_context"]
            setup = [known[one.id] for one in context if isinstance(one, ast.Name) and one.id in known]
            if len(setup) == len(context):
                yield name, _class(known[name], known[backward], setup)


def _registered(node: ast.FunctionDef) -> Iterator[str]:
    for one in node.decorator_list:
        match one:
            case ast.Call(ast.Attribute(_, "custom_op" | "triton_op"), [ast.Constant(str() as word), *_]):
                yield word


def _class(forward: ast.FunctionDef, backward: ast.FunctionDef, setup: list[ast.FunctionDef]) -> ast.ClassDef:
    methods: list[ast.stmt] = []
    for name, one in (("forward", forward), ("backward", backward), *(("setup_context", one) for one in setup)):
        method = deepcopy(one)  # the function stays beside the class
        method.name, method.decorator_list = name, [ast.copy_location(ast.Name("staticmethod", ast.Load()), one)]
        methods.append(method)
    whole = ast.ClassDef(forward.name, [], [], methods, [])
    return ast.fix_missing_locations(ast.copy_location(whole, forward))
