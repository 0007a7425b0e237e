"""Equal numbers that an operator compares: where the derivative goes there is a choice."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from symconv.code.pair import Pair
from symconv.code.proofs import Proofs, proofs_of
from symconv.errors import SymconvError
from symconv.notation.expr import Apply, Reduce, walk
from symconv.notation.functions import TABLE
from symconv.notation.operator import Operator
from symconv.prove.explain.smooth import kinked, misses
from symconv.prove.proof import Proof

__all__ = ["of_other_ties", "with_shared_ties"]

_EACH = (frozenset({"max", "min"}), frozenset({"max"}), frozenset({"min"}))
"""Where the derivative goes to the other number: in all, in maxima, in minima."""
_ARITHMETIC = frozenset({"add", "sub", "mul", "div", "pow", "sqrt"})


def of_other_ties(pair: Pair, op: Operator, proofs: Proofs[Proof]) -> tuple[Operator, Proofs[Proof]] | None:
    """The proofs where the derivative goes to the other one of two equal numbers, if they are right there."""
    if not kinked(op) or _without_ties(op):
        return None
    seen = [op.statements]
    axes = {one.name: len(one.axes) for one in op.inputs}

    def differs(ranks: Mapping[str, int]) -> bool:
        return any(ranks.get(name, count) != count for name, count in axes.items())

    for ties in _EACH if proofs.holds is None else _EACH[:1]:
        each = pair.operators(ties, skips=differs)
        other, read = next(((one, read) for one, read in each if one.inputs == op.inputs), (op, None))
        if read is None or (other.statements in seen and ties == _EACH[0]):
            return None  # no two numbers of a maximum
        if other.statements in seen:
            continue
        seen.append(other.statements)
        with suppress(SymconvError):
            right = proofs_of(*pair.results(other, read), False)
            if right.holds and (other.several or not any(misses(other, op, f"g{name}") for name in right)):
                return other, right
    return None


def _without_ties(op: Operator) -> bool:
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
