"""Functions of whole sums, as in ``tanh(sum(...))``: atoms known by the sum they are applied to.

Two such atoms are one where isl proves that their sums have the same terms, for all sizes of the branch and wherever
the second is asked for. So equal sides are proved equal; that unequal ones differ is not claimed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

from symconv.limits import FREE_INDICES
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint
from symconv.prove.meaning.atoms import OF_SUM
from symconv.prove.meaning.extremes import ELEMENT
from symconv.prove.meaning.functions import Sum
from symconv.prove.meaning.indices import spread
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Factor, Term, scaled
from symconv.relation.collecting import canonical
from symconv.relation.equality import vanishes

__all__ = ["KnownSum", "WholeSums"]


@dataclass(frozen=True, slots=True)
class KnownSum:
    """What a function was applied to: terms over the indices ``names`` that stand free in them.

    A function of several arguments has the first one in ``terms`` and the others in ``others``.
    """

    function: str
    names: tuple[str, ...]
    terms: tuple[Term, ...]
    others: tuple[tuple[Term, ...], ...] = ()

    @property
    def arguments(self) -> tuple[tuple[Term, ...], ...]:
        """What it was applied to, one after the other."""
        return (self.terms, *self.others)


_Written = tuple[str, int, tuple[tuple[tuple[Term, Fraction], ...], ...]]
_Where = tuple[frozenset[Constraint], ...]


class WholeSums:
    """The functions of sums that one branch has met; those that it ``keeps`` are no terms but atoms of their own.

    Those that are ``known`` were met before, in the same branch.
    """

    def __init__(self, scope: Scope, keeps: Collection[str] = (), known: list[KnownSum] | None = None) -> None:
        self.scope = scope
        self.keeps = keeps
        self.known: list[KnownSum] = [] if known is None else known
        self.written: dict[_Written, list[tuple[int, _Where]]] = {}
        self.seen = 0

    def __call__(self, function: str, argument: Sum, limits: Collection[Constraint]) -> Iterator[Term]:
        """The atom for ``function`` of ``argument``, over the indices that stand free in it."""
        return self.of_several(function, [argument], limits)

    def of_several(self, function: str, arguments: Sequence[Sum], limits: Collection[Constraint]) -> Iterator[Term]:
        """The atom for ``function`` of the arguments."""
        sizes = self.scope.region.context.sizes
        given = [tuple(one for term in argument for one in spread(term, sizes)) for argument in arguments]
        every = [term for argument in given for term in argument]
        free = self._free(every)
        if len(free) > FREE_INDICES:
            raise Undecided(f"the formula applies {function} to a sum over {len(free)} free indices")
        if (met := self._written(function, free, given, limits)) is not None:
            yield _atom(function, met, tuple(map(var, free)))
            return
        # What holds of other indices says nothing about this sum, and would leave them free in it.
        named = {*free, *self.scope.region.context.sizes}
        limits = [one for one in limits if one.form.names() <= named]
        limited = [tuple(term.under(*limits) for term in argument) for argument in given]
        for number, one in enumerate(self.known):
            alike = one.function == function and len(one.names) <= len(free) and len(one.arguments) == len(given)
            if alike and not self._other(free, limited[0], one.terms):
                for order in _orders(one, free, every, sizes):
                    renamed = (self._renamed(one, terms, order, limits) for terms in one.arguments)
                    if all(self._equal(free, *both) for both in zip(limited, renamed, strict=True)):
                        yield _atom(function, number, order)
                        return
        self.known.append(KnownSum(function, free, given[0], tuple(given[1:])))
        yield _atom(function, len(self.known) - 1, tuple(map(var, free)))

    def _written(
        self, function: str, free: tuple[str, ...], given: Sequence[tuple[Term, ...]], limits: Collection[Constraint]
    ) -> int | None:
        """The function whose arguments are written alike, names of indices aside: no set tells more of these."""
        for number, one in enumerate(self.known[self.seen :], self.seen):
            key, where = _spelled(one.function, one.names, one.arguments)
            self.written.setdefault(key, []).append((number, where))
        self.seen = len(self.known)
        if not self.known:
            return None
        key, mine = _spelled(function, free, given)
        put = _numbered(free)
        held = {one.substitute(put) for one in limits}
        for number, where in self.written.get(key, ()):
            if all(one - held == other - held for one, other in zip(where, mine, strict=True)):
                return number
        return None

    def _free(self, argument: Sum) -> tuple[str, ...]:
        sizes = set(self.scope.region.context.sizes)
        found: dict[str, None] = {}
        for term in argument:
            forms = [form for factor in term.factors for form in factor.index] + [c.form for c in term.where]
            found |= dict.fromkeys(n for form in forms for n in sorted(form.names()) if n not in {*term.bound, *sizes})
        return tuple(sorted(found, key=lambda name: (len(name), name)))

    def _renamed(self, one: KnownSum, terms: Sum, order: tuple[Affine, ...],
                 limits: Collection[Constraint]) -> tuple[Term, ...]:  # fmt: skip
        result = []
        for term in terms:
            bound = {name: self.scope.fresh() for name in term.bound}
            put = dict(zip(one.names, order, strict=True)) | {old: var(new) for old, new in bound.items()}
            result.append(replace(term.substitute(put), bound=tuple(bound.values())).under(*limits))
        return tuple(result)

    def _other(self, names: tuple[str, ...], mine: Sum, terms: Sum) -> bool:
        """Whether a sum has a product of tensors that the other one has not: then they are told apart by it alone."""
        theirs = {_tensors(term) for term in terms}
        own = [_tensors(term) for term in mine]
        alone = (t for t, key in zip(mine, own, strict=True) if key not in theirs and own.count(key) == 1)
        term = next(alone, None)
        if term is None or term.tables or any(one.tables for one in terms):
            return False
        return not vanishes(self.scope.region, names, (term,), self.scope.names.definitions)

    def _equal(self, names: tuple[str, ...], left: tuple[Term, ...], right: tuple[Term, ...]) -> bool:
        both = (*left, *scaled(right, Fraction(-1)))
        return vanishes(self.scope.region, names, both, self.scope.names.definitions)


def _numbered(names: tuple[str, ...]) -> dict[str, Affine]:
    return {name: var(f"#free{k}") for k, name in enumerate(names)}


def _spelled(function: str, names: tuple[str, ...], arguments: Iterable[tuple[Term, ...]]) -> tuple[_Written, _Where]:
    """A function of sums with other names for indices, and what each term asks of those that stand free."""
    put = _numbered(names)
    each = [sorted((term.substitute(put) for term in argument), key=_shown) for argument in arguments]
    asked = tuple(frozenset(_asked(term)) for terms in each for term in terms)
    rest = tuple(tuple(canonical(_without_asked(term)) for term in terms) for terms in each)
    return (function, len(names), rest), asked


def _shown(term: Term) -> tuple[tuple[str, ...], tuple[str, ...], Fraction]:
    """What orders terms whatever the indices that they sum over are called."""
    forms = (form for factor in term.factors for form in factor.index)
    kept = tuple(str(form) for form in forms if form.names().isdisjoint(term.bound))
    return tuple(factor.tensor for factor in term.factors), kept, term.coefficient


def _asked(term: Term) -> Iterator[Constraint]:
    """What a term asks of indices that stand free, but for what always holds."""
    for one in term.where:
        plain = one.form.is_constant and not one.equality and one.form.constant >= 0
        if not plain and one.form.names().isdisjoint(term.bound):
            yield one


def _without_asked(term: Term) -> Term:
    return replace(term, where=tuple(c for c in term.where if not c.form.names().isdisjoint(term.bound)))


def _tensors(term: Term) -> tuple[str, ...]:
    return tuple(sorted(factor.tensor for factor in term.factors))


def _orders(
    one: KnownSum, free: tuple[str, ...], argument: Sum, sizes: Collection[str]
) -> Iterator[tuple[Affine, ...]]:
    """What the indices of a known sum may be in the argument.

    The indices in their own order, then in those in which each stands where the known one does, then forms of them: of
    a sum at ``i`` one at ``2*i + p`` is an element.
    """
    every = [term for arguments in one.arguments for term in arguments]
    own = tuple(map(var, free))
    if len(own) == len(one.names):
        yield own
        places = {name: _places(argument, name) for name in free}
        wanted = [_places(every, name) for name in one.names]
        for order in product(*([name for name in free if places[name] == where] for where in wanted)):
            if order != free and len({*order}) == len(order):
                yield tuple(map(var, order))
    known, given = _forms(every, {*one.names, *sizes}), _forms(argument, {*free, *sizes})
    if one.function == ELEMENT and known.keys() == given.keys():
        each = (list(_solved(name, {*one.names}, known, given)) for name in one.names)
        yield from (order for order in product(*each) if {*order} != {*own})


def _forms(terms: Sum, names: Collection[str]) -> dict[tuple[str, int], list[Affine]]:
    """The indices of tensors by their axes, as far as they are forms of these names."""
    found: dict[tuple[str, int], dict[Affine, None]] = {}
    for factor in (factor for term in terms for factor in term.factors):
        for k, form in enumerate(factor.index):
            kept = Affine(tuple((atom, count) for atom, count in form.terms if atom in names), form.constant)
            found.setdefault((factor.tensor, k), {})[kept] = None
    return {place: list(forms) for place, forms in found.items()}


def _solved(
    name: str, names: Collection[str], known: Mapping[tuple[str, int], Sequence[Affine]],
    given: Mapping[tuple[str, int], Sequence[Affine]],
) -> Iterator[Affine]:  # fmt: skip
    """What an index of a known sum is where indices are the given ones: from the first axis that it alone says."""
    for place, forms in known.items():
        rest = [form - var(name) for form in forms if form.coefficient(name) == 1]
        if rest and not any(one.names() & {*names} for one in rest):
            yield from dict.fromkeys(form - one for one in rest for form in given[place])
            return


def _places(terms: Sum, name: str) -> frozenset[tuple[str, int]]:
    """The tensors and axes in whose index a name stands."""
    places = ((f.tensor, k, form) for term in terms for f in term.factors for k, form in enumerate(f.index))
    return frozenset((tensor, k) for tensor, k, form in places if name in form.names())


def _atom(function: str, number: int, index: tuple[Affine, ...]) -> Term:
    return Term(Fraction(1), (), (Factor(f"{function}{OF_SUM}{number})", index),))
