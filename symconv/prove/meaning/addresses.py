"""Positions on merged axes: from logical indices to one row-major position and back, always affine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from symconv.limits import AXIS_ALTERNATIVES
from symconv.notation.affine import Affine, affine, quotient, var
from symconv.notation.expr import Constraint, equal
from symconv.prove.meaning.scope import Scope, Undecided, same_size
from symconv.prove.meaning.value import Axis, Fresh, Term, Value, inside, read

__all__ = [
    "Position", "Shared", "flat", "is_single", "over", "place", "read_at", "same_structure", "shared", "somewhere",
    "stretched",
]  # fmt: skip


Position = Affine | tuple[Affine, ...]
"""Where to read on an axis: a row-major position, or one form per logical size."""

_Flat = tuple[tuple[Constraint, ...], Affine]
_Placed = tuple[tuple[Constraint, ...], tuple[Affine, ...]]


def flat(axis: Axis, forms: Sequence[Affine]) -> list[_Flat]:
    """The row-major position of logical indices: alternatives, each with where it holds.

    ``q*C + c`` is not affine in an index q and a size C; where q takes few values each is an alternative of its own.
    """
    found: list[_Flat] = [((), affine(0))]
    reach = 1
    for size, form in zip(axis.sizes, forms, strict=True):
        if size.is_constant:
            found = [(where, position * size.constant + form) for where, position in found]
            reach *= size.constant
            continue
        if reach > AXIS_ALTERNATIVES or reach == 0:
            raise Undecided(f"the position on an axis of length {axis} is not affine in its indices")
        pinned: list[_Flat] = []
        for where, position in found:
            if position.is_constant:
                pinned.append((where, size * position.constant + form))
            else:
                pinned += [((*where, equal(position, affine(v))), size * v + form) for v in range(reach)]
        found, reach = pinned, 0
    return found


def place(axis: Axis, position: Affine) -> list[_Placed]:
    """The logical indices at a row-major position: alternatives, each with where it holds."""
    sizes = axis.sizes
    if not sizes:
        return [((Constraint(position, True),), ())]
    if len(sizes) == 1:
        return [((), (position,))]
    first, rest, last = sizes[0], Axis(sizes[1:]), sizes[-1]
    if last.is_constant and last.constant <= AXIS_ALTERNATIVES:
        outer = Axis(sizes[:-1])
        wholes = [(k, quotient(position - k, last.constant)) for k in range(last.constant)]
        return [
            ((*where, Constraint(position - k - whole * last.constant, True)), (*forms, affine(k)))
            for k, whole in wholes
            for where, forms in place(outer, whole)
        ]
    if first.is_constant and first.constant <= AXIS_ALTERNATIVES and rest.size is not None:
        return [
            ((*where, *inside(position - rest.size * v, rest.size)), (affine(v), *forms))
            for v in range(first.constant)
            for where, forms in place(rest, position - rest.size * v)
        ]
    raise Undecided(f"the indices at a position on an axis of length {axis} are not affine")


def read_at(fresh: Fresh, value: Value, positions: Sequence[Position]) -> Iterator[Term]:
    """The terms of the element at one position per axis; outside the array there are none."""
    choices = [
        [((), position)] if isinstance(position, tuple) else place(axis, position)
        for axis, position in zip(value.axes, positions, strict=True)
    ]
    for chosen in product(*choices):
        where = [constraint for part, _ in chosen for constraint in part]
        for term in read(fresh, value, [forms for _, forms in chosen]):
            yield term.under(*where)


def somewhere(scope: Scope, value: Value) -> Value:
    """The array without terms that are nowhere, such as those of the other parts of an axis that was cut."""
    pairs = [(name, size) for one, names in zip(value.axes, value.names, strict=True)
             for name, size in zip(names, one.sizes, strict=True)]  # fmt: skip
    limits = tuple(dict.fromkeys(limit for name, size in pairs for limit in inside(var(name), size)))
    names = tuple(name for name, _ in pairs)

    def there(term: Term) -> bool:
        more = [one for one in term.where if one not in limits]
        return not more or scope.region.reaches((*names, *term.bound), (*limits, *more))

    return Value(value.axes, value.names, tuple(filter(there, value.terms)))


def same_structure(scope: Scope, left: Sequence[Affine], right: Sequence[Affine]) -> bool:
    """Whether two lists of sizes are equal one by one, for all sizes of the branch."""
    if len(left) != len(right):
        return False
    pairs = [(a, b) for a, b in zip(left, right, strict=True) if a != b]
    return all(scope.region.always(equal(a, b)) for a, b in pairs)


@dataclass(frozen=True, slots=True)
class Shared:
    """One index over axes of equal length: its names and sizes, and where to read with it.

    Axes that are ``single`` have length 1 beside a longer one, and are read at 0.
    """

    axis: Axis
    names: tuple[str, ...]
    position: Position
    single: tuple[Axis, ...] = ()

    def at(self, one: Axis) -> Position:
        """Where the index reads on one of its axes."""
        return tuple(affine(0) for _ in one.sizes) if one in self.single else self.position

    @property
    def limits(self) -> tuple[Constraint, ...]:
        """That the index stays on the axis."""
        pairs = zip(self.names, self.axis.sizes, strict=True)
        return tuple(constraint for name, size in pairs for constraint in inside(var(name), size))


def shared(scope: Scope, axes: Iterable[Axis], sentence: str) -> Shared:
    """An index that runs over all of ``axes``; sizes for which they differ in length are refused."""
    first, *others = axes
    for other in others:
        wanted = same_size(scope, first.sizes, other.sizes, sentence)
        if wanted is not None:
            scope.require(wanted, f"{sentence}: {first} against {other}")
    if all(same_structure(scope, first.sizes, other.sizes) for other in others):
        names = scope.fresh.several(len(first.sizes))
        return Shared(first, names, tuple(map(var, names)))
    size = next((one.size for one in (first, *others) if one.size is not None), None)
    if size is None:
        raise Undecided(f"{sentence}: {first} against {', '.join(map(str, others))} is not affine")
    name = scope.fresh()
    return Shared(Axis((size,)), (name,), var(name))


def over(scope: Scope, groups: Sequence[Sequence[Axis]], sentence: str, broadcast: bool) -> Shared:
    """An index over groups of axes, equal in length within each; between them a length of 1 fits any if ``broadcast``.

    Raises Fork where the branch holds sizes that fit in different ways.
    """
    if not broadcast or len(groups) == 1:
        return shared(scope, [one for group in groups for one in group], sentence)
    lengths = [group[0] if len(group) == 1 else shared(scope, group, sentence).axis for group in groups]
    longest = lengths[0]
    for one in lengths[1:]:
        longest = stretched(scope, longest, one, sentence)
    single = tuple(length for length in lengths if is_single(scope, length) and not is_single(scope, longest))
    full = [one for group, length in zip(groups, lengths, strict=True) if length not in single for one in group]
    found = shared(scope, full, sentence)
    return replace(found, single=tuple(one for group, a in zip(groups, lengths, strict=True) if a in single
                                       for one in group))  # fmt: skip


def is_single(scope: Scope, one: Axis) -> bool:
    """Whether an axis has length 1 for all sizes of the branch."""
    return not one.sizes or (one.size is not None and scope.known(one.size) == 1)


def stretched(scope: Scope, a: Axis, b: Axis, sentence: str) -> Axis:
    """The axis of two that are broadcast; raises Fork where the branch has to be split to say which it is.

    Sizes for which the lengths differ, and neither is 1, are refused.
    """
    if same_structure(scope, a.sizes, b.sizes):
        return a
    for one, other in ((a, b), (b, a)):
        if is_single(scope, one):
            return other
    wanted = same_size(scope, a.sizes, b.sizes, sentence)
    if wanted is None or scope.decide(wanted):
        return shared(scope, (a, b), sentence).axis
    for one in (a, b):
        if one.size is not None and scope.decide(equal(one.size, affine(1))):
            return stretched(scope, a, b, sentence)
    scope.require(wanted, f"{sentence}: {a} against {b}")
    return a
