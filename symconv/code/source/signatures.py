"""The parameters of functions of the code, and the expressions that are their defaults."""

from __future__ import annotations

import ast

__all__ = ["defaults", "factors_of_none", "parameters", "positional"]


def positional(spec: ast.arguments) -> list[str]:
    """The parameters that an argument without a name may be for, in order."""
    return [one.arg for one in (*spec.posonlyargs, *spec.args)]


def parameters(spec: ast.arguments) -> list[str]:
    """The parameters by name, those behind ``*`` last."""
    return [*positional(spec), *(one.arg for one in spec.kwonlyargs)]


def defaults(spec: ast.arguments) -> dict[str, ast.expr]:
    """The default of each parameter that has one."""
    plain = positional(spec)
    found = dict(zip(plain[len(plain) - len(spec.defaults) :], spec.defaults, strict=True))
    behind = zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
    return found | {one.arg: default for one, default in behind if default is not None}


def factors_of_none(node: ast.FunctionDef) -> tuple[str, ...]:
    """The parameters that are factors and 0 by default, such as the strength of a penalty."""
    zeros = {name for name, one in defaults(node.args).items()
             if isinstance(one, ast.Constant) and one.value == 0 and not isinstance(one.value, bool)}  # fmt: skip
    sides = [side for one in ast.walk(node) if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Mult)
             for side in (one.left, one.right)]  # fmt: skip
    return tuple(sorted({one.id for one in sides if isinstance(one, ast.Name)} & zeros))
