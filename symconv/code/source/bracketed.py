"""``np.c_[a, b]`` and ``np.r_[a, b]`` as calls: what stands in their brackets are arrays, and no index of anything."""

from __future__ import annotations

import ast

__all__ = ["as_calls"]


def as_calls(tree: ast.Module) -> ast.Module:
    """The text with a call of ``c_`` or ``r_`` in place of each subscript of one, but those with ranges in them."""
    _Calls().visit(tree)
    return ast.fix_missing_locations(tree)


class _Calls(ast.NodeTransformer):
    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Subscript(ast.Attribute(ast.Name(), "c_" | "r_") as word, index):
                items = index.elts if isinstance(index, ast.Tuple) else [index]
                if not any(isinstance(one, ast.Slice) for one in items):
                    return ast.copy_location(ast.Call(word, [ast.List(items, ast.Load())], []), node)
        return node
