"""Axes that are made longer or shorter by their nearest elements: by whole factors, as libraries resize images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from symconv.notation.affine import Affine, affine
from symconv.notation.expr import Constraint, equal
from symconv.prove.language.syntax import Node
from symconv.prove.meaning.addresses import place
from symconv.prove.meaning.arrays import length
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Term, Value, axis, build, read

__all__ = ["resized"]


def resized(scope: Scope, value: Value, lengths: Sequence[Affine], node: Node) -> Value:
    """The array with its last axes so long: element ``i`` of ``n`` is the one at ``floor(i*m/n)`` of ``m``.

    Raises Undecided where a length is no multiple of the other, Fork where that depends on the sizes.
    """
    if len(lengths) != value.rank - 2:
        lacks = f"interpolate: {len(lengths)} lengths for {value.rank - 2} axes behind the channels"
        raise scope.error(node.at, lacks)
    for position, wanted in enumerate(lengths, start=2):
        value = _along(scope, value, position, wanted)
    return value


def _along(scope: Scope, value: Value, position: int, wanted: Affine) -> Value:
    have = length(scope, value, position)
    more, less = _factor(scope, wanted, have), _factor(scope, have, wanted)
    if more == 1 or less == 1:
        return value
    if not (more or less):
        raise Undecided(f"an axis of length {have} resized to {wanted}: neither is a multiple of the other")
    old = value.axes[position]
    new = axis(*old.sizes, more) if more else axis(wanted)
    whole = [new if k == position else one for k, one in enumerate(value.axes)]

    def places(group: tuple[Affine, ...]) -> Iterable[tuple[tuple[Constraint, ...], tuple[Affine, ...]]]:
        if more:
            return [((), group[: len(old.sizes)])]
        return place(old, (group[0] if group else affine(0)) * less)

    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        for where, at in places(groups[position]):
            index = [at if k == position else group for k, group in enumerate(groups)]
            yield from (term.under(*where) for term in read(scope.fresh, value, index))

    return build(scope.fresh, whole, body)


def _factor(scope: Scope, longer: Affine, shorter: Affine) -> int:
    """How many times the shorter length the longer one is in the branch; 0 where it is no such number."""
    sizes = scope.region.sample() or {}
    count, rest = divmod(longer.evaluate(sizes), max(shorter.evaluate(sizes), 1))
    return count if count > 0 and not rest and scope.decide(equal(longer, shorter * count)) else 0
