"""Which channels belong together in a grouped convolution and in its transpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from symconv.notation.affine import Affine, affine, quotient, var
from symconv.notation.expr import Constraint, equal, nonnegative
from symconv.prove.meaning.addresses import Position, place, same_structure, shared
from symconv.prove.meaning.reshapes import equal_products
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Axis, Product, axis, inside

__all__ = ["Choice", "Contraction", "Groups", "correlation_groups", "one_form", "transposed_groups"]

Groups = int | Product
"""A number of groups: an integer, or a product of sizes."""

Choice = tuple[tuple[Constraint, ...], tuple[str, ...], Position, Position, Position]
"""Where it holds, the channel's index names, and the positions on a's channels, k's in and k's out channels."""

Contraction = Callable[[tuple[Affine, ...]], Iterator[Choice]]
"""The ways to read for one output channel."""

_CHANNELS = "the channels of the array and of the filters"


def correlation_groups(scope: Scope, groups: Groups, channels: Axis, ins: Axis, outs: Axis) -> tuple[Axis, Contraction]:
    """The output channels of a cross-correlation, and what each of them reads."""
    if groups == 1:
        common = shared(scope, (channels, ins), _CHANNELS)
        return outs, lambda f: iter([(common.limits, common.names, common.position, common.position, f)])
    if isinstance(groups, Product):
        return _correlation_by_size(scope, groups, channels, ins, outs)
    per_group, filters = one_form(ins), one_form(outs)
    scope.require(equal(one_form(channels), per_group * groups), f"{channels} channels for {groups} groups of {ins}")
    rest = quotient(filters, groups)
    scope.require(equal(filters, rest * groups), f"{filters} filters for {groups} groups")
    common = shared(scope, (ins,), "the channels")
    position = common.position
    direct = outs.sizes[:1] == (affine(groups),) and same_structure(scope, channels.sizes, (affine(groups), *ins.sizes))
    if direct and isinstance(position, tuple):
        return outs, lambda f: iter([(common.limits, common.names, (f[0], *position), position, f)])

    def contraction(f: tuple[Affine, ...]) -> Iterator[Choice]:
        inner = _flat_of(common.axis, common.names)
        for v in range(groups):
            where = (*common.limits, equal(f[0], affine(v)))
            yield where, common.names, per_group * v + inner, position, rest * v + _at(f[1:])

    return Axis((affine(groups), *axis(rest).sizes)), contraction


def transposed_groups(scope: Scope, groups: Groups, channels: Axis, ins: Axis, outs: Axis) -> tuple[Axis, Contraction]:
    """The output channels of a transposed convolution, and what each of them reads."""
    common = shared(scope, (channels, ins), _CHANNELS)
    names, position = common.names, common.position
    if groups == 1:
        return outs, lambda f: iter([(common.limits, names, position, position, f)])
    if isinstance(groups, Product):
        lead = _lead(scope, groups, common.axis)
    else:
        count = one_form(common.axis)
        size = quotient(count, groups)
        scope.require(equal(count, size * groups), f"{count} channels in {groups} groups")
        lead = 1 if common.axis.sizes[:1] == (affine(groups),) else 0
    if lead:

        def direct(f: tuple[Affine, ...]) -> Iterator[Choice]:
            own = tuple(equal(var(name), form) for name, form in zip(names, f[:lead], strict=False))
            yield (*common.limits, *own), names, position, position, f[lead:]

        return Axis((*common.axis.sizes[:lead], *outs.sizes)), direct
    assert isinstance(groups, int)

    def contraction(f: tuple[Affine, ...]) -> Iterator[Choice]:
        name = scope.fresh()
        for v in range(groups):
            where = (*inside(var(name), size), equal(f[0], affine(v)))
            yield where, (name,), size * v + var(name), size * v + var(name), f[1:]

    return Axis((affine(groups), *outs.sizes)), contraction


def _correlation_by_size(
    scope: Scope, groups: Product, channels: Axis, ins: Axis, outs: Axis
) -> tuple[Axis, Contraction]:
    """As many groups as a size says: the group is a leading index of the channels and of the filters."""
    lead, own = _lead(scope, groups, channels), _lead(scope, groups, outs)
    if not same_structure(scope, channels.sizes[:lead], outs.sizes[:own]):
        raise Undecided(f"{channels} channels and {outs} filters do not show the same groups")
    rest = Axis(channels.sizes[lead:])
    common = shared(scope, (rest, ins), "the channels of a group and of the filters")

    def contraction(f: tuple[Affine, ...]) -> Iterator[Choice]:
        position = common.position
        inner = [((), position)] if isinstance(position, tuple) else place(rest, position)
        for where, forms in inner:
            yield (*common.limits, *where), common.names, (*f[:own], *forms), position, f

    return outs, contraction


def _lead(scope: Scope, groups: Product, channels: Axis) -> int:
    """How many leading sizes of the channels count the groups."""
    for size, _ in groups.monomial:
        scope.require(nonnegative(size - 1), f"{size} groups")
    wanted = [size for size, power in groups.monomial for _ in range(power)]
    for lead in range(1, len(channels.sizes) + 1):
        if equal_products(scope, channels.sizes[:lead], [*wanted, affine(int(groups.coefficient))]):
            return lead
    # A channel for each group, as depthwise layers have: of more the axis itself has to show it.
    one_each = len(wanted) == len(channels.sizes) == groups.coefficient == 1
    if one_each and scope.decide(equal(wanted[0], channels.sizes[0])):
        return 1
    raise Undecided(f"how {channels} channels are split into groups is not affine in the sizes")


def one_form(one: Axis) -> Affine:
    """The length of an axis as one form; raises Undecided where it is a product of sizes."""
    if one.size is None:
        raise Undecided(f"a window slides along an axis of length {one}, a product of sizes")
    return one.size


def _at(group: Sequence[Affine]) -> Affine:
    return group[0] if group else affine(0)


def _flat_of(one: Axis, names: Sequence[str]) -> Affine:
    if len(names) > 1:
        raise Undecided(f"the channels {one} of a group are a product of sizes")
    return var(names[0]) if names else affine(0)
