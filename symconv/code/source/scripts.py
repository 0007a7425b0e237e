"""A notebook's cell as functions: its forward line, and the lines that compute gradients by hand."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from symconv.code.source.cells import changed_between

__all__ = ["functions_of", "unsure"]

_MADE = frozenset({"tensor", "randn", "rand", "randint", "Variable", "constant", "array", "ones_like", "grad",
                   "gradient", "zeros", "normal", "uniform", "arange", "detach", "watch", "manual_seed",
                   "Parameter"})  # fmt: skip
"""Calls that make data, or the cotangent: what they give is a parameter."""
_GRADIENT = re.compile(
    r"(?:d|g|gr|grad|d_|grad_|dL_d|dL_)_?(x|w|f|b|k|input|weight|weights|kernel|filter|bias)(?:_\w*)?"
)
_GRADIENT_LAST = re.compile(r"(x|w|f|b|k|input|weight|kernel|filter|bias)_grad(?:_\w*)?")
_OUTPUT = frozenset({"y", "out", "output", "z", "y_hat", "result"})


def functions_of(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    """``forward`` and ``backward`` from the statements of a script; none where it computes no gradient by hand."""
    values: dict[str, ast.Assign] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if not (_is_gradient(name) and _made(node.value)):
                values[name] = node
    targets = [name for name, node in values.items() if _is_gradient(name) and not _made(node.value)]
    if not targets:
        return {}
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    found = {"backward": _function("backward", targets, values, defined, _OUTPUT)}
    output = next((n for n, node in values.items() if n in _OUTPUT and not _made(node.value)), None)
    if output is not None:
        found["forward"] = _function("forward", [output], values, defined, frozenset())
    return found


def unsure(tree: ast.Module, functions: Mapping[str, ast.FunctionDef]) -> str:
    """Why the functions of a cell may compute something else than its statements say; empty where they do not."""
    made = [node for node in tree.body if isinstance(node, ast.Assign) and _made(node.value)
            and all(isinstance(one, ast.Name) and _is_gradient(one.id) for one in node.targets)]  # fmt: skip
    return changed_between(tree, functions, made)


def _is_gradient(name: str) -> bool:
    return bool(_GRADIENT.fullmatch(name) or _GRADIENT_LAST.fullmatch(name))


def _made(node: ast.expr) -> bool:
    """Whether an expression makes data or asks autograd."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        if isinstance(node, ast.Attribute) and node.attr == "grad":
            return True
        node = node.value
    if not isinstance(node, ast.Call):
        return False
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return called in _MADE or (isinstance(node.func, ast.Attribute) and _made(node.func.value))


def _function(
    name: str, targets: list[str], values: dict[str, ast.Assign], defined: set[str], stop: frozenset[str]
) -> ast.FunctionDef:
    """The statements that the targets need, as a function of the data they are computed from."""
    kept: dict[str, ast.Assign] = {}
    parameters: dict[str, None] = {}
    waiting = list(targets)
    while waiting:
        one = waiting.pop()
        node = values.get(one)
        if node is None or one in kept or (one not in targets and (_made(node.value) or one in stop)):
            if node is not None and one not in kept:
                parameters[one] = None
            continue
        kept[one] = node
        calls = {id(n.func) for n in ast.walk(node.value) if isinstance(n, ast.Call)}
        names = [n for n in ast.walk(node.value) if isinstance(n, ast.Name)]
        waiting += [n.id for n in names if n.id in values]
        inside = {id(n.value) for n in ast.walk(node.value) if isinstance(n, ast.Attribute)}
        for n in names:
            if (
                n.id not in values
                and n.id not in defined
                and id(n) not in calls
                and not _library(n.id, id(n) in inside)
            ):
                parameters[n.id] = None
    body: list[ast.stmt] = sorted(kept.values(), key=lambda node: node.lineno)
    results: list[ast.expr] = [ast.Name(target, ast.Load()) for target in targets]
    value = results[0] if len(results) == 1 else ast.Tuple(results, ast.Load())
    line = body[-1].lineno
    given = [ast.arg(parameter) for parameter in sorted(parameters)]
    arguments = ast.arguments([], given, None, [], [], None, [])
    new = ast.FunctionDef(name, arguments, [*body, ast.Return(value)], [], lineno=line, col_offset=0)
    for part in ast.walk(new):
        if not hasattr(part, "lineno") and isinstance(part, ast.expr | ast.stmt | ast.arg):
            # No line of the text: what returns the results was not written.
            part.lineno = part.end_lineno = 0
            part.col_offset = part.end_col_offset = 0
    return new


def _library(name: str, is_owner: bool) -> bool:
    return is_owner and name in {"F", "np", "torch", "tf", "nn", "jnp", "jax", "lax", "signal", "scipy", "math"}
