"""The conditions a set of sizes is made of, and a short formula over given conditions that describes it exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from math import gcd

import islpy as isl

from symconv.limits import (
    DESCRIPTION_LITERALS,
    DESCRIPTION_OPERATIONS,
    DESCRIPTION_POOL,
    DESCRIPTION_PRODUCTS,
    DESCRIPTION_WIDTH,
)
from symconv.notation.affine import Affine, Quotient, affine, quotient, var
from symconv.notation.expr import Constraint
from symconv.relation.effort import ExhaustedError, effort
from symconv.relation.regions import Region

__all__ = ["Literal", "Terms", "described", "literals_of", "opposed", "weight"]

_MIXED = 60


@dataclass(frozen=True, slots=True)
class Literal:
    """A constraint, or its opposite."""

    constraint: Constraint
    positive: bool = True

    @property
    def opposite(self) -> Literal:
        """What holds where this does not."""
        return Literal(self.constraint, not self.positive)

    def region(self, domain: Region) -> Region:
        """The sizes of ``domain`` it holds for."""
        kept = domain.where(self.constraint)
        return kept if self.positive else domain.minus(kept)

    @property
    def weight(self) -> int:
        """How much there is to read; a remainder is read best alone."""
        form = self.constraint.form
        quotients = [atom for atom, _ in form.terms if isinstance(atom, Quotient)]
        plain = {atom for atom, _ in form.terms if isinstance(atom, str)}
        mixed = len(quotients) > 1 or any(not plain <= atom.numerator.names() for atom in quotients)
        deep = sum(3 + len(atom.numerator.terms) for atom in quotients)
        return 4 * len(form.terms) + 4 * deep + min(abs(form.constant), 9) + self._sign + _MIXED * mixed

    @property
    def _sign(self) -> int:
        if not self.constraint.equality:
            return 3
        return 0 if self.positive else 1


Terms = tuple[tuple[Literal, ...], ...]
"""A disjunction of conjunctions."""


def literals_of(region: Region) -> Iterator[Constraint]:
    """Every constraint of the parts a set consists of."""
    for part in region.points.compute_divs().get_basic_sets():
        for constraint in part.get_constraints():
            if not constraint.is_equality() and not constraint.get_aff().is_cst():
                yield Constraint(_form(constraint.get_aff()))
            elif constraint.is_equality():
                yield Constraint(_form(constraint.get_aff()), True)


def _form(aff: isl.Aff) -> Affine:
    """An isl form times its denominator."""
    bottom = int(aff.get_denominator_val().to_python())
    total = affine(int((aff.get_constant_val() * bottom).to_python()))
    space = aff.get_domain_space()
    for k in range(aff.dim(isl.dim_type.param)):
        factor = int((aff.get_coefficient_val(isl.dim_type.param, k) * bottom).to_python())
        total = total + var(space.get_dim_name(isl.dim_type.param, k)) * factor
    for k in range(aff.dim(isl.dim_type.div)):
        factor = int((aff.get_coefficient_val(isl.dim_type.div, k) * bottom).to_python())
        if factor:
            inner = aff.get_div(k)
            total = total + quotient(_form(inner), int(inner.get_denominator_val().to_python())) * factor
    return total


def described(target: Region, outside: Region, domain: Region, asked: Iterable[Constraint]) -> Terms | None:
    """A short disjunction of conjunctions that holds in ``domain`` exactly on ``target``; None where none is found.

    ``outside`` is the rest of ``domain``. Conditions are tried in the order of how much there is to read; ``asked``
    come from the user's own words.
    """
    with suppress(ExhaustedError), effort(DESCRIPTION_OPERATIONS):
        return _described(target, outside, domain, asked)
    return None


def opposed(terms: Terms, target: Region, domain: Region) -> Terms | None:
    """The same of what ``terms`` do not hold for, which is ``target``, by De Morgan's law; None where it grows long."""
    with suppress(ExhaustedError), effort(DESCRIPTION_OPERATIONS):
        return _opposed(terms, target, domain)
    return None


def weight(terms: Terms) -> int:
    """How much there is to read in a description."""
    return sum(2 + literal.weight for term in terms for literal in term)


def _opposed(terms: Terms, target: Region, domain: Region) -> Terms | None:
    products: list[tuple[Literal, ...]] = [()]
    for term in terms:
        products = [(*chosen, literal.opposite) for chosen in products for literal in term]
        if len(products) > DESCRIPTION_PRODUCTS:
            return None
    kept: list[tuple[Literal, ...]] = []
    for product in products:
        region = _meet([domain, *(literal.region(domain) for literal in product)])
        if not region.empty:
            kept.append(_shortest(dict.fromkeys([*_fixed(region, domain), *product]), target, domain))
    kept = list(dict.fromkeys(kept))
    regions = [_meet([domain, *(literal.region(domain) for literal in term)]) for term in kept]
    return _needed(kept, regions, target) if kept else ()


def _fixed(region: Region, domain: Region) -> Iterator[Literal]:
    """The sizes that have one value only."""
    for name in domain.context.sizes:
        value = region.constant(var(name))
        if value is not None and domain.constant(var(name)) is None:
            yield Literal(Constraint(var(name) - value, True))


def _shortest(literals: Iterable[Literal], target: Region, domain: Region) -> tuple[Literal, ...]:
    """The conditions that are needed to stay within ``target``; long ones go first."""
    held = {literal: literal.region(domain) for literal in literals}
    for literal in sorted(held, key=lambda one: -one.weight):
        others = [region for other, region in held.items() if other != literal]
        if others and _meet(others).within(target):
            del held[literal]
    return tuple(held)


def _described(target: Region, outside: Region, domain: Region, asked: Iterable[Constraint]) -> Terms | None:
    if target.empty:
        return ()
    if outside.empty:
        return ((),)
    literals = _useful(target, outside, domain, asked)
    terms: list[tuple[Literal, ...]] = []
    regions: list[Region] = []
    covered = target.minus(target)
    for width in range(1, DESCRIPTION_WIDTH + 1):
        pool = literals if width < DESCRIPTION_WIDTH else literals[:DESCRIPTION_POOL]
        for chosen in combinations(pool, width):
            held = [literal for literal, _ in chosen]
            if any(set(term) <= set(held) for term in terms):
                continue
            part = _meet([region for _, region in chosen])
            if part.empty or not part.within(target) or part.within(covered):
                continue
            terms.append(tuple(held))
            regions.append(part)
            covered = covered.union(part)
            if target.within(covered):
                return _needed(terms, regions, target)
    return None


def _meet(regions: Sequence[Region]) -> Region:
    result = regions[0]
    for other in regions[1:]:
        result = result.meet(other)
    return result


def _useful(
    target: Region, outside: Region, domain: Region, asked: Iterable[Constraint]
) -> list[tuple[Literal, Region]]:
    """Conditions that hold for some sizes of ``target`` and not for some outside, shortest first, each set once."""
    constraints = dict.fromkeys([*asked, *literals_of(_lean(target, domain)), *literals_of(_lean(outside, domain))])
    found = [Literal(form, positive) for c in constraints for form in _variants(c) for positive in (True, False)]
    result: list[tuple[Literal, Region]] = []
    for literal in sorted(dict.fromkeys(found), key=lambda one: one.weight)[: 2 * DESCRIPTION_LITERALS]:
        region = literal.region(domain)
        if region.meet(target).empty or outside.within(region):
            continue
        if any(region.same(other) for _, other in result):
            continue
        result.append((literal, region))
    return result[:DESCRIPTION_LITERALS]


def _variants(constraint: Constraint) -> Iterator[Constraint]:
    content = gcd(*(factor for _, factor in constraint.form.terms)) if constraint.form.terms else 1
    if constraint.form.is_constant:
        return
    if content > 1 and constraint.form.constant % content == 0:
        terms = tuple((atom, factor // content) for atom, factor in constraint.form.terms)
        constraint = Constraint(Affine(terms, constraint.form.constant // content), constraint.equality)
    yield constraint
    if constraint.equality:
        yield Constraint(constraint.form)
        yield Constraint(-constraint.form)


def _lean(region: Region, domain: Region) -> Region:
    return Region(region.context, region.points.gist(domain.points).coalesce())


def _needed(terms: Sequence[tuple[Literal, ...]], regions: Sequence[Region], target: Region) -> Terms:
    kept = list(range(len(terms)))
    for k in sorted(kept, key=lambda k: -sum(literal.weight for literal in terms[k])):
        others = [regions[j] for j in kept if j != k]
        if others and target.within(_union(others)):
            kept.remove(k)
    return tuple(terms[k] for k in kept)


def _union(regions: Sequence[Region]) -> Region:
    result = regions[0]
    for other in regions[1:]:
        result = result.union(other)
    return result
