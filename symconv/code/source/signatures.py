"""The parameters of functions of the code, and the expressions that are their defaults."""

from __future__ import annotations

import ast

__all__ = ["defaults", "parameters", "positional"]


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
