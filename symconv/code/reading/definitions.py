"""Functions of the code as they are defined: decorators that change nothing, and defaults that stay what they are."""

from __future__ import annotations

import ast
from typing import Any

from symconv.code.source.program import Program
from symconv.code.source.shared import parents_of, read_only
from symconv.code.source.trouble import Outside
from symconv.code.values.objects import Box

__all__ = ["plainly_decorated", "settled_default"]

_PLAIN = frozenset({
    "staticmethod", "classmethod", "once_differentiable", "no_grad", "enable_grad", "inference_mode", "jit", "njit",
    "script", "custom_fwd", "custom_bwd", "function", "abstractmethod", "override", "final", "overload", "typechecked",
    "typed", "jaxtyped", "compile", "wraps", "vectorcall", "custom_gradient", "custom_vjp", "custom_jvp", "export",
})  # fmt: skip
"""Decorators after which a function computes the same."""
_LIBRARIES = frozenset({
    "abc", "beartype", "builtins", "cupy", "functools", "jax", "jaxtyping", "numba", "numpy", "tensorflow", "torch",
    "typeguard", "typing", "typing_extensions",
})  # fmt: skip
"""Where those decorators are from."""


def plainly_decorated(node: ast.FunctionDef | ast.Lambda, program: Program, line: int) -> None:
    """Raises Outside where a decorator may change what a function computes."""
    for one in getattr(node, "decorator_list", []):
        if not _plain(one, program):
            raise Outside(f"{getattr(node, 'name', '')} is decorated by {ast.unparse(one)}", line)


def _plain(decorator: ast.expr, program: Program) -> bool:
    """Whether a decorator is one of a library that changes nothing, given directly or by ``partial``."""
    match decorator:
        case ast.Call(ast.Name("partial") | ast.Attribute(ast.Name("functools"), "partial"), [first, *_], _):
            own = "partial" if isinstance(decorator.func, ast.Name) else "functools"
            return _ours(own, program) and not isinstance(first, ast.Call) and _plain(first, program)
        case ast.Call(inner, _, _):
            return not isinstance(inner, ast.Call) and _plain(inner, program)
    names = [one.id for one in ast.walk(decorator) if isinstance(one, ast.Name)]
    last = decorator.attr if isinstance(decorator, ast.Attribute) else names[0] if names else ""
    return last in _PLAIN and len(names) == 1 and _ours(names[0], program)


def _ours(name: str, program: Program) -> bool:
    """Whether a name is not bound by the text to anything but what such a library has."""
    if name in {*program.functions, *program.classes, *program.constants, *program.unsettled}:
        return False
    return program.imports.get(name, "builtins").partition(".")[0] in _LIBRARIES


def settled_default(node: ast.FunctionDef | ast.Lambda, name: str, value: Any, line: int) -> Any:
    """A default; Outside where the function changes it, so that the next call finds another one."""
    if not isinstance(value, list | dict | Box):
        return value
    flat = isinstance(value, list | dict) and not any(
        isinstance(one, list | dict | Box | tuple) for one in (value.values() if isinstance(value, dict) else value)
    )
    parents = parents_of(node)
    for one in ast.walk(node):
        if isinstance(one, ast.Name) and one.id == name:
            read = isinstance(one.ctx, ast.Load) and read_only(one, parents, flat)
            if not (read or _rebinds(one, parents[one])):
                raise Outside(f"the default of {name} may be changed by one call for the next one", line)
    return value


def _rebinds(one: ast.Name, up: ast.AST) -> bool:
    """Whether a name gets another value, and what it had stays as it was."""
    return isinstance(one.ctx, ast.Store) and not isinstance(up, ast.AugAssign)
