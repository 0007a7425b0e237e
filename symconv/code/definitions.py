"""Functions of the code as they are defined: decorators that change nothing, and defaults that stay what they are."""

from __future__ import annotations

import ast
from typing import Any

from symconv.code.source import Program
from symconv.code.trouble import Outside
from symconv.code.values import Box

__all__ = ["plainly_decorated", "settled_default"]

_PLAIN = frozenset({
    "staticmethod", "classmethod", "once_differentiable", "no_grad", "enable_grad", "inference_mode", "jit", "njit",
    "script", "custom_fwd", "custom_bwd", "function", "abstractmethod", "override", "final", "overload", "typechecked",
    "typed", "jaxtyped", "partial", "compile", "wraps", "vectorcall",
})  # fmt: skip
"""Decorators after which a function computes the same."""
_CHANGING = frozenset({"append", "extend", "insert", "pop", "update", "setdefault", "remove", "sort", "reverse",
                       "clear", "popitem", "fill"})  # fmt: skip


def plainly_decorated(node: ast.FunctionDef | ast.Lambda, program: Program, line: int) -> None:
    """Raises Outside where a decorator may change what a function computes."""
    for one in getattr(node, "decorator_list", []):
        name = one.func if isinstance(one, ast.Call) else one
        last = name.attr if isinstance(name, ast.Attribute) else name.id if isinstance(name, ast.Name) else ""
        if last not in _PLAIN or (isinstance(name, ast.Name) and last in program.functions):
            raise Outside(f"{getattr(node, 'name', '')} is decorated by {ast.unparse(one)}", line)


def settled_default(node: ast.FunctionDef | ast.Lambda, name: str, value: Any, line: int) -> Any:
    """A default; Outside where the function changes it, so that the next call finds another one."""
    if not isinstance(value, list | dict | Box):
        return value
    for one in ast.walk(node):
        match one:
            case (
                ast.Subscript(ast.Name(held), _, ast.Store() | ast.Del())
                | ast.AugAssign(ast.Name(held) | ast.Subscript(ast.Name(held)), _, _)
                | ast.Assign(_, ast.Name(held))
                | ast.Return(ast.Name(held))
            ) if held == name:
                raise Outside(f"the default of {name} may be changed by one call for the next one", line)
            case ast.Call(ast.Attribute(ast.Name(held), method), _, _) if held == name and method in _CHANGING:
                raise Outside(f"the default of {name} may be changed by one call for the next one", line)
    return value
