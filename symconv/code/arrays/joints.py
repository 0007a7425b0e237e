"""Functions that are written by halves and are one formula: the sigmoid that takes exp of negative numbers alone.

``1/(1 + exp(-u))`` where ``u >= 0`` and ``exp(u)/(1 + exp(u))`` elsewhere are equal for every ``u``. Where both halves
are proved equal the shorter one is taken: no step is left, which every product behind it would be multiplied out by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint
from symconv.prove.algebra.equal import same
from symconv.prove.meaning.atoms import told_sum
from symconv.prove.meaning.functions import applied
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Factor, Term, Value, inside, multiplied
from symconv.prove.meaning.whole_sums import KnownSum, WholeSums
from symconv.relation.collecting import collected

__all__ = ["without_joint"]

_STEP = "step("


def without_joint(scope: Scope, value: Value) -> Value:
    """The array by one half, where its one step parts two that are equal; else as it is."""
    halves = _Halves(scope)
    try:
        steps = {*halves.steps(value.terms)}
        if len(steps) != 1 or not {n for f in steps for form in f.index for n in form.names()} <= _names(value, scope):
            return value
        names = (name for group in value.names for name in group)
        sizes = (size for one in value.axes for size in one.sizes)
        limits = [c for name, size in zip(names, sizes, strict=True) for c in inside(var(name), size)]
        (step,) = steps
        above, below = (tuple(collected(halves.at(value.terms, step, there, limits))) for there in (True, False))
        left_out = same(scope, below, above, limits)
    except Undecided:
        return value
    return value if left_out is None or not left_out.empty else replace(value, terms=min(above, below, key=_length))


def _length(terms: Sequence[Term]) -> int:
    return sum(1 + len(term.factors) for term in terms)


def _names(value: Value, scope: Scope) -> set[str]:
    return {*(name for group in value.names for name in group), *scope.region.context.sizes}


class _Halves:
    """Terms where a step is 1, or 0, in the functions of sums that they hold as well."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def _argument(self, factor: Factor) -> KnownSum | None:
        """What a factor is a function of, where that is a sum; steps are no such function here."""
        told, whole = told_sum(factor.tensor), self.scope.of_sum
        if told is None or factor.tensor.startswith(_STEP) or not isinstance(whole, WholeSums):
            return None
        return whole.known[told[1]]

    def _inner(self, one: KnownSum, index: Sequence[Affine]) -> list[tuple[Term, ...]]:
        put = dict(zip(one.names, index, strict=True))
        return [tuple(self._own(term).substitute(put) for term in terms) for terms in one.arguments]

    def _own(self, term: Term) -> Term:
        bound = {name: self.scope.fresh() for name in term.bound}
        named = term.substitute({old: var(new) for old, new in bound.items()})
        return replace(named, bound=tuple(bound.values()))

    def steps(self, terms: Iterable[Term]) -> Iterator[Factor]:
        """The steps among the factors, and in what they are functions of."""
        for factor in (factor for term in terms for factor in term.factors):
            if factor.tensor.startswith(_STEP):
                yield factor
            elif (one := self._argument(factor)) is not None and self._stepped(one):
                for inner in self._inner(one, factor.index):
                    yield from self.steps(inner)

    def _stepped(self, one: KnownSum) -> bool:
        found = (factor for terms in one.arguments for term in terms for factor in term.factors)
        inner = [(factor, self._argument(factor)) for factor in found]
        return any(f.tensor.startswith(_STEP) or (other is not None and self._stepped(other)) for f, other in inner)

    def at(self, terms: Iterable[Term], step: Factor, there: bool, limits: Sequence[Constraint]) -> Iterator[Term]:
        """The terms where the step is 1, or where it is 0."""
        for term in terms:
            if step in term.factors and not there:
                continue
            found = [replace(term, factors=())]
            for factor in term.factors:
                one = self._argument(factor)
                if factor == step:
                    continue
                row = [Term(Fraction(1), (), (factor,))]
                if one is not None and self._stepped(one):
                    inner = [tuple(collected(self.at(a, step, there, limits))) for a in self._inner(one, factor.index)]
                    row = list(applied(factor.tensor.partition("(")[0], inner, limits, self.scope.of_sum))
                found = list(multiplied(found, row))
            yield from found
