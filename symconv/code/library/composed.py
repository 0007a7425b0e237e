"""Words that are made of other words: their definitions are read like functions of the code."""

from __future__ import annotations

import ast
from copy import deepcopy
from functools import lru_cache, partial
from typing import Any

from symconv.code.held.state import State, call
from symconv.code.library.given import Given, Word
from symconv.code.source.composed import COMPOSED
from symconv.code.values.objects import Dotted, Function, Opaque

__all__ = ["COMPOSITIONS"]

_BUILTINS = ("isinstance", "len", "list", "max", "range", "tuple")
_SEEN = {
    **{name: Dotted(name) for name in ("numpy", "torch")},
    "own": Dotted("<own>"),
    **{name: Dotted(f"builtins.{name}") for name in _BUILTINS},
}
"""The names that definitions see."""


def _read(node: ast.FunctionDef, state: State, g: Given, name: str) -> Any:
    names = {**_SEEN, "unread": Opaque(f"{name} with these arguments")}
    spread = list(g[node.args.vararg.arg]) if node.args.vararg else []
    given = {key: value for key, value in g.items() if not node.args.vararg}
    return call(state, Function(_placed(node, state.line), names), spread, given)


# A line is read for each number of axes and choice of sizes, and run on many numbers.
@lru_cache(maxsize=256)
def _placed(node: ast.FunctionDef, line: int) -> ast.FunctionDef:
    """The definition, as if it stood in that line."""
    placed = deepcopy(node)
    for one in ast.walk(placed):
        if isinstance(one, ast.stmt | ast.expr):
            one.lineno = line
    return placed


COMPOSITIONS: dict[str, Word] = {f"composed {name}": partial(_read, node) for name, node in COMPOSED.items()}
