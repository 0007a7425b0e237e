"""Lists for each number of a range: an array with a first axis for the numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from symconv.limits import LOOP_UNROLLED
from symconv.notation.affine import Affine, affine, quotient, var
from symconv.notation.expr import equal, nonnegative
from symconv.prove.language.syntax import Each, Node, show
from symconv.prove.meaning.amounts import amount, as_form, as_integer
from symconv.prove.meaning.loops import Loops
from symconv.prove.meaning.movements import length_at
from symconv.prove.meaning.scope import Names, Scope, Undecided, same_size
from symconv.prove.meaning.value import Value, axis, inside

__all__ = ["listed"]


def listed(scope: Scope, node: Each, array: Callable[[Scope, Node], Value]) -> Value:
    """The arrays that ``array`` gives for each number, one behind the other along a new first axis.

    What is asked of sizes has to hold for every number. Raises Undecided where the arrays are longer for some.
    """
    if node.where:
        raise scope.error(node.at, f"{show(node)}: a condition is read where the side is indexed, as in gx[n,c] = ...")
    start, stop = (as_form(scope, amount(scope, one), one) for one in (node.start, node.stop))
    step = as_integer(scope, amount(scope, node.step), node.step, "the step of a range")
    length = quotient(stop - start + step - 1, step) if step > 1 else stop - start
    if length == affine(0) or not scope.decide(nonnegative(length)):
        # No arrays, whatever their axes would be: the sum of none is 0.
        return Value((axis(0),), ((scope.fresh(),),), ())
    walk = scope if isinstance(scope, Loops) else Loops(scope, scope.caret)
    walk.rank_of = lambda one: array(walk, one).rank
    walk.size_of = lambda one, which: length_at(walk, array(walk, one), which)
    try:
        if length.is_constant and length.constant <= LOOP_UNROLLED:
            return _one_by_one(walk, node, [start + step * k for k in range(length.constant)], array)
        return _at_once(walk, node, length, lambda index: start + index * step, array)
    finally:
        scope.region = walk.base if walk is not scope else scope.region


def _at_once(
    walk: Loops, node: Each, length: Affine, number: Callable[[Affine], Affine], array: Callable[[Scope, Node], Value]
) -> Value:
    """The arrays for numbers that an index stands for."""
    index = walk.fresh()
    with walk.inside((index,), inside(var(index), length)):
        value = _of_number(walk, node, number(var(index)), array)
    if any(index in size.names() for one in value.axes for size in one.sizes):
        raise Undecided(f"{show(node)}: the lengths of these arrays depend on {node.name}")
    return Value((axis(length), *value.axes), ((index,), *value.names), value.terms)


def _one_by_one(
    walk: Loops, node: Each, numbers: Sequence[Affine], array: Callable[[Scope, Node], Value]
) -> Value:  # fmt: skip
    """The arrays for a few numbers, which may be as long by accident: ``x[a::2]`` of an even length."""
    first, *others = [_of_number(walk, node, number, array) for number in numbers]
    index = walk.fresh()
    new = axis(len(numbers))
    terms = [term.under(*([equal(var(index), affine(0))] if others else [])) for term in first.terms]
    for at, one in enumerate(others, start=1):
        sentence = f"{show(node)}: arrays of {first} and of {one}"
        if [len(own.sizes) for own in one.axes] != [len(own.sizes) for own in first.axes]:
            raise Undecided(sentence)
        for own, wanted in zip(one.axes, first.axes, strict=True):
            if (asked := same_size(walk, own.sizes, wanted.sizes, sentence)) is not None:
                walk.require(asked, sentence)
        pairs = zip(sum(one.names, ()), sum(first.names, ()), strict=True)
        put = {old: var(name) for old, name in pairs}
        terms += [term.substitute(put).under(equal(var(index), affine(at))) for term in one.terms]
    return Value((new, *first.axes), ((index,) if new.sizes else (), *first.names), tuple(terms))


def _of_number(walk: Loops, node: Each, number: Affine, array: Callable[[Scope, Node], Value]) -> Value:
    names = walk.names
    walk.names = _with_number(names, node.name, number)
    try:
        return array(walk, node.body)
    finally:
        walk.names = names


def _with_number(names: Names, name: str, form: Affine) -> Names:
    """The names with one that is a number, whatever it is elsewhere."""
    vectors = {other: one for other, one in names.vectors.items() if other != name}
    tensors = {other: one for other, one in names.tensors.items() if other != name}
    return replace(names, sizes={**names.sizes, name: form}, vectors=vectors, tensors=tensors)
