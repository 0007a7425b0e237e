"""Elements at the place of an extreme: told by which element of a window is the first largest or smallest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from symconv.code.arrays.grids import Grid, Label
from symconv.code.arrays.walk import Walk
from symconv.code.values.objects import Choice
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint
from symconv.prove.meaning.addresses import flat, read_at
from symconv.prove.meaning.amounts import as_product
from symconv.prove.meaning.atoms import is_atom
from symconv.prove.meaning.extremes import extreme, first_extreme, opaque
from symconv.prove.meaning.nested import nested
from symconv.prove.meaning.scope import Undecided
from symconv.prove.meaning.value import Axis, Term, Value, axis, build, inside, multiplied
from symconv.relation.collecting import plain

__all__ = ["choice_of", "chosen", "extremes", "places_along"]


def _element(walk: Walk, kind: str, value: Value, groups: Sequence[tuple[Affine, ...]], taps: tuple[str, ...],
             limits: Sequence[Constraint]) -> list[Term]:  # fmt: skip
    """The element at the taps, without conditions: those it has must hold in the whole window."""
    terms = list(_terms(walk, value, groups))
    if len(terms) != 1 or terms[0].bound:
        raise Undecided(f"{kind} of sums, or of elements some of which are fixed numbers (a pad)")
    with walk.inside(taps, limits):
        if not all(walk.always(c) for c in terms[0].where):
            raise Undecided(f"{kind} of elements some of which are fixed numbers (a pad)")
    return [replace(terms[0], where=())]


def _terms(walk: Walk, value: Value, groups: Sequence[tuple[Affine, ...]]) -> Iterator[Term]:
    """An element; what a loop fills under its own index is no sum over it."""
    return (one for term in read_at(walk.fresh, value, list(groups)) if (one := plain(term)) is not None)


def _of_sums(elements: Sequence[Term]) -> bool:
    """Whether elements are made of others, so that which are equal does not tell their extreme."""
    return len(elements) > 1 or any(
        one.bound or one.coefficient != 1 or one.scale or len(one.factors) != 1 or is_atom(one.factors[0].tensor)
        for one in elements
    )


def _limits(names: Sequence[str], sizes: Sequence[Affine]) -> list[Constraint]:
    return [c for name, size in zip(names, sizes, strict=True) for c in inside(var(name), size)]


def extremes(walk: Walk, kind: str, value: Value, axes: Sequence[int], keep: bool, exact: bool = False,
             mask: Value | None = None) -> Value:  # fmt: skip
    """The largest or smallest elements over axes, of those where a mask of positions is 1.

    ``exact`` ones are told by what is compared, where that are sums.
    """
    plain_kind = kind.partition(":")[0]
    kept = [k for k in range(value.rank) if k not in axes]
    taken = [k for k in range(value.rank) if k in axes]
    shape: list[Axis] = [axis() if k in axes else value.axes[k] for k in range(value.rank) if keep or k in kept]
    sizes = [size for k in taken for size in value.axes[k].sizes]

    def body(*groups: tuple[Affine, ...]) -> list[Term]:
        given = iter([group for k, group in enumerate(groups) if not (keep and k in axes)])
        taps = walk.fresh.several(len(sizes))
        rest = iter(taps)
        index = [tuple(var(next(rest)) for _ in value.axes[k].sizes) if k in axes else next(given)
                 for k in range(value.rank)]  # fmt: skip
        within = _limits(taps, sizes)
        elements = list(_terms(walk, value, index))
        inner = nested(walk, kind, elements)
        if inner is not None:
            taps, within = (*taps, *inner.bound), [*within, *inner.where]
            elements = [replace(inner, bound=(), where=())]
        of_sums = _of_sums(elements)
        if of_sums and not exact:
            place = f"line {walk.caret.line}: " if walk.caret.line else ""
            return [opaque(walk.fresh, plain_kind, place, elements, {*taps, *walk.base.context.sizes}, walk.indices)]
        own = [c for one, group in zip(shape, groups, strict=True)
               for form, size in zip(group, one.sizes, strict=True) for c in inside(form, size)]  # fmt: skip
        names = tuple(dict.fromkeys(n for c in own for n in c.form.names() if n not in walk.base.context.sizes))
        new = tuple(n for n in names if n not in walk.indices)
        around = [c for _, more in walk.around for c in more]
        there = _where(walk, mask, index)
        within += there
        element = [replace(one, where=tuple(c for c in one.where if c not in there)) for one in elements]
        if not of_sums and inner is None:
            element = _element(walk, plain_kind, value, index, (*new, *taps), [*own, *within])
        return [extreme(walk, kind, element, taps, within, [*around, *own])]

    return build(walk.fresh, shape, lambda *groups: iter(body(*groups)))


def _where(walk: Walk, mask: Value | None, index: Sequence[tuple[Affine, ...]]) -> list[Constraint]:
    """The conditions under which a mask of positions is 1."""
    if mask is None:
        return []
    (one,) = _terms(walk, mask, index)
    return list(one.where)


def choice_of(walk: Walk, kind: str, value: Value) -> Choice:
    """Which element of an array is the first extreme one."""
    if any(len(one.sizes) > 1 for one in value.axes):
        raise Undecided(f"arg{kind} over an axis that is a product of sizes")
    sizes = tuple(one.size or affine(1) for one in value.axes)
    taps = walk.fresh.several(len(sizes))
    within = [c for name, size in zip(taps, sizes, strict=True) for c in inside(var(name), size)]
    groups = [(var(name),) if one.sizes else () for name, one in zip(taps, value.axes, strict=True)]
    element = _element(walk, kind, value, groups, taps, within)
    around = [c for _, more in walk.around for c in more]
    free = tuple(name for name, one in zip(taps, value.axes, strict=True) if one.sizes)
    inner = [c for c in within if c.form.names() & set(free)]
    (indicator,) = first_extreme(walk, kind, element, free, inner, around)
    return Choice(kind, taps, sizes, tuple(within), indicator)


def places_along(walk: Walk, kind: str, value: Value, position: int, keep: bool) -> Grid:
    """The place of the first extreme element along an axis, for each index of the others: labels that it tells."""
    along = value.axes[position]
    names = [walk.fresh.several(len(one.sizes)) for one in value.axes]
    factors = [
        tuple((name, as_product(length)) for name, length in zip(group, one.sizes, strict=True))
        for group, one in zip(names, value.axes, strict=True)
    ]
    shape = tuple(() if k == position else one for k, one in enumerate(factors) if keep or k != position)
    taps = names[position]
    if not taps:
        return Grid(shape, affine(0))
    ((where, form), *others) = flat(along, tuple(map(var, taps)))
    if where or others:
        raise Undecided(f"arg{kind} along an axis that is a product of sizes")
    within = _limits(taps, along.sizes)
    own = [c for k, one in enumerate(value.axes) if k != position for c in _limits(names[k], one.sizes)]
    every = tuple(name for group in names for name in group)
    element = _element(walk, kind, value, [tuple(map(var, group)) for group in names], every, [*own, *within])
    around = [c for _, limits in walk.around for c in limits]
    limits = [*around, *own]
    (there,) = first_extreme(walk, kind, element, taps, within, limits)
    best = extreme(walk, kind, element, taps, within, limits)
    known = (element[0].factors[0], best.factors[0])
    first, *rest = zip(taps, along.sizes, strict=True)
    alone = known if not rest else None
    labels = (Label(first[0], there.factors[0], first[1], alone), *(Label(name, None, size) for name, size in rest))
    return Grid(shape, form, labels)


def chosen(walk: Walk, choice: Choice, terms: Sequence[Term]) -> list[Term]:
    """Terms at the place of the extreme: summed over all places, where it is there."""
    result = []
    for term in multiplied(terms, [choice.indicator]):
        fresh = {name: walk.fresh() for name in choice.taps}
        moved = replace(term, bound=(*term.bound, *choice.taps)).under(*choice.limits)
        names = tuple(fresh.get(name, name) for name in moved.bound)
        result.append(replace(moved.substitute({a: var(b) for a, b in fresh.items()}), bound=names))
    return result
