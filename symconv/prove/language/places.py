"""Where an index of a claim in index notation stands: alone on an axis, in a sum with others, in a condition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from symconv.prove.language.syntax import Binary, Name, Node, Pick, Reduction, Sliced, Tuple, children, names_in, walk

__all__ = ["Place", "alone", "bounds", "divisors", "how_far", "mentioned", "names_of", "places", "undivided"]


@dataclass(frozen=True, slots=True)
class Place:
    """One index of a read: of which ``read``, on which ``axis``, at which ``part`` of a merged axis, and what it is.

    ``count`` is the number of parts; 0 where the axis is indexed as one.
    """

    read: Sliced
    axis: int
    part: int
    count: int
    form: Node


def how_far(name: str) -> str:
    """What is said of an index of an intermediate whose length nothing tells."""
    return f"{name} stands alone in no read, so how far it runs is not known: say it, as in t[{name}<L]"


def places(body: Node, name: str) -> Iterator[Place]:
    """Every index in which a name stands, in reading order; a reduction that binds the name hides it."""
    match body:
        case Reduction(_, indices, _, _) if name in indices:
            return
        case Sliced(_, items):
            for axis, item in enumerate(items):
                if isinstance(item, Pick) and item.value is not None:
                    parts = item.value.items if isinstance(item.value, Tuple) else (item.value,)
                    count = len(parts) if isinstance(item.value, Tuple) else 0
                    for part, form in enumerate(parts):
                        if name in names_in(form):
                            yield Place(body, axis, part, count, form)
    for child in children(body):
        yield from places(child, name)


def alone(body: Node, name: str) -> list[Place]:
    """The places where an index stands for itself."""
    return [place for place in places(body, name) if place.form == Name(name)]


def bounds(where: Iterable[Node], name: str) -> bool:
    """Whether one of the conditions bounds an index from above, as far as its form tells."""
    return any(
        isinstance(one, Binary) and one.op in {"<", "<=", ">", ">=", "=="} and name in names_in(one) for one in where
    )


@lru_cache(maxsize=8192)
def mentioned(node: Node) -> frozenset[str]:
    """All names in an expression, those in subscripts and conditions too."""
    inside: tuple[Node, ...] = ()
    match node:
        case Sliced(_, items):
            for item in items:
                parts = (item.value,) if isinstance(item, Pick) else (item.start, item.stop, item.step)
                inside += tuple(part for part in parts if part is not None)
        case Reduction(_, _, where, _):
            inside = where
    return names_in(node).union(*map(mentioned, (*children(node), *inside)))


def names_of(item: Node) -> tuple[str, ...]:
    """The names of one index of a side: one, or those of a merged axis."""
    parts = item.items if isinstance(item, Tuple) else (item,)
    return tuple(part.name for part in parts if isinstance(part, Name))


def undivided(node: Node) -> Node:
    """A position without its divisions."""
    match node:
        case Binary("/" | "//" | "%", left, _):
            return undivided(left)
        case Binary(op, left, right):
            return Binary(op, undivided(left), undivided(right), node.at)
    return node


def divisors(node: Node) -> list[Node]:
    """What a position, or a part of it, is divided by."""
    return [one.right for one in walk(node) if isinstance(one, Binary) and one.op in {"/", "//", "%"}]
