"""Words that combine arrays element by element, broadcast as NumPy does, and functions of elements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import reduce

from symconv.notation.affine import Affine, affine
from symconv.notation.expr import Constraint
from symconv.notation.grammar import COMPARISONS
from symconv.prove.meaning.addresses import Position, is_single, read_at, same_structure, stretched
from symconv.prove.meaning.divisors import mapped_terms, to_power
from symconv.prove.meaning.functions import applied
from symconv.prove.meaning.scope import Scope
from symconv.prove.meaning.value import Axis, Product, Term, Value, axis, build, inside, multiplied, read, scaled

__all__ = ["chosen", "elementwise", "mapped", "powered", "together"]


def elementwise(scope: Scope, op: str, left: Value, right: Value, sentence: str) -> Value:
    """Sum, difference or product of two arrays, broadcast from the right as NumPy does."""
    rank = max(left.rank, right.rank)
    sides = [(axis(),) * (rank - v.rank) + v.axes for v in (left, right)]
    pairs = [_broadcast(scope, a, b, sentence) for a, b in zip(*sides, strict=True)]
    axes = [one for one, _, _ in pairs]

    def side(value: Value, groups: tuple[tuple[Affine, ...], ...], which: int) -> Iterator[Term]:
        positions: list[Position] = []
        for (one, *kept), old, group in zip(pairs, sides[which], groups, strict=True):
            if not kept[which]:
                positions.append(tuple(affine(0) for _ in old.sizes))
            elif same_structure(scope, one.sizes, old.sizes):
                positions.append(group)
            else:
                positions.append(group[0] if group else affine(0))
        return read_at(scope.fresh, value, positions[rank - value.rank :])

    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        a, b = side(left, groups, 0), side(right, groups, 1)
        if op == "*":
            yield from multiplied(a, b)
        elif op in COMPARISONS:
            yield from applied(COMPARISONS[op], [list(a), list(b)], _limits(axes, groups), scope.of_sum)
        else:
            yield from a
            yield from scaled(b, Fraction(1 if op == "+" else -1))

    return build(scope.fresh, axes, body)


def chosen(scope: Scope, condition: Value, one: Value, other: Value, sentence: str) -> Value:
    """``one`` where the condition is 1, ``other`` where it is 0."""
    difference = elementwise(scope, "-", one, other, sentence)
    return elementwise(scope, "+", elementwise(scope, "*", condition, difference, sentence), other, sentence)


def mapped(scope: Scope, function: str, value: Value) -> Value:
    """A scalar function of every element."""

    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        terms = list(read(scope.fresh, value, groups))
        return iter(mapped_terms(scope, function, [terms], _limits(value.axes, groups)))

    return build(scope.fresh, value.axes, body)


def together(scope: Scope, function: str, values: Sequence[Value], sentence: str) -> Value:
    """A scalar function of the elements of several arrays, broadcast."""
    whole = reduce(lambda left, right: elementwise(scope, "+", left, right, sentence), values)
    nothing = build(scope.fresh, whole.axes, lambda *_: ())
    full = [elementwise(scope, "+", one, nothing, sentence) for one in values]

    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        given = [list(read(scope.fresh, one, groups)) for one in full]
        return applied(function, given, _limits(whole.axes, groups), scope.of_sum)

    return build(scope.fresh, whole.axes, body)


def powered(scope: Scope, value: Value, power: Product) -> Value:
    """Every element to a power."""

    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        terms = list(read(scope.fresh, value, groups))
        return iter(to_power(scope, terms, power, _limits(value.axes, groups)))

    return build(scope.fresh, value.axes, body)


def _limits(axes: Sequence[Axis], groups: Sequence[tuple[Affine, ...]]) -> list[Constraint]:
    """That the indices of an element are inside."""
    pairs = [(form, size) for one, group in zip(axes, groups, strict=True)
             for form, size in zip(group, one.sizes, strict=True)]  # fmt: skip
    return [constraint for form, size in pairs for constraint in inside(form, size)]


def _broadcast(scope: Scope, a: Axis, b: Axis, sentence: str) -> tuple[Axis, bool, bool]:
    """The axis of the result, and whether each operand follows it (an operand of length 1 does not)."""
    common = stretched(scope, a, b, sentence)
    if same_structure(scope, a.sizes, b.sizes):
        return common, True, True
    single = [is_single(scope, one) for one in (a, b)]
    return common, not single[0], single[0] or not single[1]
