"""Instances of statements as integer points with what they touch, and how isl reads them.

Every expression is text that isl reads, with the names in it. Facts that share no name are independent, so that a
product of small sets stands for one large set: rows and columns are looked at one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import islpy as isl

from symconv.relation.polyhedra import Part, made
from symconv.relation.sets import Context
from symconv.relation.texts import conjuncts

__all__ = [
    "Instances",
    "UnclearError",
    "Word",
    "components",
    "coordinates",
    "flat",
    "names_in",
    "near",
    "point_of",
    "read",
    "some_point",
    "union",
]

_NAME = re.compile(r"[A-Za-z_]\w*")
_WORDS = {"floor", "min", "max", "mod", "and", "or", "exists", "not", "true", "false"}


class UnclearError(Exception):
    """These sets are beyond what is compared here; the message says why."""


@dataclass(frozen=True, slots=True)
class Word:
    """An integer expression or a condition, as isl reads it."""

    text: str

    @property
    def names(self) -> frozenset[str]:
        """The variables and sizes in it."""
        return names_in(self.text)

    def renamed(self, names: Mapping[str, str]) -> Word:
        """With names, or texts in parentheses, in place of names."""
        return Word(_NAME.sub(lambda m: names.get(m.group(), m.group()), self.text))


@lru_cache(maxsize=65536)
def names_in(text: str) -> frozenset[str]:
    return frozenset(_NAME.findall(text)) - _WORDS


@dataclass(frozen=True, slots=True)
class Instances:
    """The integer points ``dims`` under ``facts``; each touches ``image``, one word per coordinate."""

    dims: tuple[str, ...]
    facts: tuple[Word, ...]
    image: tuple[Word, ...] = ()

    def touching(self, image: Sequence[Word]) -> Instances:
        """The same points with another image."""
        return Instances(self.dims, self.facts, tuple(image))

    def apart(self, names: Iterable[str]) -> Instances:
        """The same with variables of their own in place of those that are called like ``names``."""
        own = {name: f"{name}_held" for name in names if name in self.dims}
        dims = tuple(own.get(name, name) for name in self.dims)
        facts, image = (tuple(word.renamed(own) for word in words) for words in (self.facts, self.image))
        return Instances(dims, facts, image)


def coordinates(pieces: Iterable[Instances]) -> list[tuple[int, ...]]:
    """The coordinates of the image that depend on each other in any of the pieces."""
    groups: list[set[int]] = []
    for piece in dict.fromkeys(pieces):
        groups = groups or [{k} for k in range(len(piece.image))]
        for part in components(piece):
            touched = {k for k, word in enumerate(piece.image) if word.names & part}
            tied = [group for group in groups if group & touched]
            if len(tied) > 1:
                groups = [group for group in groups if not group & touched] + [set().union(*tied)]
    return [tuple(sorted(group)) for group in groups]


@lru_cache(maxsize=4096)
def components(piece: Instances) -> list[set[str]]:
    """The variables that facts or coordinates tie to each other."""
    parts = [{name} for name in piece.dims]
    for word in (*piece.facts, *piece.image):
        touched = [part for part in parts if part & word.names]
        if len(touched) > 1:
            parts = [part for part in parts if not part & word.names] + [set().union(*touched)]
    return parts


def near(piece: Instances, names: frozenset[str]) -> tuple[tuple[Word, ...], tuple[str, ...]]:
    """The facts that speak of ``names``, directly or through others, and of sizes alone; and all variables in them."""
    dims = frozenset(piece.dims)
    held = set(names)
    for part in components(Instances(piece.dims, piece.facts)):
        held |= part if part & names else set()
    facts = tuple(fact for fact in piece.facts if fact.names & held or not fact.names & dims)
    return facts, tuple(name for name in piece.dims if name in held)


def point_of(context: Context, held: isl.Set) -> str | None:
    """A point for sizes that exist, as text."""
    point = some_point(context, held)
    return None if point is None else str(point)


def some_point(context: Context, held: isl.Set) -> isl.Point | None:
    """A point for sizes that exist."""
    if held.is_empty():
        return None
    spoken = frozenset(held.get_dim_name(isl.dim_type.param, k) for k in range(held.dim(isl.dim_type.param)))
    held = held.intersect_params(_made(isl.Set, context, (), (), _known(context.facts, spoken), ()).params())
    return None if held.is_empty() else held.sample_point()


def flat(product: list[isl.Set]) -> isl.Set:
    """The product of sets as one set."""
    whole = product[0]
    for part in product[1:]:
        whole = whole.flat_product(part)
    return whole


def union(sets: list[isl.Set]) -> isl.Set:
    """The points of any of the sets."""
    whole = sets[0]
    for one in sets[1:]:
        whole = whole.union(one)
    return whole


def read(
    kind: type,
    context: Context,
    dims: Sequence[str],
    image: Sequence[Word],
    facts: Iterable[Word],
    hidden: Sequence[str] = (),
) -> isl.Set:
    """A set of ``dims``, or a map from them to ``image``, under facts and what is known of the sizes in them.

    ``hidden`` variables exist, and are not shown.
    """
    facts = tuple(facts)
    names = frozenset[str]().union(*(fact.names for fact in facts), *(word.names for word in image))
    known = _known(context.facts, names - set(dims) - set(hidden))
    free = tuple(name for name in hidden if name not in dims)
    return _made(kind, context, tuple(dims), tuple(image), tuple(dict.fromkeys((*facts, *known))), free)


@lru_cache(maxsize=4096)
def _made(
    kind: type, context: Context, dims: tuple[str, ...], image: tuple[Word, ...], facts: tuple[Word, ...],
    hidden: tuple[str, ...],
) -> isl.Set:  # fmt: skip
    names = frozenset[str]().union(*(word.names for word in (*image, *facts)))
    # Every size that nothing speaks of would cost isl a column.
    sizes = [name for name in context.sizes if name in names]
    part = Part(tuple(fact.text for fact in facts), tuple(word.text for word in image))
    return made(kind, sizes, dims, [part], hidden)


@lru_cache(maxsize=4096)
def _known(facts: str, names: frozenset[str]) -> tuple[Word, ...]:
    """What is known of these sizes, and of the sizes that those facts speak of."""
    every = [Word(text) for text in conjuncts(facts)]
    held, found = set(names), dict[Word, None]()
    grown = True
    while grown:
        grown = False
        for word in every:
            if word not in found and word.names & held:
                found[word] = None
                held |= word.names
                grown = True
    return tuple(found)
