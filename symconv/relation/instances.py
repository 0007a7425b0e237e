"""Collections of instances compared by what they touch, each as often as it occurs, for all sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import combinations, zip_longest

import islpy as isl

from symconv.limits import REPEATS
from symconv.relation.points import (
    Instances,
    UnclearError,
    Word,
    coordinates,
    flat,
    names_in,
    near,
    point_of,
    read,
    union,
)
from symconv.relation.sets import Context
from symconv.relation.told import condition_text, tied

__all__ = ["apart_cells", "difference_of", "escapes", "meeting", "repeated", "uncovered"]


def difference_of(
    context: Context, expected: Sequence[Instances], found: Sequence[Instances], once: bool = False
) -> str | None:
    """How the images differ as collections in which everything counts as often as it occurs; None where they do not.

    With ``once`` they are sets: what occurs again counts no more. Raises UnclearError where more and more instances
    have the same image and the variables of both sides do not tell them apart.
    """
    groups = coordinates([*expected, *found])
    want, got = (_products(context, side, groups) for side in (expected, found))
    if want is not None and got is not None and _merge(want) and _merge(got):
        return _unequal(context, want, got)
    try:
        levels = [_levels(context, side, once) for side in (expected, found)]
    except UnclearError:
        if _same_by_name(context, expected, found):
            return None
        raise
    for depth, (a, b) in enumerate(zip_longest(*levels), 1):
        for some, other, words in ((a, b, "missing"), (b, a, "extra")):
            if some is not None and (point := point_of(context, some if other is None else some.subtract(other))):
                return f"{words}{f' the {depth}. time' if depth > 1 else ''}: {point}"
    return None


def _same_by_name(context: Context, expected: Sequence[Instances], found: Sequence[Instances]) -> bool:
    """Whether the images are equal even with the variables that all pieces share shown beside them."""
    pieces = [*expected, *found]
    shared = tuple(name for name in pieces[0].dims if all(name in piece.dims for piece in pieces))
    sides = [[replace(p, image=(*p.image, *map(Word, shared))) for p in side] for side in (expected, found)]
    groups = coordinates([*sides[0], *sides[1]])
    want, got = (_products(context, side, groups) for side in sides)
    return bool(want and got and _merge(want) and _merge(got) and _unequal(context, want, got) is None)


def _levels(context: Context, pieces: Sequence[Instances], once: bool) -> list[isl.Set]:
    """The images that occur at least once, at least twice, and so on; with ``once``, only the first of these."""
    levels: list[isl.Set] = []
    for layer in (layer for piece in pieces for layer in _layers(context, piece, once)):
        for depth in range(len(levels), 0, -1):
            both = levels[depth - 1].intersect(layer)
            if depth < len(levels):
                levels[depth] = levels[depth].union(both).coalesce()
            elif not once and not both.is_empty():
                levels.append(both)
        if not levels:
            levels.append(layer)
        else:
            levels[0] = levels[0].union(layer).coalesce()
    return levels


def _layers(context: Context, piece: Instances, once: bool) -> list[isl.Set]:
    """Sets whose every point is the image of one instance, as many as the most frequent image needs."""
    rest = read(isl.Map, context, piece.dims, piece.image, piece.facts).reverse()
    layers: list[isl.Set] = []
    while not rest.is_empty():
        if len(layers) == REPEATS:
            raise UnclearError("more and more instances touch the same elements")
        layers.append(rest.domain().coalesce())
        if once or rest.is_single_valued():
            break
        rest = rest.subtract(rest.lexmin())
    return layers


def _unequal(context: Context, want: list[list[isl.Set]], got: list[list[isl.Set]]) -> str | None:
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


def escapes(context: Context, points: Instances, sizes: Sequence[Word]) -> str | None:
    """A point whose image leaves ``0 <= image < sizes``, as text; None where there is none."""
    for form, size in zip(points.image, sizes, strict=True):
        for wrong in (f"{form.text} < 0", f"{form.text} >= {size.text}"):
            facts, dims = near(points, names_in(wrong) & set(points.dims))
            held = read(isl.Set, context, dims, (), (*facts, Word(wrong)))
            if point := point_of(context, held):
                return point
    return None


def repeated(context: Context, pieces: Sequence[Instances]) -> str | None:
    """A point that several instances touch, as text; None where there is none."""
    if (products := _products(context, pieces, coordinates(pieces))) is not None and _merge(products):
        return None
    levels = _levels(context, pieces, False)
    return point_of(context, levels[1]) if len(levels) > 1 else None


def uncovered(context: Context, inner: Sequence[Instances], outer: Sequence[Instances]) -> str | None:
    """A point that ``inner`` touches and ``outer`` does not, as text; None where there is none."""
    groups = coordinates([*inner, *outer])
    some, other = (_parts(context, side, groups) for side in (inner, outer))
    left = [one for one in some if not any(all(map(isl.Set.is_subset, one, two)) for two in other)]
    if not left:
        return None
    rest = union([flat(one) for one in left])
    return point_of(context, rest.subtract(union([flat(two) for two in other])) if other else rest)


def apart_cells(context: Context, pieces: Sequence[Instances], taken: Sequence[Instances]) -> list[Instances]:
    """What ``pieces`` touch and ``taken`` do not, in parts, each with variables of its own for its cell."""
    groups = [tuple(range(len(pieces[0].image)))]
    some, other = (union([flat(one) for one in _parts(context, side, groups)]) for side in (pieces, taken))
    rest = some.subtract(other).coalesce().make_disjoint()
    names = tuple(f"cell{k}_" for k in range(len(pieces[0].image)))
    image = tuple(map(Word, names))
    return [Instances(names, (Word(condition_text(part, names)),), image) for part in rest.get_basic_sets()]


def _parts(context: Context, pieces: Sequence[Instances], groups: Sequence[tuple[int, ...]]) -> list[list[isl.Set]]:
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


def meeting(context: Context, one: Instances, other: Instances) -> str | None:
    """A point that both touch, as text; None where there is none."""
    groups = coordinates([one, other])
    sides = [_parts(context, [side], groups)[0] for side in (one, other)]
    both = [a.intersect(b) for a, b in zip(*sides, strict=True)]
    return None if any(part.is_empty() for part in both) else point_of(context, flat(both))


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


def _products(
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


def _single(context: Context, piece: Instances, names: list[str]) -> bool:
    """Whether variables that no image shows take exactly one value."""
    facts, dims = near(piece, frozenset(names))
    held = read(isl.Map, context, (), tuple(Word(name) for name in dims), facts, dims)
    always = read(isl.Set, context, (), (), ()).params().subtract(held.domain().params())
    return bool(held.is_single_valued()) and point_of(context, always) is None


@lru_cache(maxsize=4096)
def _image(
    context: Context, dims: tuple[str, ...], image: tuple[Word, ...], facts: tuple[Word, ...]
) -> tuple[isl.Set, bool]:
    held = read(isl.Map, context, dims, image, facts)
    # Equations that inequalities hide make every later comparison several times as long.
    return held.range().coalesce().detect_equalities(), bool(held.is_injective())


def _merge(products: list[list[isl.Set]]) -> bool:
    """Join products that differ in one factor; whether no two of them share a point."""
    width = len(products[0]) if products else 0
    distinct: list[list[isl.Set]] = [[] for _ in range(width)]
    rows = [tuple(_number(distinct[k], part) for k, part in enumerate(product)) for product in products]
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
