"""Comments that say shapes are read as docstrings: ``# x: (N, C, H, W)`` above a function, or in its first lines."""

from __future__ import annotations

import ast
import io
import re
import tokenize

__all__ = ["as_docstrings"]

_SHAPE = re.compile(r"\(\s*([A-Za-z_]\w*|1)(\s*,\s*([A-Za-z_]\w*|1))*\s*,?\s*\)")
"""What looks like a shape."""
_ALONE = re.compile(rf"\s*(shape|of shape)?\s*:?\s*{_SHAPE.pattern}.*")
"""A remark that is a shape, of what stands in its line."""


def as_docstrings(text: str, tree: ast.Module) -> ast.Module:
    """The text where each function has the shapes of its comments at the end of its docstring."""
    remarks = _remarks(text)
    if not any(map(_SHAPE.search, remarks.values())):
        return tree
    lines = text.splitlines()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            told = [one for one in _around(node, remarks, lines) if _SHAPE.search(one)]
            if told:
                _add(node, told)
    return tree


def _remarks(text: str) -> dict[int, str]:
    """The comments, by their lines."""
    try:
        tokens = [*tokenize.generate_tokens(io.StringIO(text).readline)]
    except (tokenize.TokenError, SyntaxError):
        return {}
    return {one.start[0]: one.string.lstrip("#").strip() for one in tokens if one.type == tokenize.COMMENT}


def _around(node: ast.FunctionDef, remarks: dict[int, str], lines: list[str]) -> list[str]:
    """The comments above a function, in its signature, and before its first statement."""
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
    above = []
    while (first := first - 1) in remarks and lines[first - 1].lstrip().startswith("#"):
        above.append(remarks[first])
    documented = ast.get_docstring(node, clean=False) is not None
    body = node.body[1:] if documented else node.body
    until = body[0].lineno if body else node.lineno
    own = []
    arguments = {one.lineno: one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    for line in range(node.lineno, until):
        if line in remarks:
            alone = _ALONE.fullmatch(remarks[line]) and line in arguments and line > node.lineno
            own.append(f"{arguments[line]}: {remarks[line]}" if alone else remarks[line])
    return [*reversed(above), *own]


def _add(node: ast.FunctionDef, told: list[str]) -> None:
    said = ast.get_docstring(node, clean=False)
    text = ast.Constant("\n".join([*([said] if said else []), *told]))
    at = node.body[0] if said is not None else None
    new = ast.Expr(text)
    ast.copy_location(new, at or node.args.args[0] if node.args.args else at or node.body[0])
    ast.copy_location(text, new)
    node.body = [new, *(node.body[1:] if said is not None else node.body)]
