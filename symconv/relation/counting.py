"""How often a sum visits each point: isl sets do not count, so a sum becomes layers that hold each point once.

A layer is a set of points whose every point is visited by exactly one value of the summation indices. A sum whose
indices follow from the point is one layer; another is split by taking the lexicographically smallest indices first.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

import islpy as isl

from symconv.limits import REPEATS
from symconv.notation.affine import Affine
from symconv.notation.expr import Constraint
from symconv.relation.polyhedra import Part, made
from symconv.relation.regions import Region
from symconv.relation.texts import constraint_text

__all__ = ["Layer", "Points", "Visits", "cells", "layered", "points", "support", "visits"]

Weight = TypeVar("Weight", bound=Hashable)
Points = isl.Set


@dataclass(frozen=True, slots=True)
class Visits:
    """The points a sum visits: ``layers[k]`` are those visited more than k times, ``rest`` those beyond all layers."""

    layers: tuple[isl.Set, ...]
    rest: isl.Set


@dataclass(frozen=True, slots=True)
class Layer(Generic[Weight]):
    """Points that count ``weight`` each."""

    weight: Weight
    points: isl.Set


def visits(
    region: Region, image: Sequence[Affine], bound: Sequence[str], cell: Sequence[str], where: Iterable[Constraint]
) -> Visits:
    """How often the sum over ``bound`` under ``where`` visits each point ``image``, for the sizes of ``region``.

    ``cell`` names the indices that stand free in ``image``.
    """
    visitors = _visitors(region.context.sizes, tuple(image), tuple(bound), tuple(cell), tuple(where))
    return layered(visitors.intersect_params(region.points))


# The gradients of one function, and its repairs, share most of their terms.
@lru_cache(maxsize=4096)
def _visitors(
    sizes: tuple[str, ...], image: tuple[Affine, ...], bound: tuple[str, ...], cell: tuple[str, ...],
    where: tuple[Constraint, ...],
) -> isl.Map:  # fmt: skip
    """A map from points to the values of ``bound`` that visit them."""
    return made(isl.Map, sizes, bound, [Part(where, image)], cell).reverse()


def layered(visitors: isl.Map) -> Visits:
    """How often each point is visited, of a map from points to all that visit them."""
    layers: list[isl.Set] = []
    while len(layers) < REPEATS and not visitors.is_empty():
        layers.append(visitors.domain().coalesce())
        if visitors.is_single_valued():
            return Visits(tuple(layers), layers[0].subtract(layers[0]))
        visitors = visitors.subtract(visitors.lexmin())
    return Visits(tuple(layers), visitors.domain())


def cells(layers: Iterable[Layer[Weight]]) -> list[tuple[tuple[Weight, ...], isl.Set]]:
    """The points cut so that the same layers cover each part, with the weights of those layers.

    Layers of equal weight that share no point are one layer first; parts covered by no layer are left out.
    """
    merged: dict[Weight, list[isl.Set]] = {}
    for layer in layers:
        held = merged.setdefault(layer.weight, [])
        for position, points in enumerate(held):
            if points.is_disjoint(layer.points):
                held[position] = points.union(layer.points).coalesce()
                break
        else:
            held.append(layer.points)
    found: list[tuple[tuple[Weight, ...], isl.Set]] = []
    for weight, held in merged.items():
        for points in held:
            found = _cut(found, weight, points)
    return found


def _cut(
    found: list[tuple[tuple[Weight, ...], isl.Set]], weight: Weight, points: isl.Set
) -> list[tuple[tuple[Weight, ...], isl.Set]]:
    result = []
    left = points
    for weights, part in found:
        both = part.intersect(points)
        if both.is_empty():
            result.append((weights, part))
            continue
        result.append(((*weights, weight), both))
        outside = part.subtract(points)
        if not outside.is_empty():
            result.append((weights, outside))
        left = left.subtract(part)
    return result if left.is_empty() else [*result, ((weight,), left)]


def support(region: Region, points: isl.Set) -> Region:
    """The sizes for which a set of points is not empty."""
    return Region(region.context, points.params().intersect(region.points).coalesce())


def points(region: Region, bound: Sequence[str], where: Iterable[Constraint]) -> list[dict[str, int]]:
    """Every value of ``bound`` under ``where``, for a region that holds one value per size."""
    facts = " and ".join(map(constraint_text, where)) or "true"
    text = f"[{', '.join(region.context.sizes)}] -> {{ [{', '.join(bound)}] : {facts} }}"
    found: list[dict[str, int]] = []

    def take(point: isl.Point) -> None:
        values = (point.get_coordinate_val(isl.dim_type.set, k).to_python() for k in range(len(bound)))
        found.append(dict(zip(bound, map(int, values), strict=True)))

    held = isl.Set(text).intersect_params(region.points)
    held.project_out(isl.dim_type.param, 0, held.dim(isl.dim_type.param)).foreach_point(take)
    return found
