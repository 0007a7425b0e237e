"""What instances touch, for all sizes: outside of an array, twice, or not at all."""

from __future__ import annotations

from collections.abc import Sequence

import islpy as isl

from symconv.relation.counting import Layer, cells
from symconv.relation.points import Instances, Word, coordinates, flat, names_in, near, point_of, read, union
from symconv.relation.products import disjoint, images, products
from symconv.relation.sets import Context
from symconv.relation.sums import layers_of
from symconv.relation.told import condition_text

__all__ = ["apart_cells", "escapes", "meeting", "repeated", "uncovered"]


def escapes(context: Context, points: Instances, sizes: Sequence[Word]) -> str | None:
    """A point whose image leaves ``0 <= image < sizes``, as text; None where there is none."""
    for form, size in zip(points.image, sizes, strict=True):
        for wrong in (f"{form.text} < 0", f"{form.text} >= {size.text}"):
            facts, dims = near(points, names_in(wrong) & set(points.dims))
            if not point_of(context, read(isl.Set, context, dims, (), (*facts, Word(wrong)))):
                continue
            # What says that an instance never runs may be about other indices alone.
            if point := point_of(context, read(isl.Set, context, points.dims, (), (*points.facts, Word(wrong)))):
                return point
    return None


def repeated(context: Context, pieces: Sequence[Instances]) -> str | None:
    """A point that several instances touch, as text; None where there is none."""
    if (found := products(context, pieces, coordinates(pieces))) is not None and disjoint(found):
        return None
    layers = [Layer(1, points) for piece in pieces for points in layers_of(context, piece)]
    often = (point_of(context, points) for weights, points in cells(layers) if len(weights) > 1)
    return next((point for point in often if point), None)


def uncovered(context: Context, inner: Sequence[Instances], outer: Sequence[Instances]) -> str | None:
    """A point that ``inner`` touches and ``outer`` does not, as text; None where there is none."""
    groups = coordinates([*inner, *outer])
    some, other = (images(context, side, groups) for side in (inner, outer))
    left = [one for one in some if not any(all(map(isl.Set.is_subset, one, two)) for two in other)]
    if not left:
        return None
    rest = union([flat(one) for one in left])
    return point_of(context, rest.subtract(union([flat(two) for two in other])) if other else rest)


def apart_cells(context: Context, pieces: Sequence[Instances], taken: Sequence[Instances]) -> list[Instances]:
    """What ``pieces`` touch and ``taken`` do not, in parts, each with variables of its own for its cell."""
    groups = [tuple(range(len(pieces[0].image)))]
    some, other = (union([flat(one) for one in images(context, side, groups)]) for side in (pieces, taken))
    rest = some.subtract(other).coalesce().make_disjoint()
    names = tuple(f"cell{k}_" for k in range(len(pieces[0].image)))
    image = tuple(map(Word, names))
    return [Instances(names, (Word(condition_text(part, names)),), image) for part in rest.get_basic_sets()]


def meeting(context: Context, one: Instances, other: Instances) -> str | None:
    """A point that both touch, as text; None where there is none."""
    groups = coordinates([one, other])
    sides = [images(context, [side], groups)[0] for side in (one, other)]
    both = [a.intersect(b) for a, b in zip(*sides, strict=True)]
    return None if any(part.is_empty() for part in both) else point_of(context, flat(both))
