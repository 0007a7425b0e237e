"""Two sums over instances, compared for all sizes: how much each point counts, in exact rational numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import islpy as isl

from symconv.relation.balance import unbalanced
from symconv.relation.counting import Layer, layered
from symconv.relation.equality import remainders
from symconv.relation.points import Instances, UnclearError, Word, coordinates, flat, point_of, read, some_point, union
from symconv.relation.products import disjoint, products, unequal
from symconv.relation.sets import Context
from symconv.relation.terms import Product

__all__ = ["Counted", "difference_of", "layers_of", "once", "other_points"]

_Pieces = Sequence[Instances]
_Sides = tuple[list[Instances], list[Instances]]
_Layers = list[Layer[Product]]


@dataclass(frozen=True, slots=True)
class Counted:
    """Instances of which each counts ``times`` at the point that it touches."""

    points: Instances
    times: Fraction


def once(pieces: Iterable[Instances]) -> list[Counted]:
    """Instances that count 1 each."""
    return [Counted(piece, Fraction(1)) for piece in pieces]


def difference_of(context: Context, expected: Iterable[Counted], found: Iterable[Counted]) -> str | None:
    """A point that counts more or less in ``found`` than in ``expected``, as text; None where there is none.

    Raises UnclearError where more and more instances have the same image and the variables of both sides do not tell
    them apart.
    """
    # Sides that are equal number by number are equal, which products of small sets show soonest.
    said = {times: (sides, _by_products(context, *sides)) for times, sides in _by_number(expected, found).items()}
    left = {times: sides for times, (sides, text) in said.items() if text != ""}
    if len(left) == 1 and (text := said[next(iter(left))][1]):
        return text
    if not left:
        return None
    if (text := _by_balance(context, left)) is not None:
        return text or None
    try:
        want, got = ([one for times, both in left.items() for one in _weighed(context, both[k], times)] for k in (0, 1))
    except UnclearError:
        if all(_same_by_name(context, *sides) for sides in left.values()):
            return None
        raise
    against = [Layer(replace(one.weight, coefficient=-one.weight.coefficient), one.points) for one in got]
    return _said(context, want, got, (part for _, part in remainders((*want, *against))))


def _by_number(expected: Iterable[Counted], found: Iterable[Counted]) -> dict[Fraction, _Sides]:
    """Both sides by how much an instance counts, like ones added up; what both sides count alike is left out."""
    want, got = (_collected(side) for side in (expected, found))
    result: dict[Fraction, _Sides] = {}
    for k, (side, other) in enumerate(((want, got), (got, want))):
        for points, times in side.items():
            if times and other.get(points) != times:
                result.setdefault(times, ([], []))[k].append(points)
    return result


def _collected(side: Iterable[Counted]) -> dict[Instances, Fraction]:
    found: dict[Instances, Fraction] = {}
    for one in side:
        found[one.points] = found.get(one.points, Fraction(0)) + one.times
    return found


def _by_products(context: Context, want: _Pieces, got: _Pieces) -> str | None:
    """How two collections differ, "" where they do not, None where pieces are no products or have common points."""
    groups = coordinates([*want, *got])
    sides = [products(context, side, groups) for side in (want, got)]
    if sides[0] is None or sides[1] is None or not (disjoint(sides[0]) and disjoint(sides[1])):
        return None
    return unequal(context, sides[0], sides[1]) or ""


def _by_balance(context: Context, sides: Mapping[Fraction, _Sides]) -> str | None:
    """How sides of several numbers differ, "" where they do not, None where pieces are no products of factors."""
    rows = [(times, k, pieces) for times, both in sides.items() for k, pieces in enumerate(both)]
    groups = coordinates([piece for _, _, pieces in rows for piece in pieces])
    found = [products(context, pieces, groups) for _, _, pieces in rows]
    if len(groups) < 2 or any(one is None for one in found):
        return None
    held = [(times, k, one) for (times, k, _), side in zip(rows, found, strict=True) for one in side or ()]
    weights = [-times if k else times for times, k, _ in held]
    want, got = ([Layer(Product(times), flat(one)) for times, k, one in held if k == side] for side in (0, 1))
    return _said(context, want, got, unbalanced(weights, [one for _, _, one in held])) or ""


def _same_by_name(context: Context, want: _Pieces, got: _Pieces) -> bool:
    """Whether the images are equal even with the variables that all pieces share shown beside them."""
    pieces = [*want, *got]
    shared = tuple(name for name in pieces[0].dims if all(name in piece.dims for piece in pieces))
    sides = ([replace(p, image=(*p.image, *map(Word, shared))) for p in side] for side in (want, got))
    return bool(want and got) and _by_products(context, *sides) == ""


def layers_of(context: Context, piece: Instances) -> tuple[isl.Set, ...]:
    """Sets whose every point is the image of one instance, as many as the most frequent image needs."""
    found = layered(_touched(context, piece))
    if not found.rest.is_empty():
        raise UnclearError("more and more instances touch the same elements")
    return found.layers


def _weighed(context: Context, pieces: _Pieces, times: Fraction) -> _Layers:
    return [Layer(Product(times), points) for piece in pieces for points in layers_of(context, piece)]


def _touched(context: Context, piece: Instances) -> isl.Map:
    return read(isl.Map, context, piece.dims, piece.image, piece.facts).reverse()


def _said(context: Context, want: _Layers, got: _Layers, parts: Iterable[isl.Set]) -> str | None:
    for part in parts:
        if (point := some_point(context, part)) is None:
            continue
        a, b = (_counted(side, isl.Set.from_point(point)) for side in (want, got))
        if a * b < 0 or (a and b and a.denominator * b.denominator > 1):
            return f"counted {b} times instead of {a}: {point}"
        again = min(abs(a), abs(b)) + 1
        return f"{'missing' if abs(a) > abs(b) else 'extra'}{f' the {again}. time' if again > 1 else ''}: {point}"
    return None


def _counted(layers: _Layers, at: isl.Set) -> Fraction:
    """What a point counts."""
    holding = (one for one in layers if not one.points.intersect(at).is_empty())
    return sum((one.weight.coefficient for one in holding), Fraction(0))


def other_points(context: Context, expected: _Pieces, found: _Pieces) -> str | None:
    """A point that one side touches and the other does not, however often, as text; None where there is none."""
    if (said := _by_products(context, expected, found)) is not None:
        return said or None
    sides = [[_touched(context, piece).domain() for piece in side] for side in (expected, found)]
    for some, other, words in ((sides[0], sides[1], "missing"), (sides[1], sides[0], "extra")):
        if some and (point := point_of(context, union(some).subtract(union(other)) if other else union(some))):
            return f"{words}: {point}"
    return None
