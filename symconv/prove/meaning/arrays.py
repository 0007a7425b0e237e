"""Words that move or combine elements: flips, permutations, pads, dilation, subscripts, sums, products."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from symconv.notation.affine import Affine, affine, quotient
from symconv.notation.expr import Constraint, nonnegative
from symconv.prove.meaning.addresses import Position, over, read_at
from symconv.prove.meaning.amounts import as_product
from symconv.prove.meaning.counted import summed_over
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import (
    Axis,
    Factor,
    Product,
    Term,
    Value,
    axis,
    bound_over,
    build,
    inside,
    multiplied,
    scaled,
)

__all__ = [
    "EMPTY_MEAN",
    "dilated",
    "einsum",
    "flipped",
    "length",
    "multiply",
    "padded",
    "permuted",
    "picked",
    "summed",
    "tensor",
]

EMPTY_MEAN = "the mean of no elements"


def tensor(scope: Scope, name: str, axes: Sequence[Axis]) -> Value:
    """The array of that name itself."""
    one = Fraction(1)
    return build(scope.fresh, axes, lambda *groups: [Term(one, (), (Factor(name, sum(groups, ())),))])


def length(scope: Scope, value: Value, position: int) -> Affine:
    """The length of an axis as one form; raises Undecided where it is a product of sizes."""
    size = value.axes[position].size
    if size is None:
        raise Undecided(f"an axis of length {value.axes[position]} is split in the middle")
    return size


def _mapped(
    scope: Scope, value: Value, changed: dict[int, tuple[Axis, Callable[[tuple[Affine, ...]], Position]]]
) -> Value:
    """The array with some axes replaced; each says where on the old axis its index reads."""
    axes = [changed[k][0] if k in changed else old for k, old in enumerate(value.axes)]

    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        positions = [changed[k][1](group) if k in changed else group for k, group in enumerate(groups)]
        return read_at(scope.fresh, value, positions)

    return build(scope.fresh, axes, body)


def flipped(scope: Scope, value: Value, axes: Sequence[int]) -> Value:
    """The array read backwards along ``axes``."""

    def reverse(old: Axis) -> Callable[[tuple[Affine, ...]], Position]:
        return lambda group: tuple(size - 1 - form for size, form in zip(old.sizes, group, strict=True))

    return _mapped(scope, value, {k: (value.axes[k], reverse(value.axes[k])) for k in axes})


def permuted(value: Value, order: Sequence[int]) -> Value:
    """The array with its axes in another order."""
    return Value(tuple(value.axes[k] for k in order), tuple(value.names[k] for k in order), value.terms)


def _only(group: tuple[Affine, ...]) -> Affine:
    return group[0] if group else affine(0)


def padded(scope: Scope, value: Value, pads: dict[int, tuple[Affine, Affine]]) -> Value:
    """Zeros before and after, or elements cut off where a pad is negative."""
    changed = {}
    for k, (lo, hi) in pads.items():
        if lo == affine(0) == hi:
            continue
        size = length(scope, value, k)
        new = size + lo + hi
        scope.require(nonnegative(new), f"an axis of length {size} is cut to {new}")
        changed[k] = (axis(new), _shift(lo))
    return _mapped(scope, value, changed)


def _shift(lo: Affine, step: int = 1) -> Callable[[tuple[Affine, ...]], Position]:
    return lambda group: _only(group) * step - lo


def dilated(scope: Scope, value: Value, steps: dict[int, int]) -> Value:
    """``step - 1`` zeros between neighbours."""
    for k, step in steps.items():
        if step == 1:
            continue
        size = length(scope, value, k)
        scope.require(nonnegative(size - 1), f"an axis of length {size} is dilated")
        axes = [axis((size - 1) * step + 1) if at == k else old for at, old in enumerate(value.axes)]
        value = build(scope.fresh, axes, _spread(scope, value, k, step))
    return value


def _spread(scope: Scope, value: Value, k: int, step: int) -> Callable[..., Iterator[Term]]:
    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        old = quotient(_only(groups[k]), step)
        positions = [old if at == k else group for at, group in enumerate(groups)]
        exact = Constraint(_only(groups[k]) - old * step, True)
        return (term.under(exact) for term in read_at(scope.fresh, value, positions))

    return body


def picked(
    scope: Scope, value: Value, items: Sequence[tuple[int, tuple[Affine | None, Affine | None, int]] | Affine | None]
) -> Value:
    """A subscript: per item the axis and its span, or None for a new axis; an Affine picks the next axis' element."""
    axes: list[Axis] = []
    plan: list[Callable[[list[tuple[Affine, ...]]], Position]] = []
    old = 0
    for item in items:
        at = len(axes)
        if item is None:
            axes.append(axis())
            continue
        if isinstance(item, Affine):
            plan.append(_fixed(_in_range(scope, item, length(scope, value, old))))
        elif item[1] == (None, None, 1):
            axes.append(value.axes[old])
            plan.append(lambda groups, at=at: groups[at])  # type: ignore[misc]
        else:
            start, count, step = _span(scope, *item[1], length(scope, value, old))
            axes.append(axis(count))
            plan.append(lambda groups, at=at, start=start, step=step: _only(groups[at]) * step + start)  # type: ignore[misc]
        old += 1
    return build(scope.fresh, axes, lambda *groups: read_at(scope.fresh, value, [p(list(groups)) for p in plan]))


def _fixed(form: Affine) -> Callable[[list[tuple[Affine, ...]]], Position]:
    return lambda groups: form


def _in_range(scope: Scope, index: Affine, size: Affine) -> Affine:
    if not scope.decide(nonnegative(index)):
        index = index + size
    for constraint in inside(index, size):
        scope.require(constraint, f"index {index} on an axis of length {size}")
    return index


def _span(
    scope: Scope, start: Affine | None, stop: Affine | None, step: int, size: Affine
) -> tuple[Affine, Affine, int]:
    if step == -1:
        return size - 1, size, -1
    low = affine(0) if start is None else _clamped(scope, start, size)
    high = size if stop is None else _clamped(scope, stop, size)
    if not scope.decide(nonnegative(high - low - 1)):
        return low, affine(0), step
    return low, quotient(high - low - 1, step) + 1, step


def _clamped(scope: Scope, bound: Affine, size: Affine) -> Affine:
    if not scope.decide(nonnegative(bound)):
        bound = bound + size
        if not scope.decide(nonnegative(bound)):
            return affine(0)
    return bound if scope.decide(nonnegative(size - bound)) else size


def summed(scope: Scope, value: Value, axes: Sequence[int], keep: bool, mean: bool) -> Value:
    """The sum, or the mean, over ``axes``."""
    scale = Product(Fraction(1))
    for k in axes if mean else ():
        for size in value.axes[k].sizes:
            scope.require(nonnegative(size - 1), EMPTY_MEAN)
            scale = scale * as_product(size).inverse()
    over = [pair for k in axes for pair in zip(value.names[k], value.axes[k].sizes, strict=True)]
    terms = tuple(scaled(summed_over(scope, value.terms, over), scale.coefficient, scale.monomial))
    kept = [k for k in range(value.rank) if keep or k not in axes]
    gone = {k: (axis(), ()) for k in axes}
    new_axes, names = (
        zip(*(gone.get(k, (value.axes[k], value.names[k])) for k in kept), strict=True) if kept else ((), ())
    )
    return Value(tuple(new_axes), tuple(names), terms)


def multiply(value: Value, number: Product) -> Value:
    """The array times a number."""
    return Value(value.axes, value.names, tuple(scaled(value.terms, number.coefficient, number.monomial)))


def einsum(
    scope: Scope, inputs: Sequence[str], output: str, values: Sequence[Value], sentence: str, stretched: str = ""
) -> Value:
    """Einstein's summation; a letter runs over all axes it names, which have equal length.

    Of a letter in ``stretched`` an array may have length 1 where another has more, as NumPy broadcasts.
    """
    axes: dict[str, list[list[Axis]]] = {}
    for letters, value in zip(inputs, values, strict=True):
        for letter in dict.fromkeys(letters):
            own = [one for name, one in zip(letters, value.axes, strict=True) if name == letter]
            axes.setdefault(letter, []).append(own)
    common = {
        letter: over(scope, found, f"{sentence}, letter {letter}", letter in stretched)
        for letter, found in axes.items()
    }
    result: Iterator[Term] = iter([Term(Fraction(1), (), ())])
    for letters, value in zip(inputs, values, strict=True):
        positions = [common[letter].at(one) for letter, one in zip(letters, value.axes, strict=True)]
        result = multiplied(result, read_at(scope.fresh, value, positions))
    gone = [letter for letter in axes if letter not in output]
    limits = [constraint for letter in gone for constraint in common[letter].limits]
    terms = tuple(
        term.under(*limits) for term in bound_over(result, [name for letter in gone for name in common[letter].names])
    )
    return Value(tuple(common[x].axis for x in output), tuple(common[x].names for x in output), terms)
