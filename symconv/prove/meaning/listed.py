"""Lists for each number of a range: an array with a first axis for the numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from symconv.notation.affine import Affine, affine, quotient, var
from symconv.notation.expr import nonnegative
from symconv.prove.language.syntax import Each, Node, show
from symconv.prove.meaning.amounts import amount, as_form, as_integer
from symconv.prove.meaning.loops import Loops
from symconv.prove.meaning.movements import length_at
from symconv.prove.meaning.scope import Names, Scope, Undecided
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
    if not scope.decide(nonnegative(length)):
        # No arrays, whatever their axes would be: the sum of none is 0.
        return Value((axis(0),), ((scope.fresh(),),), ())
    walk = scope if isinstance(scope, Loops) else Loops(scope, scope.caret)
    walk.rank_of = lambda one: array(walk, one).rank
    walk.size_of = lambda one, which: length_at(walk, array(walk, one), which)
    index = scope.fresh()
    names = walk.names
    walk.names = _with_number(names, node.name, start + var(index) * step)
    try:
        with walk.inside((index,), inside(var(index), length)):
            value = array(walk, node.body)
    finally:
        walk.names = names
        scope.region = walk.base if walk is not scope else scope.region
    if any(index in size.names() for one in value.axes for size in one.sizes):
        raise Undecided(f"{show(node)}: the lengths of these arrays depend on {node.name}")
    first = axis(length)
    if first.sizes:
        return Value((first, *value.axes), ((index,), *value.names), value.terms)
    terms = tuple(term.substitute({index: affine(0)}) for term in value.terms)
    return Value((first, *value.axes), ((), *value.names), terms)


def _with_number(names: Names, name: str, form: Affine) -> Names:
    """The names with one that is a number, whatever it is elsewhere."""
    vectors = {other: one for other, one in names.vectors.items() if other != name}
    tensors = {other: one for other, one in names.tensors.items() if other != name}
    return replace(names, sizes={**names.sizes, name: form}, vectors=vectors, tensors=tensors)
