"""Comparisons of positions: ``y[:, None] == np.arange(C)``, ``np.arange(T) <= np.arange(T)[:, None]``; their masks."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain

from symconv.code.arrays.grids import Grid, common
from symconv.code.arrays.indexed import by_labels, over_axes
from symconv.code.arrays.walk import Walk
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint, equal, nonnegative
from symconv.prove.meaning.functions import applied
from symconv.prove.meaning.value import Term, Value, build, inside, read

__all__ = ["above", "compared_positions", "of_places", "opposite_places"]

_SIDES: dict[str, Callable[[Affine, Affine], Constraint]] = {
    "eq": equal,
    "ge": lambda a, b: nonnegative(a - b),
    "gt": lambda a, b: nonnegative(a - b - 1),
    "le": lambda a, b: nonnegative(b - a),
    "lt": lambda a, b: nonnegative(b - a - 1),
}
_OF_NUMBERS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt,
}  # fmt: skip
_CERTAIN = Term(Fraction(1), (), ())


def compared_positions(walk: Walk, op: str, left: Grid | Affine, right: Grid | Affine) -> Value:
    """1 where ``left op right`` holds, else 0, for ``eq ge gt le lt``."""
    sides = [one if isinstance(one, Grid) else Grid((), one) for one in (left, right)]
    axes, (a, b), labels = common(walk.fresh, sides, walk.alike)
    term = replace(_CERTAIN, bound=tuple(one.name for one in labels)).under(_SIDES[op](a, b))
    return over_axes(walk, replace(sides[0], axes=axes), [by_labels(term, labels)])


def above(walk: Walk, op: str, over: Value) -> Value:
    """1 where ``over op 0`` holds, else 0."""

    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        limits = [c for one, group in zip(over.axes, groups, strict=True)
                  for form, size in zip(group, one.sizes, strict=True) for c in inside(form, size)]  # fmt: skip
        limits += [c for _, around in walk.around for c in around]
        return applied(op, [list(read(walk.fresh, over, groups)), []], limits, walk.of_sum)

    return build(walk.fresh, over.axes, body)


def opposite_places(mask: Value) -> Value | None:
    """1 where a mask is 0, for one that is 1 on one side of a line of positions; None for others."""
    pairs = zip(chain.from_iterable(mask.names), chain.from_iterable(one.sizes for one in mask.axes), strict=True)
    limits = {limit for name, size in pairs for limit in inside(var(name), size)}
    match mask.terms:
        case (Term() as one,) if one == replace(_CERTAIN, where=one.where):
            sides = [c for c in one.where if c not in limits]
            if len(sides) == 1 and not sides[0].equality:
                opposite = Constraint(-sides[0].form - 1)
                return replace(mask, terms=(replace(one, where=(opposite,)),))
    return None


def of_places(op: str, left: Value, right: Value) -> Value | None:
    """``left op right`` of a mask that is 1 on one side of a line of positions, and a number; None for others."""
    match right.terms:
        case (Term(number, (), (), (), (), ()),) if not right.axes:
            pass
        case () if not right.axes:
            number = Fraction(0)
        case _:
            return None
    if (opposite := opposite_places(left)) is None:
        return None
    there, elsewhere = (_OF_NUMBERS[op](Fraction(one), number) for one in (1, 0))
    if there != elsewhere:
        return left if there else opposite
    return replace(left, terms=(_CERTAIN,) if there else ())
