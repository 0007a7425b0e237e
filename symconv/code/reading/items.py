"""Several expressions in a row, some of them starred."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from symconv.code.held.sequences import sequence
from symconv.code.held.state import State, evaluate

__all__ = ["items_of"]


def items_of(state: State, nodes: Sequence[ast.expr]) -> list[Any]:
    found: list[Any] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            found += sequence(state, evaluate(state, node.value))
        else:
            found.append(evaluate(state, node))
    return found
