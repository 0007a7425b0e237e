"""Rows of arrays: labels, one-hot rows, and rows that are counted along a product of lengths (``np.arange(N * T)``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod

from symconv.code.arrays.grids import Grid, Label, Same, form_of, total_of
from symconv.notation.affine import Affine, affine, var
from symconv.prove.language.labels import is_selector
from symconv.prove.meaning.amounts import as_product, product_of
from symconv.prove.meaning.scope import Undecided
from symconv.prove.meaning.value import Amount, Factor, Fresh, Product, Term, Value

__all__ = ["by_length", "counted_rows", "labelled", "lengths_of_rows", "refitted", "selector_of"]


def counted_rows(fresh: Fresh, count: Product) -> Grid:
    """``k`` for ``0 <= k < count``, a product of lengths."""
    name = fresh()
    return Grid((((name, count),),), var(name))


def lengths_of_rows(rows: Grid, grids: Sequence[Grid]) -> list[Affine]:
    """The lengths whose product rows are counted along, in the order of the positions beside them."""
    for one in grids:
        if one.rank == 1 and not one.counts_rows and total_of(one.axes[0]) == rows.axes[0][0][1]:
            return [form_of(size) for _, size in one.axes[0]]
    raise Undecided("rows that are counted along a product of lengths, with no positions of each of them beside")


def by_length(fresh: Fresh, rows: Grid, grids: Sequence[Grid]) -> Iterator[Grid]:
    """Counted rows as the position along each of the lengths."""
    factors = tuple((fresh(), as_product(size)) for size in lengths_of_rows(rows, grids))
    yield from (Grid((factors,), var(name)) for name, _ in factors)


def refitted(grid: Grid, shape: Sequence[Amount], same: Same) -> Grid:
    """The grid with lengths that a shape has, where ``same`` says that those in their places are equal.

    Labels of N x T are arranged as as many rows as an array of other lengths has.
    """
    wanted, factors = prod(map(as_product, shape), start=Product(Fraction(1))), [f for one in grid.axes for f in one]
    if affine(-1) in shape or total_of(factors) == wanted:
        return grid
    forms = [form for form, power in wanted.monomial for _ in range(power)]
    own = [product_of(size) for _, size in factors]
    left = [one for one in own if one not in forms]
    others = [one for one in forms if one not in own]
    if len(left) != len(others) or not all(
        isinstance(a, Affine) and same(a, b) for a, b in zip(left, others, strict=True)
    ):
        return grid
    put = dict(zip(map(str, left), others, strict=True))
    axes = (tuple((name, as_product(put.get(str(size), product_of(size)))) for name, size in one) for one in grid.axes)
    return replace(grid, axes=tuple(axes))


def labelled(fresh: Fresh, selector: str, value: Value) -> Grid:
    """The labels whose selector is an operand with one more axis, that of the classes."""
    *axes, classes = value.axes
    if len(classes.sizes) != 1 or any(len(one.sizes) > 1 for one in axes):
        raise Undecided("labels below 1, or along a product of sizes")
    names = [fresh() if one.sizes else "" for one in axes]
    own = fresh()
    label = Label(own, Factor(selector, (*(var(name) for name in names if name), var(own))), classes.sizes[0])
    factors = [((name, as_product(one.sizes[0])),) if name else () for name, one in zip(names, axes, strict=True)]
    return Grid(tuple(factors), var(label.name), (label,))


def selector_of(value: Value) -> str | None:
    """The selector that an array is as a whole: one-hot rows, whose largest elements are at the labels."""
    match value.terms:
        case (Term(Fraction(numerator=1, denominator=1), (), (Factor(name, index),), (), (), ()),) if is_selector(name):
            return name if index == tuple(var(one) for group in value.names for one in group) else None
    return None
