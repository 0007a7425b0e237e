"""Images of instances as products of small sets, one for the coordinates that depend on each other: rows and columns
are looked at one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

import islpy as isl

from symconv.relation.points import Instances, Word, flat, near, point_of, read, union
from symconv.relation.sets import Context
from symconv.relation.told import tied

__all__ = ["disjoint", "distinct_factors", "images", "products", "unequal"]


def products(
    context: Context, pieces: Sequence[Instances], groups: Sequence[tuple[int, ...]]
) -> list[list[isl.Set]] | None:
    """Each piece as a product of sets; None where several instances of a piece have the same image."""
    result = []
    for piece in pieces:
        product: list[isl.Set] = []
        seen: set[str] = set()
        for group, (facts, dims) in zip(groups, _shares(piece, tuple(groups)), strict=True):
            image = tuple(piece.image[k] for k in group)
            seen |= set(dims)
            held, apart = _image(context, dims, image, facts)
            if held.is_empty():
                break
            if not apart:
                return None
            product.append(held)
        else:
            hidden = [name for name in piece.dims if name not in seen]
            if hidden and not _single(context, piece, hidden):
                return None
            result.append(product)
    return result


def images(context: Context, pieces: Sequence[Instances], groups: Sequence[tuple[int, ...]]) -> list[list[isl.Set]]:
    """The images of pieces as products, however often a point occurs; each factor knows what sizes all of it needs."""
    found = []
    for piece in pieces:
        product = []
        seen: set[str] = set()
        for group, (facts, dims) in zip(groups, _shares(piece, tuple(groups)), strict=True):
            image = tuple(piece.image[k] for k in group)
            seen |= set(dims)
            product.append(_image(context, dims, image, facts)[0])
        if hidden := [name for name in piece.dims if name not in seen]:
            facts, dims = near(piece, frozenset(hidden))
            sizes = read(isl.Set, context, dims, (), facts).params()
            product[0] = product[0].intersect_params(sizes)
        found.append(product)
    return found


def disjoint(products: list[list[isl.Set]]) -> bool:
    """Join products that differ in one factor; whether no two of them share a point."""
    distinct, rows = distinct_factors(products)
    width = len(distinct)
    if len(set(rows)) < len(rows):
        return False
    before = 0
    while before != len(rows):
        before = len(rows)
        for k in range(width):
            alike: dict[tuple[int, ...], list[int]] = {}
            for row in rows:
                alike.setdefault((*row[:k], *row[k + 1 :]), []).append(row[k])
            joined = {rest: _joined([distinct[k][one] for one in ones]) for rest, ones in alike.items()}
            if any(part is None for part in joined.values()):
                return False
            rows = [(*rest[:k], _number(distinct[k], part), *rest[k:]) for rest, part in joined.items()]
    products[:] = [[distinct[k][one] for k, one in enumerate(row)] for row in rows]
    return all(
        any(a.intersect(b).is_empty() for a, b in zip(one, other, strict=True))
        for one, other in combinations(products, 2)
    )


def distinct_factors(products: Sequence[Sequence[isl.Set]]) -> tuple[list[list[isl.Set]], list[tuple[int, ...]]]:
    """The sets of each factor without repetition, and each product as their numbers."""
    distinct: list[list[isl.Set]] = [[] for _ in (products[0] if products else ())]
    rows = [tuple(_number(distinct[k], part) for k, part in enumerate(product)) for product in products]
    return distinct, rows


def unequal(context: Context, want: list[list[isl.Set]], got: list[list[isl.Set]]) -> str | None:
    for one in list(want):
        same = next((two for two in got if all(map(_same, one, two))), None)
        if same is not None:
            want.remove(one)
            got.remove(same)
    for some, other, words in ((want, got, "missing"), (got, want, "extra")):
        for rest in _rests(some, other):
            if point := point_of(context, rest):
                return f"{words}: {point}"
    return None


def _rests(some: list[list[isl.Set]], other: list[list[isl.Set]]) -> list[isl.Set]:
    """What one union of products has and the other has not."""
    if not some:
        return []
    if len(some) > 1 or len(other) > 1 or not other:
        whole = union([flat(product) for product in some])
        return [whole.subtract(union([flat(product) for product in other])) if other else whole]
    # Factor by factor; the other factors say for which sizes there is anything at all.
    outside = [a.subtract(b) for a, b in zip(some[0], other[0], strict=True)]
    return [
        flat([outside[at] if k == at else a for k, a in enumerate(some[0])])
        for at in range(len(outside))
        if not outside[at].is_empty()
    ]


def _single(context: Context, piece: Instances, names: list[str]) -> bool:
    """Whether variables that no image shows take exactly one value."""
    facts, dims = near(piece, frozenset(names))
    held = read(isl.Map, context, (), tuple(Word(name) for name in dims), facts, dims)
    always = read(isl.Set, context, (), (), ()).params().subtract(held.domain().params())
    return bool(held.is_single_valued()) and point_of(context, always) is None


@lru_cache(maxsize=4096)
def _shares(
    piece: Instances, groups: tuple[tuple[int, ...], ...]
) -> tuple[tuple[tuple[Word, ...], tuple[str, ...]], ...]:
    """The facts and variables of each factor of a product; facts of sizes go where these are spoken of, or first."""
    variables = set(piece.dims)
    alone = [fact for fact in piece.facts if not fact.names & variables]
    left, found = set(alone), []
    for group in groups:
        image = frozenset[str]().union(*(piece.image[k].names for k in group))
        facts, dims = near(piece, image & variables)
        own = [fact for fact in facts if fact.names & variables]
        shared = tied(alone, [*own, *(piece.image[k] for k in group)], variables)
        left -= set(shared)
        found.append(((*own, *shared), dims))
    if found and left:
        found[0] = ((*found[0][0], *(fact for fact in alone if fact in left)), found[0][1])
    return tuple(found)


@lru_cache(maxsize=4096)
def _image(
    context: Context, dims: tuple[str, ...], image: tuple[Word, ...], facts: tuple[Word, ...]
) -> tuple[isl.Set, bool]:
    held = read(isl.Map, context, dims, image, facts)
    # Equations that inequalities hide make every later comparison several times as long.
    return held.range().coalesce().detect_equalities(), bool(held.is_injective())


def _number(distinct: list[isl.Set], part: isl.Set) -> int:
    for number, other in enumerate(distinct):
        if _same(part, other):
            return number
    distinct.append(part)
    return len(distinct) - 1


def _joined(parts: list[isl.Set]) -> isl.Set | None:
    """The union of sets without a common point, None where two have one."""
    whole = parts[0]
    for part in parts[1:]:
        if not whole.intersect(part).is_empty():
            return None
        whole = whole.union(part)
    return whole.coalesce() if len(parts) > 1 else whole


def _same(a: isl.Set, b: isl.Set) -> bool:
    return a is b or bool(a.plain_is_equal(b)) or bool(a.is_equal(b))
