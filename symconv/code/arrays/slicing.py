"""Subscripts: from what the code writes to a span or an index per axis, and the arrays they read and change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial

from symconv.code.arrays.walk import Varies, Walk
from symconv.code.values.objects import Plan, Span
from symconv.notation.affine import Affine, affine, quotient, var
from symconv.notation.expr import Constraint, equal, nonnegative
from symconv.prove.meaning.addresses import Position, flat, place, read_at, somewhere
from symconv.prove.meaning.arrays import length
from symconv.prove.meaning.elements import elementwise
from symconv.prove.meaning.scope import Undecided, same_size
from symconv.prove.meaning.value import Axis, Term, Value, axis, build, inside, scaled

__all__ = ["NEGATIVE", "broadcast", "composed", "constraints", "offset", "picked", "span", "updated"]

Bound = Affine | None
_Groups = list[tuple[Affine, ...]]


NEGATIVE = "of a slice is negative in some iterations"
"""Why sizes are left out: a window that is longer than its axis, ``x[:L - k]``, counts from the end there."""


def span(walk: Walk, start: Bound, stop: Bound, step: int, size: Affine, partial: bool = False) -> Span:
    """``start:stop:step`` on an axis of that length, cut off as Python does.

    ``partial`` leaves out the sizes at which a bound counts from the end in some iterations of a loop.
    """
    if step < 0:
        return _backwards(walk, start, stop, step, size)
    low = affine(0) if start is None else _bound(walk, start, size, partial)
    high = size if stop is None else _bound(walk, stop, size, partial)
    if low == affine(0) and high == size and step == 1:
        return Span(low, None, 1, True)
    counts = [quotient(end - low - 1, step) + 1 for end in ((high,) if stop is None else (high, size))]
    count = counts[0] if len(counts) == 1 else walk.least(counts[0], counts[1])
    if not walk.always(nonnegative(count)):
        count = walk.most(count, affine(0))
    if low == affine(0) and step == 1 and walk.same(count, size):
        return Span(low, None, 1, True)
    return Span(low, walk.short(count), step)


def _backwards(walk: Walk, start: Bound, stop: Bound, step: int, size: Affine) -> Span:
    low = size - 1 if start is None else _bound(walk, start, size)
    if start is not None and not walk.always(nonnegative(size - 1 - low)):
        low = walk.least(low, size - 1)
    end = affine(-1) if stop is None else _bound(walk, stop, size)
    count = quotient(low - end - 1, -step) + 1
    if not walk.always(nonnegative(count)):
        count = walk.most(count, affine(0))
    return Span(low, count, step)


def _bound(walk: Walk, bound: Affine, size: Affine, partial: bool = False) -> Affine:
    try:
        if walk.decide(nonnegative(bound)):
            return bound
    except Varies:
        if not partial:
            raise Undecided(f"the bound {bound} {NEGATIVE}, and counts from the end") from None
        walk.require_at_ends(nonnegative(bound), f"the bound {bound} {NEGATIVE}")
        return bound
    return walk.most(bound + size, affine(0))


def picked(walk: Walk, value: Value, plan: Plan) -> Value:
    """The elements a subscript names."""
    axes: list[Axis] = []
    how: list[Callable[[_Groups], Position]] = []
    old = 0
    for item in plan:
        at = len(axes)
        if item is None:
            axes.append(axis())
            continue
        if isinstance(item, Affine):
            how.append(partial(_fixed, item))
        elif item.whole:
            axes.append(value.axes[old])
            how.append(partial(_kept, at))
        else:
            assert item.count is not None
            axes.append(axis(item.count))
            how.append(partial(_stepped, at, item))
        old += 1
    found = build(walk.fresh, axes, lambda *groups: read_at(walk.fresh, value, [h(list(groups)) for h in how]))
    cut = any(len(old.sizes) > 1 and not (isinstance(item, Span) and item.whole)
              for old, item in zip(value.axes, (one for one in plan if one is not None), strict=True))  # fmt: skip
    return somewhere(walk, found) if cut else found


def _fixed(form: Affine, _: _Groups) -> Position:
    return form


def _kept(at: int, groups: _Groups) -> Position:
    return groups[at]


def _stepped(at: int, item: Span, groups: _Groups) -> Position:
    return _only(groups[at]) * item.step + item.start


def _only(group: Sequence[Affine]) -> Affine:
    return group[0] if group else affine(0)


_Reach = tuple[tuple[str, ...], tuple[Constraint, ...], list[tuple[Affine, ...]]]
"""Names that stand for offsets, where the element is one of the subscript, and its index there per axis."""


def constraints(walk: Walk, value: Value, plan: Plan) -> list[_Reach]:
    """How an element of the array, at its own index names, lies in a subscript: alternatives."""
    found: list[_Reach] = [((), (), [])]
    old = 0
    for item in plan:
        if item is None:
            found = [(bound, where, [*index, ()]) for bound, where, index in found]
            continue
        one, names = value.axes[old], value.names[old]
        old += 1
        if isinstance(item, Span) and item.whole:
            forms = tuple(map(var, names))
            found = [(bound, where, [*index, forms]) for bound, where, index in found]
        elif isinstance(item, Affine):
            found = [
                (bound, (*where, *held, *map(equal, map(var, names), forms)), index)
                for bound, where, index in found
                for held, forms in place(one, item)
            ]
        else:
            cells = flat(one, tuple(map(var, names)))
            found = [
                offset(walk, cell, item, (bound, (*where, *held), index))
                for bound, where, index in found
                for held, cell in cells
            ]
    return found


def offset(walk: Walk, cell: Affine, item: Span, reach: _Reach) -> _Reach:
    """The alternative ``reach`` with the offset of an element, at ``cell`` of its axis, in a slice of it."""
    bound, where, index = reach
    assert item.count is not None
    new = axis(item.count)
    name: tuple[str, ...] = ()
    more: tuple[Constraint, ...] = ()
    if abs(item.step) == 1:
        offset = (cell - item.start) * item.step
    else:
        name = (walk.fresh(),)
        offset, more = var(name[0]), (equal(cell, item.start + var(name[0]) * item.step),)
    limits = inside(offset, item.count) if new.sizes else (equal(offset, affine(0)),)
    return (*bound, *name), (*where, *more, *limits), [*index, (offset,) if new.sizes else ()]


def updated(walk: Walk, value: Value, plan: Plan, new: Value, sign: int, replacing: bool, local: bool) -> Value:
    """The array after ``value[plan] += sign*new``, or after it was replaced there.

    ``local`` says that the array was made in the iteration that changes it.
    """
    target = picked(walk, Value(value.axes, value.names, ()), plan)
    spread = broadcast(walk, new, target.axes)
    added: list[Term] = []
    guards = walk.guards
    whole = all(isinstance(item, Span) and item.whole for item in plan)
    if replacing and whole and local and not guards:
        value, replacing = Value(value.axes, value.names, ()), False
    for bound, where, index in constraints(walk, value, plan):
        if replacing:
            for term in value.terms:
                fresh = {name: var(walk.fresh()) for name in (*bound, *term.bound)}
                kept = _bound_anew(term, fresh)
                here = tuple(c.substitute(fresh) for c in where)
                names = tuple(str(fresh[b].name) for b in bound)
                added += scaled([_with(kept, names, here, guards)], Fraction(-1))
        for term in read_at(walk.fresh, spread, index):
            added += scaled([_with(term, bound, where, guards)], Fraction(sign))
    return Value(value.axes, value.names, (*value.terms, *added))


def _with(term: Term, bound: Sequence[str], where: Sequence[Constraint], guards: Sequence[Constraint]) -> Term:
    return replace(term, bound=(*term.bound, *bound)).under(*where, *guards)


def _bound_anew(term: Term, fresh: dict[str, Affine]) -> Term:
    return replace(term.substitute(fresh), bound=tuple(str(fresh[b].name) for b in term.bound))


def broadcast(walk: Walk, new: Value, axes: Sequence[Axis]) -> Value:
    """The array over ``axes``, repeated along those where it has length 1."""
    if new.rank > len(axes) and all(not one.sizes for one in new.axes[: new.rank - len(axes)]):
        cut = new.rank - len(axes)
        new = Value(new.axes[cut:], new.names[cut:], new.terms)
    zeros = build(walk.fresh, axes, lambda *_: iter(()))
    sentence = f"{new} is put where {zeros} is"
    if new.rank > len(axes):
        walk.require(Constraint(affine(-1)), sentence)
        return zeros
    result = elementwise(walk, "+", zeros, new, sentence)
    for k, (one, wanted) in enumerate(zip(result.axes, axes, strict=True)):
        if one is not wanted and one != wanted and not _equal(walk, one, wanted):
            walk.require(equal(length(walk, result, k), length(walk, zeros, k)), sentence)
    if all(len(one.sizes) == len(wanted.sizes) for one, wanted in zip(result.axes, axes, strict=True)):
        return result

    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        places: list[Position] = []
        for one, group in zip(result.axes, groups, strict=True):
            if len(group) > 1 and len(group) != len(one.sizes):
                raise Undecided(f"how {one} lies on an axis of {len(group)} sizes")
            places.append(group if len(group) == len(one.sizes) else _only(group))
        return read_at(walk.fresh, result, places)

    return build(walk.fresh, axes, body)


def _equal(walk: Walk, one: Axis, other: Axis) -> bool:
    constraint = same_size(walk, one.sizes, other.sizes, "")
    return constraint is None or walk.always(constraint)


def composed(outer: Plan, inner: Plan) -> Plan:
    """The subscript that picks ``inner`` of what ``outer`` picks."""
    result: list[Span | Affine | None] = []
    rest: Iterator[Span | Affine | None] = iter(inner)
    for item in outer:
        if isinstance(item, Affine):
            result.append(item)
            continue
        own = next(rest)
        while own is None:
            result.append(None)
            own = next(rest)
        if item is None:
            if isinstance(own, Span) and own.whole:
                result.append(None)
            elif own != affine(0):
                raise Undecided("an axis of length 1 is subscripted")
        elif isinstance(own, Affine):
            result.append(item.start + own * item.step)
        elif item.whole or own.whole:
            result.append(own if item.whole else item)
        else:
            result.append(Span(item.start + own.start * item.step, own.count, item.step * own.step))
    result += rest
    return tuple(result)
