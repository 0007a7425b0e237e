"""Expressions whose parts a transformer has changed."""

from __future__ import annotations

import ast

__all__ = ["changed_below"]


def changed_below(transformer: ast.NodeTransformer, node: ast.expr) -> ast.expr:
    """The expression with its parts changed."""
    made = transformer.generic_visit(node)
    assert isinstance(made, ast.expr)
    return made
