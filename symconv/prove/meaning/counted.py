"""Sums over whole axes: what does not depend on an index is counted, as often as the axis is long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from symconv.notation.affine import Affine, var
from symconv.notation.expr import nonnegative
from symconv.prove.meaning.scope import Scope
from symconv.prove.meaning.value import Term, inside, scaled
from symconv.relation.collecting import collected
from symconv.relation.terms import as_product

__all__ = ["summed_over"]


def summed_over(scope: Scope, terms: Iterable[Term], over: Sequence[tuple[str, Affine]]) -> Iterator[Term]:
    """The terms summed over names that run from 0 up to lengths; like ones are added where some were counted.

    The mean of squares of differences from a mean is three such sums, two of which are alike.
    """
    found = [_summed(scope, term, over) for term in terms]
    result = (term for term, _ in found)
    return collected(result) if any(counted for _, counted in found) else result


def _summed(scope: Scope, term: Term, over: Sequence[tuple[str, Affine]]) -> tuple[Term, bool]:
    """A term summed over names, and whether it was counted along one of them."""
    counted = False
    for name, length in over:
        limits = inside(var(name), length)
        free = replace(term, where=tuple(one for one in term.where if one not in limits))
        if not _mentions(free, name) and scope.region.always(nonnegative(length)):
            count = as_product(length)
            (term,) = scaled([free], count.coefficient, count.monomial)
            counted = True
        else:
            term = replace(term, bound=(*term.bound, name)).under(*limits)
    return term, counted


def _mentions(term: Term, name: str) -> bool:
    """Whether a term depends on an index."""
    forms = [form for factor in term.factors for form in factor.index]
    forms += [condition.form for condition in term.where]
    forms += [form for form, _ in term.scale]
    forms += [form for table in term.tables for form in table.index]
    return any(name in form.names() for form in forms)
