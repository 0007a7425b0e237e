"""What is said of a claim that is proved: for which sizes, by what, and of which inputs."""

from __future__ import annotations

from symconv.notation.affine import Affine, var
from symconv.notation.expr import reads
from symconv.notation.operator import Operator
from symconv.prove.decide.decision import Decision
from symconv.prove.language.coded import Coded
from symconv.prove.language.labels import LABEL, labels_of
from symconv.prove.language.syntax import Claim

__all__ = ["SMOOTH", "alike", "sentences"]

SMOOTH = (
    "for all sizes: off the kinks of its parts the formula has this derivative; at them the formula and what is "
    "claimed are continuous, so that the derivative is there and is this one"
)


def alike(op: Operator, stated: Claim | Coded) -> tuple[str, ...]:
    """What is said of inputs of one shape that a forward function may also be given in shapes that are broadcast."""
    if not (isinstance(stated, Coded) and stated.free):
        return ()
    found: dict[tuple[Affine, ...], dict[str, None]] = {}
    for statement in op.statements:
        own = tuple(map(var, statement.indices))
        for read in reads(statement.expr):
            if own and read.index == own and read.tensor in {one.name for one in op.inputs}:
                found.setdefault(op.input(read.tensor).sizes, {})[read.tensor] = None
    rows = [[*names] for names in found.values() if len(names) > 1]
    same = [" and ".join((", ".join(names[:-1]), names[-1])) for names in rows]
    return tuple(f"where {names} have one shape; where one is broadcast to another, nothing is said" for names in same)


def sentences(op: Operator, decision: Decision) -> tuple[str, ...]:
    """For which sizes a claim is proved, and how."""
    sizes = [name for name in decision.domain.context.sizes if name not in {d.name for d in op.definitions}]
    why = f" ({' and '.join(decision.misfits)})" if decision.misfits else ""
    empty = (f"for {op.batch} ≥ 1; of an empty batch it is not true{why}",)
    named = [labels_of(t.name) for t in op.inputs if t.dtype == LABEL]
    labels = f" and all labels {', '.join(named)}" if named else ""
    valid = f"for all sizes {', '.join(sizes)}{labels} for which the operator is valid: shapes fit, and"
    cases = f"{decision.relations} relations in {decision.branches} case(s) of sizes"
    if decision.by_algebra:
        how = (
            f"{valid} wherever the formula has a value, every cell is the same function of elements and of sums that "
            "do not depend on the indices",
            f"by exact algebra of fractions, roots and functions of such sums, and by isl, from {cases}",
        )
    else:
        how = (f"{valid} every cell is the sum of the same products, each as often", f"by isl, from {cases}")
    return (*(() if decision.fails.empty else empty), *how)
