"""Lengths of axes: of arrays as one form, of labels as those of the loop that goes through them."""

from __future__ import annotations

from collections.abc import Iterator

from symconv.code.arrays.grids import Grid
from symconv.code.arrays.walk import Walk
from symconv.notation.affine import Affine, affine, quotient
from symconv.prove.meaning import arrays
from symconv.prove.meaning.addresses import Position, read_at
from symconv.prove.meaning.scope import Undecided
from symconv.prove.meaning.value import Term, Value, axis, build

__all__ = ["length_of", "repeated_along", "through"]


def length_of(walk: Walk, value: Value | Grid, position: int) -> Affine:
    """The length of an axis as one form."""
    size = value.size(position) if isinstance(value, Grid) else arrays.length(walk, value, position)
    if not isinstance(size, Affine):
        raise Undecided("positions along a product of sizes")
    return walk.short(size)


def through(walk: Walk, value: Value | Grid, form: Affine, size: Affine) -> None:
    """Asks whether a loop goes through all labels where they are read by its index, and not through some of them."""
    if not isinstance(value, Grid) or not value.labels or form.name is None:
        return
    for names, limits in walk.around:
        for one in limits if form.name in names else ():
            if not one.equality and one.form.coefficient(form.name) == -1:
                walk.alike(one.form + form + 1, size)


def repeated_along(walk: Walk, value: Value, times: int, position: int) -> Value:
    """Every element of an axis so many times."""
    one = value.axes[position]
    size = arrays.length(walk, value, position)
    axes = [axis(size * times) if k == position else old for k, old in enumerate(value.axes)]
    if one.size is None:
        raise Undecided(f"an axis of length {one} is repeated")

    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        at = groups[position][0] if groups[position] else affine(0)
        places: list[Position] = [quotient(at, times) if k == position else g for k, g in enumerate(groups)]
        return read_at(walk.fresh, value, places)

    return build(walk.fresh, axes, body)
