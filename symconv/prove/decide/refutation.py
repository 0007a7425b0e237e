"""Claims that isl does not decide, at concrete sizes: one difference that is certain decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from math import prod

from symconv.errors import SpecError
from symconv.limits import GEOMETRIES, REFUTED_CELLS, REFUTED_ENCLOSED, REFUTED_FIRST, REFUTED_POINTS, REFUTED_SHAPES
from symconv.notation.affine import affine, var
from symconv.notation.expr import Apply, Const, Constraint, equal, walk
from symconv.notation.functions import TABLE
from symconv.notation.operator import Operator
from symconv.prove.concrete.counterexample import (
    MASKED,
    SIGNED,
    UNIT,
    Counterexample,
    Shapes,
    drawn_for,
    seen,
    times,
)
from symconv.prove.concrete.enclosure import NoValueError
from symconv.prove.concrete.sides import applies_functions, is_rational, roughly_apart
from symconv.prove.language.coded import Coded
from symconv.prove.language.facts import facts_of
from symconv.prove.language.syntax import Claim
from symconv.relation.regions import Region
from symconv.verify.geometry import geometries
from symconv.verify.grid import points

__all__ = ["Search", "refuted"]

_SEEDS = (0, 1, 4, 5, 8)
"""Positive integers read well; functions such as ``sign`` want others too."""
_MASK = 1000
"""Numbers from here on stand for infinity in masked scores: a mask of 2 leaves no finite values."""
_LEAST = ((1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (4, 2), (5, 3))
"""Least lengths of spatial and of other axes: the first shows most mistakes of shape, the last most others."""


class Search:
    """What numbers say of a claim at small sizes, each looked at when it is first asked for.

    A hint in float64 says where exact arithmetic is worth its time, so that a wrong claim costs one exact evaluation
    and not one for each of the sizes at which it is right by chance. Only what is exact counts.
    """

    def __init__(self, op: Operator, claim: Claim | Coded, domain: Region) -> None:
        self.op, self.claim, self.domain = op, claim, domain
        self.compared: list[Shapes] = []
        self._known: dict[int, Counterexample] = {}

    @cached_property
    def _shapes(self) -> tuple[Shapes, ...]:
        return tuple(_candidates(self.op, self.domain))

    @cached_property
    def _seeds(self) -> tuple[int, ...]:
        nodes = [one for statement in self.op.statements for one in walk(statement.expr)]
        if self._rational:
            kinked = any(
                isinstance(one, Apply) and one.function in TABLE and TABLE[one.function].kinks for one in nodes
            )
            return (*_SEEDS, SIGNED) if kinked else _SEEDS
        # A thousandth is no mask.
        divisors = [id(one.arguments[1]) for one in nodes if isinstance(one, Apply) and one.function == "div"]
        masked = any(isinstance(one, Const) and abs(one.value) >= _MASK and id(one) not in divisors for one in nodes)
        return (*MASKED, *_SEEDS, UNIT) if masked else (*_SEEDS, UNIT)

    @cached_property
    def _first(self) -> tuple[int, ...]:
        """One draw; where there are functions also one of small numbers, at which no softmax is 0 and 1 alone."""
        return _SEEDS[:1] if self._rational else (*_SEEDS[:1], UNIT)

    @cached_property
    def _rational(self) -> bool:
        return is_rational(self.op) and not applies_functions(self.claim)

    @property
    def told(self) -> str:
        """At how many sizes both sides were found to agree, and up to which, to stand behind a reason."""
        if not self.compared:
            return ""
        largest = max(self.compared, key=lambda shapes: sum(map(prod, shapes.values())))
        where = ", ".join(f"{name} {times(shape)}" for name, shape in largest.items())
        count = len(self.compared)
        return f"; on integers both sides agree at {count} {'size' if count == 1 else 'sizes'}, up to {where}"

    def inside(self, region: Region, thorough: bool) -> bool:
        """Whether the claim is certainly wrong at one of the small sizes of a region, for one draw or for each."""
        seeds = self._seeds if thorough else self._first
        there = (n for n, shapes in enumerate(self._shapes) if region.contains(self.op.sizes(**shapes)))
        tried = there if thorough else islice(there, REFUTED_FIRST)
        return any(self._hinted(number, seeds) is not None for number in tried)

    def _hinted(self, number: int, seeds: Sequence[int]) -> Counterexample | None:
        found = self._known.get(number) or refuted(self.op, self.claim, self._shapes[number], seeds, hinted=True)
        if found is not None:
            self._known[number] = found
        return found

    def smallest(self) -> Counterexample | None:
        """The smallest sizes found at which the claim is certainly wrong; None where none was found."""
        return self._smallest

    @cached_property
    def _smallest(self) -> Counterexample | None:
        found = self._found()
        return found if found is None else self._shrunk(found)

    def _found(self) -> Counterexample | None:
        for number in range(len(self._shapes)):
            if (found := self._hinted(number, self._seeds)) is not None:
                return found
        for shapes, seeds in self._exact():
            # A difference that float64 does not show.
            if (found := refuted(self.op, self.claim, shapes, seeds, compared=self.compared)) is not None:
                return found
        return None

    def _shrunk(self, found: Counterexample) -> Counterexample:
        """A counterexample of the same kind with each size as small as it can be beside the others."""
        defined = {d.name for d in self.op.definitions}
        free = [name for name in self.domain.context.sizes if name not in defined]
        sizes = self.op.sizes(**dict(found.shapes))
        for name in free:
            for least in range(1, sizes[name]):
                fixed = {one: sizes[one] for one in free} | {name: least}
                there = self.domain.where(*(equal(var(one), affine(value)) for one, value in fixed.items()))
                at = there.smallest(free)
                shapes = {} if at is None else {t.name: t.shape(at) for t in self.op.inputs}
                smaller = refuted(self.op, self.claim, shapes, self._seeds, hinted=True) if shapes else None
                if smaller is not None and bool(smaller.mismatch) == bool(found.mismatch):
                    found, sizes = smaller, self.op.sizes(**shapes)
                    break
        return found

    def _exact(self) -> Iterator[tuple[Shapes, Sequence[int]]]:
        """Sizes and draws at which both sides are computed exactly: all, or as many as enclosing functions allows."""
        if self._rational:
            yield from ((shapes, self._seeds) for shapes in self._shapes)
            return
        nodes = sum(1 for statement in self.op.statements for _ in walk(statement.expr))
        work = 0
        for number, shapes in enumerate(self._shapes):
            for turn in range(len(self._seeds)):
                work += nodes * points(self.op, self.op.sizes(**shapes))
                if work > REFUTED_ENCLOSED and number:
                    return
                yield shapes, (self._seeds[(number + turn) % len(self._seeds)],)
                if shapes in self.compared:
                    break


def refuted(
    op: Operator, claim: Claim | Coded, shapes: Shapes, seeds: Sequence[int] = _SEEDS, hinted: bool = False,
    compared: list[Shapes] | None = None,
) -> Counterexample | None:  # fmt: skip
    """A difference at these shapes that is certain; None where none was found, which says nothing.

    With ``hinted`` only where float64 shows it; shapes at which both sides have a value are added to ``compared``.
    """
    for seed in seeds:
        try:
            if hinted and not roughly_apart(op, claim, drawn_for(op, claim, shapes, seed)):
                continue
            found = seen(op, claim, shapes, seed)
        except (NoValueError, SpecError):
            # Too large, or outside the domain of a function: no evidence either way.
            continue
        if found is not None:
            return found
        if compared is not None and shapes not in compared:
            compared.append(shapes)
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
