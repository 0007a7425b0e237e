"""``symconv check``: forward and backward of a layer in a file, the forward read as an operator."""

from __future__ import annotations

import ast
from typing import Any

from symconv.claims import check as decided
from symconv.commands.answer import answer, proofs_data
from symconv.commands.outcome import FAILED, RIGHT, UNDECIDED
from symconv.commands.progress import stage
from symconv.commands.terminal import say
from symconv.errors import SpecError, shown

__all__ = ["check", "named", "place"]


def check(layer: str, arguments: str | None, returns: str | None, form: str = "text") -> int:
    """Print the proofs; the status says right, wrong or undecided."""
    path, name = place(layer)
    with stage(f"proving {layer}"):
        proofs = decided(path, name, named(arguments), returns and tuple(x.strip() for x in returns.split(",")))
    status = {True: RIGHT, False: FAILED, None: UNDECIDED}[proofs.holds]
    if form == "json":
        return answer("check", status, proofs_data(proofs))
    say(proofs.text())
    return status


def place(text: str) -> tuple[str, str | None]:
    """The file and the name of ``FILE.py:NAME``."""
    path, colon, name = text.rpartition(":")
    if not colon or "/" in name or name.endswith(".py"):
        path, name = text, ""
    return path, name or None


def named(text: str | None) -> dict[str, Any] | None:
    """``stride=2, cache=(x, w, 2, 1)`` as a mapping; names stand for themselves."""
    if not text:
        return None
    try:
        call = ast.parse(f"f({text})", mode="eval").body
    except SyntaxError:
        raise SpecError(f"--arguments reads as in 'dout=gy, cache=(x, w, 2, 1)'; given {shown(text)}") from None
    if not isinstance(call, ast.Call) or call.args:
        raise SpecError(f"--arguments wants name=value; given {shown(text)}")
    return {str(one.arg): _value(one.value) for one in call.keywords}


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(name):
            return name
        case ast.Tuple(items) | ast.List(items):
            return tuple(map(_value, items))
        case ast.Dict(keys, values):
            return {_value(k): _value(v) for k, v in zip(keys, values, strict=True) if k is not None}
        case ast.Call(ast.Name("dict"), [], keywords):
            return {str(one.arg): _value(one.value) for one in keywords}
        case ast.UnaryOp(ast.USub(), ast.Constant(value)) if isinstance(value, int | float):
            return -value
    raise SpecError(f"--arguments: numbers, names, tuples and dicts are read; given {ast.unparse(node)}")
