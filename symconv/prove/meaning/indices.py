"""Indices that are numbers, as in ``(i + 1)*x[i]``: elements of an operand that holds its own index.

What is equal whatever this operand holds is equal; that unequal sums of it differ is not claimed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from fractions import Fraction

from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint, nonnegative
from symconv.prove.meaning.value import Factor, Term, multiplied, scaled
from symconv.relation.terms import as_product

__all__ = ["INDEX", "connected", "number_terms", "spread"]

INDEX = "index()"


def number_terms(form: Affine, sizes: Collection[str]) -> list[Term]:
    """A whole number made of indices and sizes: a term for each index, and one for the sizes."""
    own = {Affine(((atom, 1),)): factor for atom, factor in form.terms}
    own = {one: factor for one, factor in own.items() if not one.names() <= set(sizes)}
    terms = [Term(Fraction(factor), (), (Factor(INDEX, (one,)),)) for one, factor in own.items()]
    rest = as_product(form - sum((one * factor for one, factor in own.items()), Affine()))
    return [*terms, Term(rest.coefficient, rest.monomial, ())] if rest.coefficient else terms


def _counted(term: Term, sizes: Collection[str]) -> Iterator[Term]:
    """The term with a summation index that only counts, from one bound to another, as the number of its values."""
    for name in term.bound:
        about = [c for c in term.where if name in c.form.names()]
        used = any(name in form.names() for factor in term.factors for form in factor.index) or term.tables
        if used or any(c.equality or abs(c.form.coefficient(name)) != 1 for c in about):
            continue
        lows = [var(name) - c.form for c in about if c.form.coefficient(name) == 1]
        highs = [c.form + var(name) for c in about if c.form.coefficient(name) == -1]
        others = {n for form in (*lows, *highs) for n in form.names()}
        if len(lows) == len(highs) == 1 and name not in others and not others <= {*sizes, *term.bound}:
            extent = highs[0] - lows[0] + 1
            kept = tuple(c for c in term.where if c not in about)
            rest = replace(term, bound=tuple(b for b in term.bound if b != name), where=(*kept, nonnegative(extent)))
            for one in multiplied([rest], number_terms(extent, sizes)):
                yield from _counted(one, sizes)
            return
    yield term


def spread(term: Term, sizes: Collection[str]) -> Iterator[Term]:
    """The term as a sum in which every index that is a number stands alone."""
    for one in _counted(term, sizes):
        yield from _spread(one, sizes)


def _spread(term: Term, sizes: Collection[str]) -> Iterator[Term]:
    equations = frozenset(c.form for c in term.where if c.equality)
    found = [replace(term, factors=tuple(factor for factor in term.factors if factor.tensor != INDEX))]
    for factor in (one for one in term.factors if one.tensor == INDEX):
        found = list(multiplied(found, _solved(factor.index[0], equations, term.bound, sizes)))
    yield from found


def _solved(form: Affine, equations: frozenset[Affine], bound: Collection[str], sizes: Collection[str]) -> list[Term]:
    """A number by terms; a summation index that an equation gives stands for what it is equal to."""
    found: list[Term] = []
    for term in number_terms(form, sizes):
        name = term.factors[0].index[0].name if term.factors else None
        given = [one for one in equations if name in bound and one.coefficient(name)] if name else []
        if name and given:
            one = min(given, key=str)
            factor = one.coefficient(name)
            rest = _solved(one - var(name) * factor, equations - {one}, bound, sizes)
            found += scaled(rest, -term.coefficient / factor)
        else:
            found.append(term)
    return found


def connected(names: frozenset[str], facts: Collection[Constraint], sizes: Collection[str]) -> set[Constraint]:
    """The facts that share indices with ``names``, directly or by way of others."""
    names = names - set(sizes)
    used: set[Constraint] = set()
    while True:
        new = {one for one in facts if one not in used and not one.form.names().isdisjoint(names)}
        if not new:
            return used
        used |= new
        names = names.union(*(one.form.names() for one in new)) - set(sizes)
