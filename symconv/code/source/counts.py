"""Parameters that are numbers by what a function does with them: factors of a shape, shifts, groups, probabilities."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from symconv.code.source.keyed import own_attribute
from symconv.code.source.signatures import defaults, parameters

__all__ = ["axes_in", "counts_in", "factors_in", "only_stored", "shares_in", "small_in"]

_METHODS = frozenset({"view", "reshape", "chunk", "repeat_interleave", "unfold", "roll", "split"})
"""Methods of arrays all of whose arguments are whole numbers."""
_FUNCTIONS = {
    **dict.fromkeys(("avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool2d", "max_pool3d"), 4),
    **dict.fromkeys(("chunk", "repeat_interleave", "roll", "split"), 3),
    **dict.fromkeys(("group_norm", "pad", "pixel_shuffle", "pixel_unshuffle", "reshape"), 2), "unfold": 5,
}  # fmt: skip
"""Functions whose arguments behind the array are whole numbers, up to this many."""
_KEYS = frozenset({"kernel_size", "num_groups", "chunks", "upscale_factor", "downscale_factor", "shifts", "repeats"})
_OF_LENGTHS = _METHODS | {"range", "arange", "zeros", "ones", "empty", "full", "repeat", "tile", "pad", "int"}
"""Functions and methods that take lengths and numbers of places."""
_LIBRARIES = frozenset({"torch", "F", "functional", "np", "numpy", "tf", "jnp"})


def counts_in(node: ast.FunctionDef) -> frozenset[str]:
    """The parameters behind the input, without a default, that the text takes for whole numbers."""
    plain = [name for name in parameters(node.args) if name not in {"ctx", "self"}]
    found = {name for one in ast.walk(node) for part in _counted(one) for name in _plain(part)}
    return frozenset(found & ({*plain[1:]} - defaults(node.args).keys()))


def axes_in(node: ast.FunctionDef) -> frozenset[str]:
    """The parameters of ``forward(ctx, ...)`` without a default that say an axis: ``x.sum(dim=dim)``."""
    plain = parameters(node.args)
    if plain[:1] != ["ctx"]:
        return frozenset()
    found = set[str]()
    for one in ast.walk(node):
        match one:
            case ast.keyword("dim" | "axis", ast.Name(name)):
                found.add(name)
            case ast.Call(ast.Attribute(), arguments):
                found |= {part.id for part in arguments if isinstance(part, ast.Name) and part.id in {"dim", "axis"}}
    return frozenset(found & ({*plain[2:]} - defaults(node.args).keys()))


def only_stored(node: ast.FunctionDef) -> frozenset[str]:
    """The parameters of ``forward(ctx, ...)`` that are put under ``ctx.name`` and not read: numbers of backward.

    Those behind ``*`` are numbers too: autograd knows none, and JAX's without a gradient are put there.
    """
    if parameters(node.args)[:1] != ["ctx"]:
        return frozenset()
    loaded = [one for one in ast.walk(node) if isinstance(getattr(one, "ctx", None), ast.Load)]
    read = [one.id for one in loaded if isinstance(one, ast.Name)]
    held = {one.attr for one in loaded if isinstance(one, ast.Attribute)}
    stored = list[str]()
    for one in ast.walk(node):
        match one:
            case ast.Assign([ast.Attribute(ast.Name("ctx"), attribute)], ast.Name(name)) if attribute not in held:
                stored.append(name)
    found = {name for name in parameters(node.args)[1:] if 0 < stored.count(name) == read.count(name)}
    return frozenset(found | {one.arg for one in node.args.kwonlyargs})


def small_in(node: ast.FunctionDef) -> frozenset[str]:
    """The parameters of ``forward(ctx, ...)`` without a default that are called ``eps``: numbers in all code."""
    plain = parameters(node.args)
    if plain[:1] != ["ctx"]:
        return frozenset()
    return frozenset({"eps", "epsilon"} & ({*plain[2:]} - defaults(node.args).keys()))


def shares_in(*nodes: ast.stmt) -> frozenset[str]:
    """The parameters and attributes that are compared with numbers that are drawn, or taken from 1: probabilities."""
    found = set[str]()
    for one in (part for node in nodes for part in ast.walk(node)):
        match one:
            case ast.BinOp(ast.Constant(1), ast.Sub(), ast.Name(name) | ast.Attribute(ast.Name(), name)):
                found.add(name)
            case ast.Compare(left, [_], [ast.Name(name) | ast.Attribute(ast.Name(), name)]) if _drawn(left):
                found.add(name)
            case ast.Compare(ast.Name(name) | ast.Attribute(ast.Name(), name), [_], [right]) if _drawn(right):
                found.add(name)
    return frozenset(found)


def factors_in(node: ast.FunctionDef) -> frozenset[str]:
    """The attributes of ``self`` that are read in arithmetic and comparisons alone, as numbers are."""
    found, otherwise = set[str](), set[str]()
    for one in ast.walk(node):
        parts = (name for part in ast.iter_child_nodes(one) if (name := own_attribute(part)))
        match one:
            case ast.Subscript(_, index):
                otherwise |= {*filter(None, map(own_attribute, ast.walk(index)))}
            case ast.Call(ast.Attribute(_, word) | ast.Name(word)) if word in _OF_LENGTHS:
                otherwise |= {*filter(None, map(own_attribute, ast.walk(one)))}
            case (
                ast.BinOp(_, ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow()) | ast.UnaryOp() | ast.Compare()
            ):
                found |= {*parts}
            case _:
                otherwise |= {*parts}
    return frozenset(found - otherwise)


def _drawn(node: ast.expr) -> bool:
    """Whether it is drawn at random, or the parameter that stands for what was."""
    words = (getattr(one, "attr", getattr(one, "id", "")) for one in ast.walk(node))
    return any("rand" in word or word.startswith("drawn") for word in words)


def _counted(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions in a part of the text that are whole numbers where it has a meaning."""
    match node:
        case ast.BinOp(_, ast.FloorDiv() | ast.Mod(), right):
            yield right
        case ast.BinOp(ast.Constant(), ast.Pow(), right):
            yield right
        case ast.Slice(low, high, step):
            yield from (one for one in (low, high, step) if one is not None)
        case ast.Call(ast.Name("range"), arguments):
            yield from arguments
        case ast.keyword("groups", value):
            yield value
        case ast.Call(ast.Attribute(owner, name), arguments, options):
            if getattr(owner, "id", getattr(owner, "attr", "")) in _LIBRARIES:
                yield from arguments[1 : _FUNCTIONS.get(name, 0)]
            elif name in _METHODS:
                yield from arguments
            yield from (one.value for one in options if one.arg in _KEYS)


def _plain(node: ast.expr) -> Iterator[str]:
    """The names in arithmetic and tuples, without those whose attributes or elements are taken."""
    match node:
        case ast.Name(name) | ast.Attribute(ast.Name("ctx"), name):
            yield name
        case ast.BinOp(left, _, right):
            yield from (*_plain(left), *_plain(right))
        case ast.UnaryOp(_, operand):
            yield from _plain(operand)
        case ast.Tuple(items) | ast.List(items):
            yield from (name for one in items for name in _plain(one))
