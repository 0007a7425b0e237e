"""Sets of sizes: where a statement about shapes holds, for all sizes at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import islpy as isl

from symconv.errors import InternalError
from symconv.notation.affine import Affine, affine
from symconv.notation.expr import Constraint
from symconv.relation.polyhedra import Part, made
from symconv.relation.sets import Context

__all__ = ["Region", "everywhere", "nowhere"]


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """The sizes that satisfy some affine conditions, floors included.

    >>> all_sizes = everywhere(Context(("C", "F"), "C >= 1 and F >= 1"))
    >>> two = all_sizes.where(Constraint(Affine((("C", 1),), -2)))
    >>> two.contains({"C": 2, "F": 1}), all_sizes.minus(two).contains({"C": 2, "F": 1})
    (True, False)
    """

    context: Context
    points: isl.Set

    # What was asked of the same parts is not asked again; whether parts are cut in another way, ``same`` tells.
    def __hash__(self) -> int:
        return hash(self.points)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Region) or self.context != other.context:
            return False
        return self.points is other.points or bool(self.points.plain_is_equal(other.points))

    def where(self, *constraints: Constraint) -> Region:
        """The part in which every constraint holds."""
        return _where(self, constraints) if constraints else self

    def union(self, other: Region) -> Region:
        """The sizes of either."""
        return Region(self.context, self.points.union(other.points))

    def meet(self, other: Region) -> Region:
        """The sizes of both."""
        return Region(self.context, self.points.intersect(other.points))

    def minus(self, other: Region) -> Region:
        """The sizes that are not in ``other``."""
        return _minus(self, other)

    @property
    def empty(self) -> bool:
        """Whether no sizes are left."""
        return bool(self.points.is_empty())

    def within(self, other: Region) -> bool:
        """Whether all its sizes are in ``other``."""
        return _within(self, other)

    def always(self, constraint: Constraint) -> bool:
        """Whether it holds for all its sizes."""
        return _always(self, constraint)

    def reaches(self, names: Sequence[str], limits: Iterable[Constraint]) -> bool:
        """Whether some values of ``names`` are within the limits, for some of its sizes."""
        return not Region(Context((*self.context.sizes, *names), "true"), self.points).where(*limits).empty

    def same(self, other: Region) -> bool:
        """Whether both hold the same sizes."""
        return bool(self.points.is_equal(other.points))

    def contains(self, sizes: Mapping[str, int]) -> bool:
        """Whether these sizes are in it; sizes the set has no name for do not count."""
        words = " and ".join(f"{name} = {sizes[name]}" for name in self.context.sizes if name in sizes)
        return not self.points.intersect(_read(self.context, words or "true")).is_empty()

    def simplified(self) -> Region:
        """The same set with fewer parts."""
        return Region(self.context, self.points.coalesce().remove_redundancies())

    def without(self, names: Iterable[str]) -> Region:
        """The set over the other sizes: each of ``names`` follows from those."""
        points = self.points
        for name in names:
            position = points.find_dim_by_name(isl.dim_type.param, name)
            if position >= 0:
                points = points.project_out(isl.dim_type.param, position, 1)
        kept = tuple(name for name in self.context.sizes if name not in set(names))
        return Region(Context(kept, "true"), points.align_params(_read(Context(kept, "true"), "true").get_space()))

    def scaled(self, name: str, factor: int, public: str) -> Region:
        """The set over ``public = factor*name`` in place of ``name``."""
        position = self.points.find_dim_by_name(isl.dim_type.param, name)
        if position < 0:
            return self
        hidden = f"{name}_inner"
        points = self.points.set_dim_name(isl.dim_type.param, position, hidden)
        points = points.intersect(isl.Set(f"[{hidden}, {public}] -> {{ : {public} = {factor}*{hidden} }}"))
        points = points.project_out(isl.dim_type.param, points.find_dim_by_name(isl.dim_type.param, hidden), 1)
        kept = tuple(sorted({*self.context.sizes, public} - {name} | {public}))
        context = Context(kept, "true")
        return Region(context, points.align_params(_read(context, "true").get_space()))

    def sample(self) -> dict[str, int] | None:
        """Some sizes in it, or None."""
        point = self.points.sample_point()
        if point.is_void():
            return None
        return {
            str(point.get_space().get_dim_name(isl.dim_type.param, k)): int(
                point.get_coordinate_val(isl.dim_type.param, k).to_python()
            )
            for k in range(point.get_space().dim(isl.dim_type.param))
        }

    def constant(self, form: Affine) -> int | None:
        """The one value a form has in it, or None."""
        return form.constant if form.is_constant else _constant(self, form)

    def ratio(self, one: str, other: str) -> int:
        """How many times the other a size always is, where that is two or more; else 0."""
        sizes = self.sample() or {}
        count, rest = divmod(sizes.get(one, 0), sizes.get(other, 0) or 1)
        same = Constraint(Affine(((one, 1),)) - Affine(((other, 1),)) * count, True)
        return count if count > 1 and not rest and self.always(same) else 0

    def smallest(self, names: Iterable[str]) -> dict[str, int] | None:
        """The sizes with the least sum over ``names``; among those the one with the least largest size."""
        found = self.sample()
        if found is None:
            return None
        names = [name for name in names if name in self.context.sizes]
        total = sum((Affine(((name, 1),)) for name in names), affine(0))
        low, high, kept = -1, total.evaluate(found), self
        while high - low > 1:
            middle = (low + high) // 2
            part = self.where(Constraint(middle - total))
            sizes = part.sample()
            if sizes is None:
                low = middle
            else:
                high, kept = total.evaluate(sizes), part
        least = kept.where(Constraint(high - total))
        best, low = least.sample(), 0
        while high - low > 1:
            middle = (low + high) // 2
            flat = least.where(*(Constraint(middle - Affine(((name, 1),))) for name in names))
            if (sizes := flat.sample()) is not None:
                high, best = middle, sizes
            else:
                low = middle
        return best


# While code is read, of the same regions the same is asked for again and again.
@lru_cache(maxsize=8192)
def _where(region: Region, constraints: tuple[Constraint, ...]) -> Region:
    return Region(region.context, region.points.intersect(_held(region.context.sizes, constraints)))


@lru_cache(maxsize=8192)
def _held(sizes: tuple[str, ...], constraints: tuple[Constraint, ...]) -> isl.Set:
    return made(isl.Set, sizes, (), [Part(constraints)]).params()


@lru_cache(maxsize=8192)
def _minus(region: Region, other: Region) -> Region:
    return Region(region.context, region.points.subtract(other.points).coalesce())


@lru_cache(maxsize=8192)
def _within(region: Region, other: Region) -> bool:
    return bool(region.points.is_subset(other.points))


@lru_cache(maxsize=8192)
def _always(region: Region, constraint: Constraint) -> bool:
    return region.within(region.where(constraint))


@lru_cache(maxsize=8192)
def _constant(region: Region, form: Affine) -> int | None:
    sizes = region.sample()
    if sizes is None:
        return None
    value = form.evaluate(sizes)
    return value if region.always(Constraint(form - value, True)) else None


def everywhere(context: Context) -> Region:
    """Every size the context allows."""
    return Region(context, _read(context, context.facts or "true"))


def nowhere(context: Context) -> Region:
    """No sizes."""
    return Region(context, _read(context, "1 = 0"))


def _read(context: Context, words: str) -> isl.Set:
    return _parsed(f"[{', '.join(context.sizes)}] -> {{ : {words} }}")


# One proof asks about the same sizes over and over: nine of ten texts were read before.
@lru_cache(maxsize=8192)
def _parsed(text: str) -> isl.Set:
    try:
        return isl.Set(text)
    except isl.Error as error:
        raise InternalError(f"isl does not read the sizes {text}: {error}") from error
