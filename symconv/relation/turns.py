"""In which order instances run, and which of them meet in a cell: between turns of loops and between threads."""

from __future__ import annotations

from collections.abc import Sequence

import islpy as isl

from symconv.relation.points import Instances, UnclearError, coordinates, near, point_of, read
from symconv.relation.sets import Context

__all__ = ["runs_before", "shared_cell"]


def shared_cell(
    context: Context, writers: Sequence[Instances], owner: Sequence[str], readers: Sequence[Instances] = ()
) -> str | None:
    """Two instances, one of them a writer, that touch one cell though ``owner``, the variables cut among threads,
    differ; None for none."""
    writing = list(dict.fromkeys(writers))
    every = [*writing, *(reader for reader in dict.fromkeys(readers) if reader not in writing)]
    groups = coordinates(every)
    maps = [[_map(context, one, owner, group) for group in groups] for one in every]
    shown = [[tuple(n for n in owner if n in _held(one, group)) for group in groups] for one in every]
    for a, b in ((k, n) for n in range(len(every)) for k in range(min(n + 1, len(writing)))):
        meets = [one.apply_range(two.reverse()) for one, two in zip(maps[a], maps[b], strict=True)]
        if any(meet.is_empty() for meet in meets):
            continue
        alike = shown[a] == shown[b] and {name for names in shown[a] for name in names} == set(owner)
        if alike and all(meet.is_subset(isl.Map.identity(meet.get_space())) for meet in meets):
            continue
        if point := _different_owners(context, every[a], every[b], owner):
            return point
    return None


def _different_owners(context: Context, one: Instances, other: Instances, owner: Sequence[str]) -> str | None:
    maps = [read(isl.Map, context, owner, piece.image, piece.facts, piece.dims) for piece in (one, other)]
    meet = maps[0].apply_range(maps[1].reverse())
    return point_of(context, meet.subtract(isl.Map.identity(meet.get_space())).wrap())


def runs_before(
    context: Context, first: Instances, second: Instances, shared: Sequence[str], above: bool
) -> str | None:
    """Where an instance of ``first`` runs before one of ``second`` that touches its cell; None where none does.

    ``shared`` are the loops around both, outermost first; ``above`` says that ``first`` is written above ``second``.
    Raises UnclearError where a shared loop is not among the variables.
    """
    groups = coordinates([first, second])
    kept = [name for name in shared if name in first.dims and name in second.dims]
    maps = [[_map(context, one, kept, group) for group in groups] for one in (first, second)]
    meets = [a.apply_range(b.reverse()) for a, b in zip(*maps, strict=True)]
    if any(meet.is_empty() for meet in meets):
        return None
    shown = {name for group in groups for one in (first, second) for name in _held(one, group)}
    together = all(meet.is_subset(isl.Map.identity(meet.get_space())) for meet in meets if _square(meet))
    if together and all(map(_square, meets)) and shown >= set(kept) and not above and len(kept) == len(shared):
        return None
    if len(kept) < len(shared):
        raise UnclearError("a loop that is cut into parts writes cells in more than one way")
    a, b = (read(isl.Map, context, kept, one.image, one.facts, one.dims) for one in (first, second))
    meet = a.apply_range(b.reverse())
    space = meet.get_space().domain()
    order = isl.Map.lex_le(space) if above else isl.Map.lex_lt(space)
    return point_of(context, meet.intersect(order).wrap())


def _square(meet: isl.Map) -> bool:
    return bool(meet.dim(isl.dim_type.in_) == meet.dim(isl.dim_type.out))


def _held(one: Instances, group: Sequence[int]) -> tuple[str, ...]:
    names = frozenset[str]().union(*(one.image[k].names for k in group)) & set(one.dims)
    return near(one, names)[1]


def _map(context: Context, one: Instances, owner: Sequence[str], group: Sequence[int]) -> isl.Map:
    facts, dims = near(one, frozenset[str]().union(*(one.image[k].names for k in group)) & set(one.dims))
    shown = tuple(name for name in owner if name in dims)
    hidden = tuple(name for name in dims if name not in shown)
    return read(isl.Map, context, shown, tuple(one.image[k] for k in group), facts, hidden)
