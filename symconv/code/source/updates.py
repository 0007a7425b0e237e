"""Steps of gradient descent in a method: what is subtracted, times a rate, is the gradient of a parameter."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from symconv.code.source.keyed import own_attribute, reached

__all__ = ["RATES", "keep_steps"]

RATES = frozenset({"learning_rate", "learn_rate", "lr", "eta", "lrate", "step_size"})
"""What the length of a step is called."""


def keep_steps(node: ast.ClassDef) -> None:
    """Rewrites ``self.W -= lr * E`` as ``self.dW = E; self.W -= lr * self.dW`` where nothing is called ``dW``.

    >>> layer = ast.parse("class A:\\n def backward(self, g, lr):\\n  self.W -= lr * (g @ self.x.T)").body[0]
    >>> keep_steps(layer)
    >>> print(ast.unparse(layer.body[0]))
    def backward(self, g, lr):
        self.dW = g @ self.x.T
        self.W -= lr * self.dW
    """
    taken = {name for one in ast.walk(node) if (name := own_attribute(one))}
    for method in reached(node).values():
        method.body = [new for one in method.body for new in _kept(one, taken)]


def _kept(statement: ast.stmt, taken: set[str]) -> Iterator[ast.stmt]:
    found = _step(statement)
    if found is None or f"d{found[0]}" in taken or own_attribute(found[2]):
        yield statement
        return
    name, rate, gradient = found
    taken.add(f"d{name}")
    own = ast.Name("self", ast.Load())
    step = ast.BinOp(rate, ast.Mult(), ast.Attribute(own, f"d{name}", ast.Load()))
    for new in (
        ast.Assign([ast.Attribute(own, f"d{name}", ast.Store())], gradient),
        ast.AugAssign(ast.Attribute(own, name, ast.Store()), ast.Sub(), step),
    ):
        yield ast.fix_missing_locations(ast.copy_location(new, statement))


def _step(node: ast.stmt) -> tuple[str, ast.expr, ast.expr] | None:
    """The attribute that a statement steps, the rate and the gradient; None of other statements."""
    match node:
        case ast.AugAssign(ast.Attribute() as target, ast.Sub(), value):
            pass
        case ast.Assign([ast.Attribute() as target], ast.BinOp(left, ast.Sub(), value)) if own_attribute(
            left
        ) == own_attribute(target):
            pass
        case _:
            return None
    name = own_attribute(target)
    match value:
        case ast.BinOp(left, ast.Mult(), right) if name and (_rate(left) or _rate(right)):
            return (name, left, right) if _rate(left) else (name, right, left)
    return None


def _rate(node: ast.expr) -> bool:
    return (node.id if isinstance(node, ast.Name) else own_attribute(node)) in RATES
