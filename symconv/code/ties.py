"""Equal numbers that an operator compares: where the derivative goes there is a choice."""

from __future__ import annotations

from dataclasses import replace

from symconv.notation.expr import Apply, Reduce, walk
from symconv.notation.functions import TABLE
from symconv.notation.operator import Operator

__all__ = ["with_shared_ties", "without_ties"]

_ARITHMETIC = frozenset({"add", "sub", "mul", "div", "pow", "sqrt"})


def without_ties(op: Operator) -> bool:
    """Whether nothing in an operator may come of two numbers that are compared, so that no tie was read into it."""
    nodes = (node for statement in op.statements for node in walk(statement.expr))
    return not any(isinstance(node, Apply) and _compares(node.function) for node in nodes)


def _compares(function: str) -> bool:
    entry = TABLE[function]
    return function not in _ARITHMETIC and (entry.arity > 1 or bool(entry.kinks))


def with_shared_ties(op: Operator) -> Operator:
    """The operator whose equal extremes share the derivative, where it has reductions to extremes."""
    reductions = {one.kind for expr in (s.expr for s in op.statements) for one in walk(expr) if isinstance(one, Reduce)}
    shared = dict.fromkeys(reductions & {"max", "min"}, "share")
    return replace(op, kinks=tuple(sorted({**dict(op.kinks), **shared}.items()))) if shared else op
