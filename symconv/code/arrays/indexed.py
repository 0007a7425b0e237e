"""Numbers that differ from cell to cell: indices of loops and arrays of positions, as elements of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from symconv.code.arrays.grids import Grid, Label
from symconv.code.arrays.walk import Walk
from symconv.prove.meaning import elements
from symconv.prove.meaning.indices import number_terms
from symconv.prove.meaning.value import Product, Term, Value

__all__ = ["at_extremes", "by_labels", "lifted", "numbers_of", "over_axes", "varies"]


def varies(walk: Walk, number: Product) -> bool:
    """Whether a number is made of the index of a loop."""
    return any(form.names() & set(walk.indices) for form, _ in number.monomial)


def lifted(walk: Walk, number: Product) -> Value:
    """A number that may be made of the index of a loop, as an array without axes."""
    if not varies(walk, number):
        return Value((), (), (Term(number.coefficient, number.monomial, ()),) if number.coefficient else ())
    result = Value((), (), (Term(number.coefficient, (), ()),))
    for form, power in number.monomial:
        one = Value((), (), tuple(number_terms(form, walk.base.context.sizes)))
        one = elements.mapped(walk, "reciprocal", one) if power < 0 else one
        for _ in range(abs(power)):
            result = elements.elementwise(walk, "*", result, one, str(Fraction(power)))
    return result


def numbers_of(walk: Walk, grid: Grid) -> Value:
    """An array of positions as an array of numbers."""
    labels = tuple(one.name for one in grid.labels)
    terms = number_terms(grid.form, walk.base.context.sizes)
    bound = (replace(term, bound=(*term.bound, *labels)) for term in terms)
    return over_axes(walk, grid, [by_labels(term, grid.labels) for term in bound])


def over_axes(walk: Walk, grid: Grid, terms: Sequence[Term]) -> Value:
    """An array over the axes of positions, from terms over their names."""
    axes, names = zip(*map(grid.axis, range(grid.rank)), strict=True) if grid.rank else ((), ())
    shown = tuple(tuple(name or walk.fresh() for name in group) for group in names)
    return Value(tuple(axes), shown, tuple(terms))


def by_labels(term: Term, labels: Sequence[Label]) -> Term:
    """The term where labels are what their names say."""
    whole = replace(term, factors=(*term.factors, *(one.factor for one in labels if one.factor)))
    return whole.under(*(c for one in labels for c in one.limits))


def at_extremes(term: Term, labels: Sequence[Label]) -> Term:
    """The term with the extreme itself for the element that is read where the extreme is.

    Of all elements one is the first extreme one: a label that nothing else asks for is left out.
    """
    for label in labels:
        if label.extreme is None or label.extreme[0] not in term.factors or label.factor not in term.factors:
            continue
        element, best = label.extreme
        whole = list(term.factors)
        whole[whole.index(element)] = best
        term = replace(term, factors=tuple(whole))
        whole.remove(label.factor)
        where = tuple(c for c in term.where if c not in label.limits)
        forms = [form for one in whole for form in one.index] + [form for one in term.tables for form in one.index]
        forms += [*(c.form for c in where), *(form for form, _ in term.scale)]
        if label.name in term.bound and not any(label.name in form.names() for form in forms):
            bound = tuple(name for name in term.bound if name != label.name)
            term = replace(term, factors=tuple(whole), bound=bound, where=where)
    return term
