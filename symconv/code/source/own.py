"""The source of a function object; its code is not run."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from symconv.code.source.aliases import names_in
from symconv.code.source.program import Program
from symconv.errors import SpecError

__all__ = ["libraries_of", "source_of"]


def source_of(function: Callable[..., Any]) -> tuple[str, str]:
    """The text around a function, and its name there (``Class.method`` for a method).

    Raises SpecError where there is no source, or where the object is not what its source defines.
    """
    name = getattr(function, "__name__", "") or repr(function)
    if inspect.isclass(function):
        raise SpecError(f"{name} is a class; give the function that computes its gradients, such as {name}.backward")
    inner, wrapped = _unwrapped(function)
    try:
        lines, first = inspect.getsourcelines(inner)
        path, own = inner.__code__.co_qualname, textwrap.dedent("".join(lines))
    except (OSError, TypeError, AttributeError):
        raise SpecError(f"the source of {name} is not known; give it as code=...") from None
    whole = _module_text(inner)
    found = _definition(whole, path, first)
    node = found or _definition(own, inner.__code__.co_name, 1)
    if node is not None and wrapped > len(node.decorator_list):
        raise SpecError(
            f"{name} wraps {node.name}, and its text does not show how; give {node.name} itself, or the wrapper as "
            "code=... with the function's name"
        )
    return (whole, path) if found is not None else (own, inner.__code__.co_name)


def libraries_of(source: Program, node: ast.FunctionDef) -> frozenset[str]:
    """The libraries that a function, and those of the text that it calls, use by their names."""
    names = {name for one in source.called_by(node) for name in names_in(one)}
    return frozenset(source.imports[name].partition(".")[0] for name in names if name in source.imports)


def _unwrapped(function: Any) -> tuple[Any, int]:
    """The function within its wrappers, and their number."""
    count, seen = 0, {id(function)}
    function = getattr(function, "__func__", function)
    while hasattr(function, "__wrapped__") and id(function.__wrapped__) not in seen:
        function = function.__wrapped__
        seen.add(id(function))
        count += 1
    return function, count


def _module_text(function: Any) -> str:
    try:
        return inspect.getsource(inspect.getmodule(function) or function)
    except (OSError, TypeError):
        return ""


def _definition(text: str, path: str, first: int) -> ast.FunctionDef | None:
    """The last definition of a name, or of ``Class.method``, at the top of a text; None where it is of other lines."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    owner, _, name = path.rpartition(".")
    if owner:
        body = next((node.body for node in reversed(body) if isinstance(node, ast.ClassDef) and node.name == owner), [])
    named = (node for node in reversed(body) if isinstance(node, ast.FunctionDef) and node.name == name)
    node = next(named, None)
    if node is None or min([node.lineno, *(one.lineno for one in node.decorator_list)]) != first:
        return None
    return node
