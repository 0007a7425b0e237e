"""Scalars of outlined bodies that only lanes use are loaded into every lane, once."""

from __future__ import annotations

from dataclasses import replace

from symconv.loops.ir import VECTOR, Declare, Load, Scalar, Splat, Stmt, Update, Var
from symconv.loops.traverse import children, expressions, rewrite, walk

__all__ = ["spread"]


def spread(body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """A block where each loaded scalar that only vectors are computed from is declared as a vector."""
    vectors = {
        node.name for node in expressions(body) if isinstance(node, Declare) and node.scalar == Scalar("real", VECTOR)
    }
    loaded = {
        node.name
        for node in expressions(body)
        if isinstance(node, Declare) and node.scalar == Scalar() and isinstance(node.value, Load)
    }
    for statement in expressions(body):
        in_lanes = isinstance(statement, Update | Declare) and statement.name in vectors
        if isinstance(statement, Stmt) and not in_lanes:
            own = (part for part in children(statement) if not isinstance(part, Stmt))
            loaded -= {node.name for part in own for node in walk(part) if isinstance(node, Var)}
            loaded -= {statement.name} if isinstance(statement, Update) else set()
    return tuple(rewrite(statement, lambda node: _spread(node, loaded)) for statement in body)


def _spread(node: object, names: set[str]) -> object:
    match node:
        case Declare(name, value) if name in names:
            return replace(node, value=Splat(value), scalar=Scalar("real", VECTOR))
        case Splat(Var(name)) if name in names:
            return node.value
    return node
