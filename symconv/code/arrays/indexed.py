"""Numbers that differ from cell to cell: indices of loops and arrays of positions, as elements of arrays."""

from __future__ import annotations

from fractions import Fraction

from symconv.code.arrays.grids import Grid
from symconv.code.arrays.walk import Walk
from symconv.prove.meaning import elements
from symconv.prove.meaning.indices import number_terms
from symconv.prove.meaning.value import Product, Term, Value

__all__ = ["lifted", "numbers_of", "varies"]


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
    axes, names = zip(*map(grid.axis, range(grid.rank)), strict=True) if grid.rank else ((), ())
    shown = tuple(tuple(name or walk.fresh() for name in group) for group in names)
    return Value(tuple(axes), shown, tuple(number_terms(grid.form, walk.base.context.sizes)))
