"""Claims that isl does not decide, at concrete sizes: one difference that is certain decides."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from symconv.errors import SpecError
from symconv.limits import GEOMETRIES, REFUTED_CELLS, REFUTED_POINTS, REFUTED_SHAPES
from symconv.notation.affine import var
from symconv.notation.expr import Constraint
from symconv.notation.operator import Operator
from symconv.prove.concrete.counterexample import Counterexample, Shapes, seen
from symconv.prove.concrete.enclosure import NoValueError
from symconv.prove.language.coded import Coded
from symconv.prove.language.facts import facts_of
from symconv.prove.language.syntax import Claim
from symconv.relation.regions import Region
from symconv.verify.geometry import geometries
from symconv.verify.grid import points

__all__ = ["refutation", "refuted"]

_SEEDS = (0, 1, 4, 5)
"""Positive integers read well; functions such as ``sign`` want others too."""
_LEAST = ((1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (4, 2), (5, 3))
"""Least lengths of spatial and of other axes: the first shows most mistakes of shape, the last most others."""


def refutation(op: Operator, claim: Claim | Coded, domain: Region) -> Counterexample | None:
    """The smallest sizes tried at which a claim is certainly wrong; None where none was found."""
    for shapes in _candidates(op, domain):
        found = refuted(op, claim, shapes)
        if found is not None:
            return found
    return None


def refuted(op: Operator, claim: Claim | Coded, shapes: Shapes) -> Counterexample | None:
    """A difference at these shapes that is certain; None where none was found, which says nothing."""
    for seed in _SEEDS:
        try:
            found = seen(op, claim, shapes, seed)
        except (NoValueError, SpecError):
            # Too large, or outside the domain of a function: no evidence either way.
            continue
        if found is not None:
            return found
    return None


def _candidates(op: Operator, domain: Region) -> Iterator[Shapes]:
    found: dict[tuple[tuple[str, tuple[int, ...]], ...], int] = {}
    for shapes in (*_small(op, domain), *geometries(op, GEOMETRIES, 1)):
        sizes = op.sizes(**shapes)
        cells = sum(prod(shape) for shape in (*shapes.values(), op.output_shape(**shapes)))
        if all(map(all, shapes.values())) and cells <= REFUTED_CELLS and points(op, sizes) <= REFUTED_POINTS:
            found.setdefault(tuple(shapes.items()), points(op, sizes))
    yield from map(dict, sorted(found, key=lambda shapes: found[shapes])[:REFUTED_SHAPES])


def _small(op: Operator, domain: Region) -> Iterator[Shapes]:
    """The smallest valid shapes with axes of some length."""
    defined = {d.name for d in op.definitions}
    spatial = {name for axis in facts_of(op).axes if axis.size is not None for name in axis.size.names()}
    free = [name for name in domain.context.sizes if name not in defined]
    for far, near in _LEAST:
        least = [Constraint(var(name) - (far if name in spatial else near)) for name in free]
        sizes = domain.where(*least).smallest(free)
        if sizes is not None:
            yield {t.name: t.shape(sizes) for t in op.inputs}
