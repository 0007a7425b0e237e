"""Terms as polynomials of one field: elements, whole sums and functions of them, and what they ask for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import chain

from symconv.limits import ALGEBRA_CLEARED
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint, nonnegative
from symconv.prove.algebra.divisors import not_zero_either
from symconv.prove.algebra.field import Field
from symconv.prove.algebra.named import Named, names_its_sum
from symconv.prove.algebra.subsums import Sums, extents_of
from symconv.prove.algebra.variables import (
    Base,
    Frozen,
    Polynomial,
    Whole,
    added,
    constant,
    element,
    frozen,
    size,
)
from symconv.prove.meaning.atoms import OF_SUM, is_atom, told_sum
from symconv.prove.meaning.indices import INDEX, connected
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Factor, Term
from symconv.prove.meaning.whole_sums import WholeSums
from symconv.relation.collecting import plain
from symconv.relation.sets import System, feasible, implied

__all__ = ["Facts", "Positive", "Reader"]

_WORD = re.compile(r"(-?\d+(?:/\d+)?)((?:\*\(\w+\)\^-?\d+)*)((?:\*[A-Za-z_]\w*\{\d+\})*)\Z")
_SIZE = re.compile(r"\*\((\w+)\)\^(-?\d+)")
_PLACE = re.compile(r"\*([A-Za-z_]\w*)\{(\d+)\}")

Facts = Collection[Constraint]
Positive = Mapping[Base, frozenset[Constraint]]


class Reader:
    """Terms as polynomials of one field; sums that functions are of are looked into, or have names where ``named``."""

    def __init__(self, scope: Scope, positive: Positive, told: bool = False, by_steps: bool = False,
                 named: Named | None = None) -> None:  # fmt: skip
        self.scope = scope
        self.named = named
        # Of the truth only that counts which is asked for at every cell: not what an empty sum may hold.
        self.told = told
        self.everywhere: dict[Base, Base] = {}
        self.asked: dict[Base, frozenset[Constraint]] = {}
        self.unless_empty: dict[Base, frozenset[str]] = {}
        """What is asked for unless one of these sizes is 0: a sum over a batch without samples asks for nothing."""
        self.depth = 0
        self.field = Field(by_steps)
        self.sums = Sums(self.field, self._counts, self.form, named is None, scope.labels)
        self.sums.positive = positive
        self.known: dict[tuple[str, int, tuple[str, ...], Facts], tuple[Polynomial, frozenset[Base]]] = {}
        self.sizes: dict[str, bool] = {}
        self.names: dict[tuple[int, int], str] = {}

    def terms(self, terms: Iterable[Term], facts: Facts) -> Polynomial:
        """The sum of terms where ``facts`` hold."""
        found = (plain(term) for term in terms)
        return added(*(self._term(one, facts) for one in found if one is not None))

    def _term(self, term: Term, facts: Facts) -> Polynomial:
        if term.tables:
            raise Undecided("a table of constants in the algebra of both sides")
        if self._nowhere({*facts, *term.where}):
            return {}
        term = self._named(term)
        kept = self._needed(term, facts)
        here = frozenset((*facts, *term.where))
        outside, self.field.domains = self.field.domains, set()
        self.depth += 1
        before, self.sums.facts = self.sums.facts, here
        parts = [constant(term.coefficient), *map(self.sums.condition, kept)]
        parts += [self.field.power(self.form(form), Fraction(power)) for form, power in term.scale]
        parts += [self._factor(factor, here) for factor in term.factors]
        product = self.field.times(*parts)
        self.depth -= 1
        self.sums.facts = before
        # Names are put in order from here on, which asks for the same again.
        asked, self.field.domains = self.field.domains, set()
        result = self.sums.total(product, term.bound)
        found = {one for base in asked if (one := self._located(base, kept, term.bound, facts)) is not None}
        self.field.domains = outside | found
        return result

    def _named(self, term: Term) -> Term:
        """The term with the same names for what it sums over as all that stand as deep: equal sums are met again."""
        places = [(self.depth, at) for at in range(len(term.bound))]
        names = tuple(self.names.setdefault(one, self.scope.fresh()) for one in places)
        put = {old: var(new) for old, new in zip(term.bound, names, strict=True)}
        return replace(term.substitute(put), bound=names)

    def _located(self, base: Base, kept: list[Constraint], bound: Sequence[str], facts: Facts) -> Base | None:
        """What a term asks for, with the cells for which it does; None where that is not told and has to be."""
        if not all(map(self.sums.condition, kept)):
            return None  # nowhere
        one, others = self.sums.located(base, kept, bound)
        if self.told:
            extents = [extents_of(names, body) for names, body in others]
            open_ = {e for each in extents for e in each or () if not self._follows(nonnegative(e - 1), facts)}
            if open_ or not all(extents):
                sizes = frozenset(name for e in open_ for name in e.names() if e == var(name))
                if all(extents) and len(sizes) == len(open_) and base.names.isdisjoint(bound) and not self.depth:
                    self.unless_empty[base] = sizes
                return None
        if base.names.isdisjoint(bound):
            self.everywhere[one] = base
            if not self.depth:
                self.asked[base] = frozenset(kept)
        return one

    def asked_anyway(self, base: Base, known: set[Base]) -> bool:
        """Whether it is among what is known, for these cells or for all, or a product of that."""
        there = self.everywhere.get(base, base)
        return not known.isdisjoint((base, there)) or not_zero_either(self.field, there, known)

    def _needed(self, term: Term, facts: Facts) -> list[Constraint]:
        """The conditions of a term that do not follow from the others and from the facts."""
        kept = sorted(set(term.where) - set(facts), key=str)
        for one in list(kept):
            others = [other for other in kept if other != one]
            if self._follows(one, (*facts, *others)):
                kept = others
        return kept

    def _nowhere(self, conditions: set[Constraint]) -> bool:
        """Whether the conditions of a term hold for no numbers: a part of an axis that has none of another."""
        dims = {name for one in conditions for name in one.form.names()} - set(self.scope.region.context.sizes)
        system = System(tuple(sorted(dims)), tuple(sorted(conditions, key=str)))
        return not feasible(self.scope.region.context, system)

    def _follows(self, condition: Constraint, facts: Facts) -> bool:
        if condition.form.is_constant:
            return condition.form.constant == 0 if condition.equality else condition.form.constant >= 0
        sizes = set(self.scope.region.context.sizes)
        if condition.form.names() <= sizes:
            return self.scope.region.always(condition)
        used = connected(condition.form.names(), facts, sizes)
        dims = {name for one in (condition, *used) for name in one.form.names()} - sizes
        system = System(tuple(sorted(dims)), tuple(sorted(used, key=str)))
        return implied(self.scope.region.context, system, condition)

    def form(self, form: Affine) -> Polynomial:
        """A form over sizes and indices as a polynomial."""
        form = self.scope.names.definitions.get(form, form)
        parts = [constant(Fraction(form.constant))]
        for atom, factor in form.terms:
            one = Affine(((atom, 1),))
            base = size(atom) if isinstance(atom, str) and self._counts(one) else element("size", (one,))
            parts.append({((base, Fraction(1)),): Fraction(factor)})
        return added(*parts)

    def _counts(self, form: Affine) -> bool:
        if not form.names() <= set(self.scope.region.context.sizes):
            return False
        key = str(form)
        if key not in self.sizes:
            region = self.scope.region
            self.sizes[key] = region.always(nonnegative(form))
        return self.sizes[key]

    def _factor(self, factor: Factor, facts: Facts) -> Polynomial:
        if factor.tensor == INDEX:
            return self.form(factor.index[0])
        told, whole = told_sum(factor.tensor), self.scope.of_sum
        # Which element is the first largest one is told by that element too: it is no function of the sum alone.
        if told is not None and (told[0].isidentifier() or told[0].startswith("power ")):
            assert isinstance(whole, WholeSums)
            return self._of_sum(whole, *told, factor.index, facts)
        if OF_SUM not in factor.tensor and is_atom(factor.tensor):
            found = self._of_elements(factor)
            if found is not None:
                return found
        return {((element(factor.tensor, factor.index), Fraction(1)),): Fraction(1)}

    def _of_sum(
        self, whole: WholeSums, function: str, number: int, index: tuple[Affine, ...], facts: Facts
    ) -> Polynomial:
        one = whole.known[number]
        named = frozenset(name for form in index for name in form.names())
        facts = frozenset(connected(named, facts, self.scope.region.context.sizes))
        key = (function, number, tuple(map(str, index)), facts)
        if key not in self.known:
            terms = []
            for term in one.terms:
                bound = {name: self.scope.fresh() for name in term.bound}
                put = {**dict(zip(one.names, index, strict=True)), **{old: var(new) for old, new in bound.items()}}
                terms.append(replace(term.substitute(put), bound=tuple(bound.values())))
            outside, self.field.domains = self.field.domains, set()
            if (argument := self._by_name(number, function, index)) is None:
                argument = self.terms(terms, facts)
            before, self.sums.facts = self.sums.facts, facts
            applied = self.sums.applied(function, argument)
            self.sums.facts = before
            self.known[key] = applied, frozenset(self.field.domains)
            self.field.domains = outside
        polynomial, asked = self.known[key]
        self.field.domains |= asked
        return polynomial

    def _by_name(self, number: int, function: str, index: tuple[Affine, ...]) -> Polynomial | None:
        """The name of the sum that a function is of; None where it is looked into."""
        if self.named is None or not names_its_sum(function):
            return None
        return self.named.read(number, index, self._known)

    def _known(self, number: int, fresh: Sequence[str]) -> tuple[Frozen, set[Base]]:
        """A sum that a function is of, over other names, and what it divides by."""
        assert isinstance(self.scope.of_sum, WholeSums)
        one = self.scope.of_sum.known[number]
        put = dict(zip(one.names, map(var, fresh), strict=False))
        outside, self.field.domains = self.field.domains, set()
        argument = frozen(self.terms([term.substitute(put) for term in one.terms], frozenset()))
        asked, self.field.domains = self.field.domains, outside
        return argument, asked

    def _of_elements(self, factor: Factor) -> Polynomial | None:
        """A function of products of elements, whose text says what it is of."""
        function, _, rest = factor.tensor.partition("(")
        words = [_WORD.match(word) for word in rest[:-1].split(" + ")]
        forms = iter(factor.index)
        parts = []
        for word in words:
            if word is None:
                return None
            part = constant(Fraction(word.group(1)))
            for name, power in _SIZE.findall(word.group(2)):
                part = self.field.times(part, self.field.power(self.form(var(name)), Fraction(power)))
            for name, count in _PLACE.findall(word.group(3)):
                base = element(name, tuple(next(forms) for _ in range(int(count))))
                part = self.field.times(part, {((base, Fraction(1)),): Fraction(1)})
            parts.append(part)
        return self.sums.applied(function, added(*parts))

    def is_zero(self, polynomial: Polynomial) -> bool:
        """Whether nothing is left once denominators are multiplied out."""
        for _ in range(ALGEBRA_CLEARED):
            lowest: dict[Base, Fraction] = {}
            for base, power in chain.from_iterable(polynomial):
                if isinstance(base.node, Whole) and power < 0:
                    lowest[base] = min(power, lowest.get(base, power))
            if not lowest:
                return not polynomial
            polynomial = self.field.raised(polynomial, {base: -power for base, power in lowest.items()}, Fraction(1))
        return False
