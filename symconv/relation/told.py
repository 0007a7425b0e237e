"""Instances told in fewer words: without sizes that they do not depend on, or not at all where there are none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import islpy as isl

from symconv.relation.points import Instances, UnclearError, Word, components, near, point_of, read
from symconv.relation.sets import Context

__all__ = ["condition_text", "independent", "occurs", "tied"]

_FACTOR = re.compile(r"(?<!\w)(\d+)(?=[A-Za-z_(])")


def occurs(context: Context, points: Instances, about: frozenset[str] | None = None) -> bool:
    """Whether there is any instance, for sizes that exist; with ``about`` as far as facts speak of these names."""
    if about is not None:
        facts, dims = near(points, about & set(points.dims))
        own = [fact for fact in facts if fact.names & set(dims)]
        sizes = [fact for fact in facts if not fact.names & set(dims)]
        points = Instances(dims, (*own, *tied(sizes, own, dims)))
    return point_of(context, read(isl.Set, context, points.dims, (), points.facts)) is not None


def independent(context: Context, points: Instances, names: frozenset[str]) -> Instances | None:
    """The same instances told without these sizes, on which they must not depend; None where there are none at all.

    Raises UnclearError where they do depend on them.
    """
    sizes = tuple(fact for fact in points.facts if not fact.names & set(points.dims))
    facts: list[Word] = []
    parts = components(Instances(points.dims, points.facts))
    for dims in [tuple(d for d in points.dims if d in part) for part in parts] + [()]:
        own = tuple(fact for fact in points.facts if fact.names & set(dims)) if dims else sizes
        made = _independent(context, dims, own, tied(sizes, own), names)
        if made is None:
            return None
        facts += made
    if any(word.names & names for word in points.image):
        raise UnclearError(f"a cell depends on {', '.join(sorted(names))}")
    return Instances(points.dims, tuple(dict.fromkeys(facts)), points.image)


@lru_cache(maxsize=4096)
def _independent(
    context: Context, dims: tuple[str, ...], own: tuple[Word, ...], sizes: tuple[Word, ...], names: frozenset[str]
) -> tuple[Word, ...] | None:
    held = read(isl.Set, context, dims, (), (*own, *sizes)).coalesce()
    if point_of(context, held) is None:
        return None
    if not any(fact.names & names for fact in own):
        return own
    free = held
    for name in names:
        at = free.find_dim_by_name(isl.dim_type.param, name)
        if at >= 0:
            free = free.project_out(isl.dim_type.param, at, 1)
    free = free.coalesce()
    allowed = read(isl.Set, context, dims, (), sizes)
    if point_of(context, free.align_params(allowed.get_space()).intersect(allowed).subtract(held)):
        raise UnclearError(f"what is computed depends on {', '.join(sorted(names))}")
    texts = [condition_text(part, dims) for part in free.make_disjoint().get_basic_sets()]
    return (Word(texts[0] if len(texts) == 1 else f"({' or '.join(texts)})"),)


def tied(alone: Sequence[Word], words: Iterable[Word], variables: Iterable[str] = ()) -> tuple[Word, ...]:
    """Facts of sizes that speak of the sizes in some words, or of sizes that such facts speak of."""
    known = frozenset[str]().union(*(word.names for word in words)) - frozenset(variables)
    grown = True
    while grown:
        more = {name for fact in alone if fact.names & known for name in fact.names}
        grown, known = not more <= known, known | more
    return tuple(fact for fact in alone if fact.names & known)


def condition_text(part: isl.BasicSet, names: Sequence[str]) -> str:
    """What holds of the points of a set, with names for its coordinates."""
    for at, name in enumerate(names):
        part = part.set_dim_name(isl.dim_type.set, at, name)
    body = str(part).partition("{")[2].rpartition("}")[0].partition(":")[2].strip()
    # isl says 2x for 2*x, and does not read 2(..), which it becomes where a name is replaced.
    body = _FACTOR.sub(r"\1*", body)
    return f"({body or 'true'})"
