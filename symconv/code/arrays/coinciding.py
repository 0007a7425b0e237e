"""Where positions are equal: ``y[:, None] == np.arange(C)``."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from symconv.code.arrays.grids import Grid, common
from symconv.code.arrays.indexed import by_labels, over_axes
from symconv.code.arrays.walk import Walk
from symconv.notation.affine import Affine
from symconv.notation.expr import equal
from symconv.prove.meaning.value import Term, Value

__all__ = ["coinciding"]


def coinciding(walk: Walk, left: Grid | Affine, right: Grid | Affine) -> Value:
    """1 where both are equal, else 0."""
    sides = [one if isinstance(one, Grid) else Grid((), one) for one in (left, right)]
    axes, (a, b), labels = common(walk.fresh, sides, walk.alike)
    term = Term(Fraction(1), (), (), tuple(one.name for one in labels)).under(equal(a, b))
    return over_axes(walk, replace(sides[0], axes=axes), [by_labels(term, labels)])
