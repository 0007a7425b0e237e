"""What an expression of the code may stand for or change, told by its text; what is not known may do both."""

from __future__ import annotations

import ast
from collections.abc import Iterator

__all__ = ["aliases", "may_change", "names_in"]

_NUMBERS = frozenset({"shape", "ndim", "size", "dtype", "device", "strides", "itemsize", "requires_grad"})
_LIBRARIES = frozenset({"np", "numpy", "torch", "F", "nn", "tf", "jnp", "jax", "lax", "scipy", "signal", "math"})
_SHARING = frozenset({
    "reshape", "view", "view_as", "reshape_as", "transpose", "permute", "swapaxes", "moveaxis", "movedim", "rollaxis",
    "flip", "fliplr", "flipud", "rot90", "ravel", "squeeze", "unsqueeze", "expand_dims", "split", "array_split",
    "hsplit", "vsplit", "chunk", "unbind", "asarray", "ascontiguousarray", "asfortranarray", "contiguous", "detach",
    "broadcast_to", "broadcast_arrays", "expand", "expand_as", "t", "narrow", "select", "diagonal", "as_strided",
    "sliding_window_view", "unfold", "to", "type", "float", "double", "numpy", "from_numpy", "as_tensor", "flatten",
    "atleast_1d", "atleast_2d", "data", "astype", "real", "tile", "nditer", "get", "pop", "items", "values",
    "setdefault",
})  # fmt: skip
"""Functions of libraries, and methods, that may give the elements of their arguments under another name."""
_FRESH = frozenset({
    "len", "range", "int", "float", "bool", "str", "abs", "divmod", "round", "isinstance", "slice", "print", "type",
    "any", "all",
})  # fmt: skip
_HARMLESS = _FRESH | {
    "zip",
    "enumerate",
    "reversed",
    "sorted",
    "map",
    "filter",
    "min",
    "max",
    "sum",
    "tuple",
    "list",
    "dict",
    "set",
    "getattr",
}
_CHANGING = frozenset({
    "append", "extend", "insert", "pop", "update", "setdefault", "remove", "sort", "reverse", "clear", "popitem",
    "fill", "put", "at", "resize", "copyto", "fill_diagonal", "place", "putmask", "itemset", "save_for_backward",
})  # fmt: skip


def names_in(node: ast.AST) -> set[str]:
    """The names in an expression or a statement."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def aliases(node: ast.expr) -> set[str]:
    """The names whose elements a value may share."""
    return {name for name in _shared(node) if name not in _LIBRARIES}


def _shared(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(name):
            yield name
        case ast.Lambda():
            yield from names_in(node)
        case ast.Attribute(inner, name):
            if name not in _NUMBERS:
                yield from _shared(inner)
        case ast.Call(function, arguments, options):
            yield from _called(function, [*arguments, *(one.value for one in options)])
        case ast.BinOp(left, _, right):
            if any(isinstance(one, ast.List | ast.Tuple | ast.ListComp) for one in ast.walk(node)):
                yield from (*_shared(left), *_shared(right))
        case ast.Subscript(inner, _) | ast.Starred(inner):
            yield from _shared(inner)
        case ast.Compare() | ast.UnaryOp() | ast.Constant() | ast.JoinedStr():
            return
        case _:
            for one in ast.iter_child_nodes(node):
                yield from _shared(one)


def _called(function: ast.expr, arguments: list[ast.expr]) -> Iterator[str]:
    match function:
        case ast.Name(name) if name in _FRESH:
            return
        case ast.Attribute(owner, name):
            if name not in _SHARING and (_library(owner) or not _own(owner)):
                return
            yield from _shared(owner)
    for one in arguments:
        yield from _shared(one)


def _library(owner: ast.expr) -> bool:
    while isinstance(owner, ast.Attribute):
        owner = owner.value
    return isinstance(owner, ast.Name) and owner.id in _LIBRARIES


def _own(owner: ast.expr) -> bool:
    """Whether a method may be one of a class of the text, instead of an array's."""
    if not isinstance(owner, ast.Name) or owner.id in _LIBRARIES:
        return False
    return owner.id in {"self", "cls", "ctx"} or owner.id[:1].isupper()


def may_change(node: ast.AST) -> set[str]:
    """The names whose values computing ``node`` may change."""
    found: set[str] = set()
    for one in ast.walk(node):
        match one:
            case ast.NamedExpr(ast.Name(name), _):
                found.add(name)
            case ast.Call(function, arguments, options):
                if any(option.arg in {"out", "inplace"} for option in options) or _changing(function):
                    found |= names_in(function).union(*map(names_in, arguments), *(names_in(o.value) for o in options))
    return found - _LIBRARIES


def _changing(function: ast.expr) -> bool:
    match function:
        case ast.Name(name):
            return name not in _HARMLESS
        case ast.Attribute(owner, name):
            return name in _CHANGING or (name.endswith("_") and not name.startswith("_")) or _own(owner)
    return True
