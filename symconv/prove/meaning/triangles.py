"""Running sums and triangles: what an element takes from those before it on an axis."""

from __future__ import annotations

from collections.abc import Iterator

from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import nonnegative
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Term, Value, bound_over, build, read

__all__ = ["running", "triangle"]


def running(scope: Scope, value: Value, axis: int) -> Value:
    """The sums up to each element of an axis, itself among them."""
    if len(value.axes[axis].sizes) > 1:
        raise Undecided(f"a running sum along {value.axes[axis]}, a product of sizes")

    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        if not groups[axis]:
            yield from read(scope.fresh, value, groups)
            return
        name = scope.fresh()
        earlier = (*groups[:axis], (var(name),), *groups[axis + 1 :])
        for term in bound_over(read(scope.fresh, value, earlier), (name,)):
            yield term.under(nonnegative(groups[axis][0] - var(name)))

    return build(scope.fresh, value.axes, body)


def triangle(scope: Scope, value: Value, lower: bool, diagonal: Affine) -> Value:
    """The elements on one side of a diagonal of the last two axes, and on it; zeros elsewhere."""
    if any(len(one.sizes) > 1 for one in value.axes[-2:]):
        raise Undecided("a triangle over a product of sizes")

    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        row, column = (group[0] if group else affine(0) for group in groups[-2:])
        above = column - row - diagonal
        for term in read(scope.fresh, value, groups):
            yield term.under(nonnegative(-above if lower else above))

    return build(scope.fresh, value.axes, body)
