"""Whether two sums of terms are one function of the operands: rational functions, roots and functions of shared sums.

What is claimed and what is true become polynomials (``field``) over elements, whole sums and functions of them. Their
difference is multiplied by every denominator, and roots are told apart by their powers. Where nothing is left, both are
equal wherever the true one is defined; where something is left, nothing is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symconv.limits import ALGEBRA_INDICES
from symconv.notation.affine import var
from symconv.notation.expr import Constraint
from symconv.prove.algebra.met import has_steps, met
from symconv.prove.algebra.named import Named, names_its_sum
from symconv.prove.algebra.pieces import Pieces
from symconv.prove.algebra.reader import Facts, Positive, Reader
from symconv.prove.algebra.variables import (
    NONZERO,
    ROOT,
    Applied,
    Base,
    added,
    application,
    constant,
)
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Term
from symconv.relation.regions import Region, nowhere

__all__ = ["same"]


def same(
    scope: Scope, wanted: Sequence[Term], given: Sequence[Term], limits: Facts, by_names: bool = False
) -> Region | None:
    """Whether both sums are equal where ``limits`` hold; None where that is not known.

    ``by_names`` what functions are of is a name, as far as no law is asked for that is about it: layers upon layers are
    not written into each other.
    The sizes that are returned are left out: a size that divides may be 0 there. Raises Undecided after too much work.
    """
    if any(len(one.names) > ALGEBRA_INDICES for one in met(scope, (*wanted, *given))):
        raise Undecided("functions of sums over many indices are not written down in the algebra of both sides")
    if by_names:
        if not any(names_its_sum(one.function) for one in met(scope, (*wanted, *given))):
            return None
        named = Named(scope.fresh)
        return _left_out(Reader(scope, {}, True, named=named), Reader(scope, {}, named=named), wanted, given, limits)
    positive = _positive(scope, wanted, given, limits)
    for by_steps in (False, True):
        true, claimed = Reader(scope, positive, True, by_steps), Reader(scope, positive, False, by_steps)
        left_out = _left_out(true, claimed, wanted, given, limits)
        if left_out is not None or not (true.field.stepped or claimed.field.stepped):
            return left_out
    return None


def _left_out(
    true: Reader, claimed: Reader, wanted: Sequence[Term], given: Sequence[Term], limits: Facts
) -> Region | None:
    """The sizes at which both sides, which are equal elsewhere, may differ; None where they may not be equal."""
    left, right = true.terms(wanted, limits), claimed.terms(given, limits)
    # What only the claim divides by may be 0 where the truth has a value.
    unasked = [one for one in claimed.field.domains if not claimed.asked_anyway(one, true.field.domains)]
    empty: set[str] = set()
    for one in unasked:
        if (sizes := true.unless_empty.get(claimed.everywhere.get(one, one))) is None:
            return None
        empty |= sizes
    rest = added(left, claimed.field.times(right, constant(Fraction(-1))))
    cases = Pieces(claimed.sums, asked=true.field.domains).cases(rest)
    if not claimed.is_zero(rest) and not all(map(claimed.is_zero, cases)):
        return None
    region = claimed.scope.region
    left_out = nowhere(region.context)
    for name in sorted(true.field.zeros | claimed.field.zeros | empty):
        left_out = left_out.union(region.where(Constraint(var(name), True)))
    return left_out


def _positive(scope: Scope, wanted: Sequence[Term], given: Sequence[Term], limits: Facts) -> Positive:
    """What is positive wherever the truth has a value, with the conditions of the cells for which that is so.

    It divides and is under a root, whatever cells are summed. Only steps ask for it.
    """
    found: dict[Base, frozenset[Constraint]] = {}
    if not has_steps(scope, (*wanted, *given)):
        return found
    for term in wanted:
        if not any(factor.tensor.startswith(("step(", "sign(")) for factor in term.factors):
            reader = Reader(scope, {}, told=True)
            reader.terms([term], limits)
            for base, where in reader.asked.items():
                match base.node:
                    case Applied(function, argument) if function == ROOT:
                        if application(NONZERO, argument) in reader.asked:
                            found[base] = min(where, found.get(base, where), key=len)
    return found
