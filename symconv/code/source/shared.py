"""Lists, dicts and arrays at the top of a text: they stay what they are where every use of them is one that reads."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping

__all__ = ["parents_of", "read_only", "shared"]

_NUMBERS = frozenset({
    "float", "int", "bool", "str", "complex", "len", "abs", "round", "sqrt", "exp", "log", "float32", "float64",
    "int32", "int64", "device", "frozenset", "namedtuple", "TypeVar",
})  # fmt: skip
"""Calls with a result that nothing can change, of numbers."""
_COUNTED = frozenset({
    "len", "sum", "min", "max", "range", "float", "int", "sorted", "list", "tuple", "set", "dict", "bool",
    "enumerate", "zip", "reversed", "print", "any", "all", "isinstance", "repr", "str",
})  # fmt: skip
"""Functions of Python that copy the numbers of a list, or read it."""
_LOOKED = frozenset({"len", "print", "float", "int", "isinstance", "repr", "str", "bool"})
"""Functions of Python that give no part of an array."""
_FRESH = frozenset({
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "matmul", "dot",
    "tensordot", "mm", "bmm", "linear", "exp", "log", "sqrt", "tanh", "sum", "mean", "prod", "zeros_like",
    "ones_like", "empty_like", "tensor", "stack", "concatenate", "cat", "pad", "outer", "kron", "convolve",
    "correlate", "convolve2d", "correlate2d", "maximum", "minimum", "add", "subtract", "multiply", "divide", "power",
    "abs", "sign", "shape", "ndim", "norm",
})  # fmt: skip
"""Functions of libraries with a new array of their first two arguments."""
_METHODS = frozenset({
    "sum", "mean", "copy", "clone", "dot", "matmul", "mm", "prod", "std", "var", "tolist", "item", "get", "items",
    "keys", "values", "index", "count", "all", "any", "argmax", "argmin",
})  # fmt: skip
"""Methods with a result of their own."""
_VIEWS = frozenset({
    "reshape", "view", "transpose", "t", "permute", "flatten", "ravel", "squeeze", "unsqueeze", "expand", "to",
    "float", "double", "type", "astype", "swapaxes", "asarray", "as_tensor", "array",
})  # fmt: skip
"""Calls that may give the same elements: what is done with the result counts."""


def shared(tree: ast.Module) -> set[str]:
    """Names at the top of what can be changed, where some use of them may change it or gives it another name."""
    made: dict[str, str] = {}
    for node in tree.body:
        match node:
            case ast.Assign([ast.Name(name)], value) | ast.AnnAssign(ast.Name(name), _, value) if value is not None:
                kind = _kind(value, made)
                made[name] = "array" if kind and made.get(name, kind) != kind else kind
    made = {name: kind for name, kind in made.items() if kind}
    if not made:
        return set()
    parents = parents_of(tree)
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Load)
        and node.id in made
        and not read_only(node, parents, made[node.id] == "flat")
    }


def parents_of(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    """What each part of a text stands in."""
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def _kind(value: ast.expr, made: Mapping[str, str]) -> str:
    """``flat`` for a list or dict of what cannot be changed, ``array`` for others that can be; empty for the rest."""
    match value:
        case ast.List(items) | ast.Set(items):
            return "array" if any(_kind(one, made) for one in items) else "flat"
        case ast.Dict(_, items):
            return "array" if any(_kind(one, made) for one in items) else "flat"
        case ast.Tuple(items):
            return "array" if any(_kind(one, made) for one in items) else ""
        case ast.Constant() | ast.Lambda() | ast.JoinedStr() | ast.Compare():
            return ""
        case ast.Name(name):
            return "array" if made.get(name) else ""
        case ast.Attribute(owner):
            return _kind(owner, made)
        case ast.UnaryOp(_, operand):
            return _kind(operand, made)
        case ast.BinOp(left, _, right):
            kinds = {_kind(left, made), _kind(right, made)}
            return "array" if "array" in kinds else max(kinds)
        case ast.Call(ast.Name(name) | ast.Attribute(_, name), arguments, []) if name in _NUMBERS:
            return "array" if any(_kind(one, made) for one in arguments) else ""
    return "array"


def read_only(node: ast.expr, parents: Mapping[ast.AST, ast.AST], flat: bool) -> bool:
    """Whether what stands around a list, dict or array neither changes it nor gives it, or a part, another name.

    ``flat`` says that its elements are numbers or texts.
    """
    up = parents[node]
    match up:
        case ast.BinOp() | ast.Compare() | ast.Expr() | ast.Assert() | ast.FormattedValue():
            return True
        case ast.AugAssign(_, _, value):
            return value is node
        case ast.UnaryOp(op):
            return not isinstance(op, ast.UAdd)
        case ast.Subscript(owner, _, context):
            if owner is not node:
                return True
            return isinstance(context, ast.Load) and (flat or read_only(up, parents, False))
        case ast.Tuple():
            above = parents[up]
            return isinstance(above, ast.Subscript) and above.slice is up
        case ast.Attribute(_, name):
            return _attribute(up, name, parents, flat)
        case ast.Call():
            return up.func is node or _given(node, up, parents, flat)
        case ast.keyword(name):
            call = parents[up]
            return (name is None and flat) or (
                name not in {None, "out"} and isinstance(call, ast.Call) and _given(node, call, parents, flat)
            )
        case ast.For(_, over) | ast.comprehension(_, over):
            return flat and over is node
        case ast.Starred():
            return flat
        case ast.If(test) | ast.While(test) | ast.IfExp(test):
            return test is node
    return False


def _attribute(node: ast.Attribute, name: str, parents: Mapping[ast.AST, ast.AST], flat: bool) -> bool:
    if name in {"shape", "ndim", "size", "dtype", "device"}:
        return True
    if name in {"T", "mT", "real", "data"}:
        return read_only(node, parents, False)
    call = parents[node]
    if not (isinstance(call, ast.Call) and call.func is node):
        return False
    if name in _METHODS:
        return flat or name not in {"get", "items", "values"} or read_only(call, parents, False)
    return name in _VIEWS and read_only(call, parents, False)


def _given(node: ast.expr, call: ast.Call, parents: Mapping[ast.AST, ast.AST], flat: bool) -> bool:
    """Whether a call only reads one of its arguments."""
    names: Collection[str] = _COUNTED if flat else _LOOKED
    match call.func:
        case ast.Name(name):
            return name in names or (name in _FRESH and node in call.args[:2])
        case ast.Attribute(_, name):
            if name in _FRESH:
                return node in call.args[:2] or node not in call.args
            return name in _VIEWS and call.args[:1] == [node] and read_only(call, parents, False)
    return False
