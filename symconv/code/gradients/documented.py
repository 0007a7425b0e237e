"""What docstrings and annotations say of the parameters of a function: their numbers of axes, and names of lengths."""

from __future__ import annotations

import ast
import re

__all__ = ["documented", "documented_shapes"]

_SHAPE = re.compile(r"\b(\w+)\b(\W[^\n()]*?)\(\s*((?:[A-Za-z_]\w*|1)(?:\s*,\s*(?:[A-Za-z_]\w*|1))*)\s*(,?)\s*\)")
"""``- w: Filter weights of shape (F, C, HH, WW)``, as courses and papers document it."""
_SEVERAL = re.compile(r"(?:,| and) *(\w+)")
"""Further names before one shape."""
_SIZE = re.compile(r"[A-Z][A-Z0-9_]*|[a-z]\d?|[A-Z][a-z]?|batch\w*|channels?|features?|height|width|length|dim\w*|1")
_NO_SIZES = frozenset({
    "optional", "tensor", "float", "int", "bool", "str", "array", "ndarray", "list", "tuple", "number", "scalar",
    "default", "trainable", "required", "torch", "np", "numpy", "none",
})  # fmt: skip
"""Words in parentheses that say of what kind a parameter is: ``b (Tensor, optional)``."""
_NUMBER = r" *(?:--|-|:|\() *(?:[\w ]+, )?(?:an? )?(?:real )?(?:scalar|number|float) *(?:[,.;)]|$)"
"""``b -- bias, a scalar``, behind the name of a parameter."""


def documented(node: ast.FunctionDef) -> dict[str, int]:
    """The numbers of axes of parameters that the docstring tells, or annotations (``"n c h w"``, ``float``)."""
    plain = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    found = {name: len(lengths) for name, lengths in documented_shapes(node).items()}
    for one in plain:
        if re.search(rf"\b{one.arg}{_NUMBER}", ast.get_docstring(node) or "", re.MULTILINE):
            found.setdefault(one.arg, 0)
        match one.annotation:
            case ast.Name("float" | "int"):
                found[one.arg] = 0
            case ast.Subscript(_, ast.Tuple([_, ast.Constant(str() as sizes)])) if re.fullmatch(r"[\w\s]+", sizes):
                found[one.arg] = len(sizes.split())
    return found


def documented_shapes(node: ast.FunctionDef) -> dict[str, list[str]]:
    """The names of lengths that the docstring tells of parameters: ``w: Filter weights of shape (F, C, HH, WW)``."""
    names = {one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    found: dict[str, list[str]] = {}
    for name, words, sizes, comma in _SHAPE.findall(ast.get_docstring(node) or ""):
        lengths = [one.strip() for one in sizes.split(",")]
        plain = (len(lengths) > 1 or comma) and all(map(_SIZE.fullmatch, lengths))
        if not _NO_SIZES & {one.lower() for one in lengths} and ("shape" in words or plain):
            # Of ``scale, shift: (N, C)`` both are.
            several = [one for one in _SEVERAL.findall(words) if one in names] if _SEVERAL.match(words) else []
            for one in (name, *several):
                if one in names:
                    found.setdefault(one, lengths)
    return found
