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

__all__ = ["by_labels", "lifted", "numbers_of", "over_axes", "varies"]


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
    whole = replace(term, factors=(*term.factors, *(one.factor for one in labels)))
    return whole.under(*(c for one in labels for c in one.limits))
