"""What is summed over, as a text says it."""

from __future__ import annotations

import ast

__all__ = ["sums_all"]

_LIBRARIES = frozenset({"np", "numpy", "torch", "jnp"})


def sums_all(value: ast.AST) -> bool:
    """Whether it is a sum, or a mean, over everything: ``np.sum(x)``, ``x.mean()``."""
    match value:
        case ast.Call(ast.Attribute(owner, "sum" | "mean"), arguments, []):
            return len(arguments) == (isinstance(owner, ast.Name) and owner.id in _LIBRARIES)
    return False
