"""Whether what is claimed equals what is true, element by element."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symconv.notation.affine import var
from symconv.prove.meaning.atoms import told_apart
from symconv.prove.meaning.functions import cancelled
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Term, Value, inside, scaled
from symconv.relation.collecting import plain
from symconv.relation.equality import Difference, difference

__all__ = ["compare", "limited", "renamed"]


def compare(scope: Scope, wanted: Value, given: Value) -> Difference:
    """Where ``given`` differs from ``wanted``, an array over the same axes and index names.

    Raises Undecided where the method ends.
    """
    names = [name for group in wanted.names for name in group]
    both = (*limited(wanted), *scaled(limited(given), Fraction(-1)))
    found = difference(scope.region, names, both, scope.names.definitions)
    if not found.fails.empty and not told_apart(both):
        raise Undecided("the two sides apply functions that may or may not be equal")
    return found


def limited(value: Value) -> Iterator[Term]:
    """The terms of an array, its indices kept inside."""
    names = (name for group in value.names for name in group)
    sizes = (size for one in value.axes for size in one.sizes)
    limits = [c for name, size in zip(names, sizes, strict=True) for c in inside(var(name), size)]
    return (cancelled(one).under(*limits) for term in value.terms if (one := plain(term)) is not None)


def renamed(value: Value, like: Value) -> Value:
    """An array over the index names of another one with the same axes."""
    pairs = [(a, b) for old, new in zip(value.names, like.names, strict=True) for a, b in zip(old, new, strict=True)]
    put = {a: var(b) for a, b in pairs}
    return Value(like.axes, like.names, tuple(term.substitute(put) for term in value.terms))
