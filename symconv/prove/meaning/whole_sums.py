"""Functions of whole sums, as in ``tanh(sum(...))``: atoms known by the sum they are applied to.

Two such atoms are one where isl proves that their sums have the same terms, for all sizes of the branch and wherever
the second is asked for. So equal sides are proved equal; that unequal ones differ is not claimed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import permutations

from symconv.limits import FREE_INDICES
from symconv.notation.affine import var
from symconv.notation.expr import Constraint
from symconv.prove.meaning.atoms import OF_SUM
from symconv.prove.meaning.functions import Sum
from symconv.prove.meaning.indices import spread
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Factor, Term, scaled
from symconv.relation.equality import difference

__all__ = ["KnownSum", "WholeSums"]


@dataclass(frozen=True, slots=True)
class KnownSum:
    """What a function was applied to: terms over the indices ``names`` that stand free in them."""

    function: str
    names: tuple[str, ...]
    terms: tuple[Term, ...]


class WholeSums:
    """The functions of sums that one branch has met."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.known: list[KnownSum] = []

    def __call__(self, function: str, argument: Sum, limits: Collection[Constraint]) -> Iterator[Term]:
        """The atom for ``function`` of ``argument``, over the indices that stand free in it."""
        argument = [one for term in argument for one in spread(term, self.scope.region.context.sizes)]
        free = self._free(argument)
        if len(free) > FREE_INDICES:
            raise Undecided(f"the formula applies {function} to a sum over {len(free)} free indices")
        # What holds of other indices says nothing about this sum, and would leave them free in it.
        named = {*free, *self.scope.region.context.sizes}
        limits = [one for one in limits if one.form.names() <= named]
        terms = tuple(term.under(*limits) for term in argument)
        for number, one in enumerate(self.known):
            if one.function == function and len(one.names) == len(free):
                for order in _orders(one, free, argument):
                    if self._equal(free, terms, self._renamed(one, order, limits)):
                        yield _atom(function, number, order)
                        return
        self.known.append(KnownSum(function, free, tuple(argument)))
        yield _atom(function, len(self.known) - 1, free)

    def _free(self, argument: Sum) -> tuple[str, ...]:
        sizes = set(self.scope.region.context.sizes)
        found: dict[str, None] = {}
        for term in argument:
            forms = [form for factor in term.factors for form in factor.index] + [c.form for c in term.where]
            found |= dict.fromkeys(n for form in forms for n in sorted(form.names()) if n not in {*term.bound, *sizes})
        return tuple(sorted(found, key=lambda name: (len(name), name)))

    def _renamed(self, one: KnownSum, order: tuple[str, ...], limits: Collection[Constraint]) -> tuple[Term, ...]:
        result = []
        for term in one.terms:
            bound = {name: self.scope.fresh() for name in term.bound}
            put = {old: var(new) for old, new in (*zip(one.names, order, strict=True), *bound.items())}
            result.append(replace(term.substitute(put), bound=tuple(bound.values())).under(*limits))
        return tuple(result)

    def _equal(self, names: tuple[str, ...], left: tuple[Term, ...], right: tuple[Term, ...]) -> bool:
        try:
            both = (*left, *scaled(right, Fraction(-1)))
            return difference(self.scope.region, names, both, self.scope.names.definitions).fails.empty
        except Undecided:
            return False


def _orders(one: KnownSum, free: tuple[str, ...], argument: Sum) -> Iterator[tuple[str, ...]]:
    """The indices in their own order, then in those in which each stands where the known one does."""
    yield free
    wanted = [_places(one.terms, name) for name in one.names]
    places = {name: _places(argument, name) for name in free}
    for order in permutations(free):
        if order != free and [places[name] for name in order] == wanted:
            yield order


def _places(terms: Sum, name: str) -> frozenset[tuple[str, int]]:
    """The tensors and axes in whose index a name stands."""
    places = ((f.tensor, k, form) for term in terms for f in term.factors for k, form in enumerate(f.index))
    return frozenset((tensor, k) for tensor, k, form in places if name in form.names())


def _atom(function: str, number: int, names: tuple[str, ...]) -> Term:
    return Term(Fraction(1), (), (Factor(f"{function}{OF_SUM}{number})", tuple(map(var, names))),))
