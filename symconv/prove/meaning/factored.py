"""Products over the axes of an array: of few elements by multiplication, of more by what they are products of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import prod

from symconv.limits import FACTORS
from symconv.notation.affine import Affine, affine, var
from symconv.prove.language.syntax import Node
from symconv.prove.meaning.extremes import extreme
from symconv.prove.meaning.scope import Scope
from symconv.prove.meaning.value import Axis, Fresh, Term, Value, axis, inside, multiplied, read
from symconv.prove.meaning.windowed import present

__all__ = ["multiplied_out"]


def multiplied_out(scope: Scope, value: Value, axes: Sequence[int], keep: bool, node: Node) -> Value:
    """The product over ``axes``; raises Undecided where some elements are outside of what they are read from."""
    kept = [k for k in range(value.rank) if keep or k not in axes]
    new: list[Axis] = [axis() if k in axes else value.axes[k] for k in kept]
    names = tuple(() if k in axes else value.names[k] for k in kept)
    over = [(name, size) for k in axes for name, size in zip(value.names[k], value.axes[k].sizes, strict=True)]
    lengths = [count for _, size in over if (count := scope.known(size)) is not None]
    if len(lengths) == len(over) and prod(lengths) <= FACTORS:
        return Value(tuple(new), names, tuple(_multiplied(scope.fresh, value, axes, lengths)))
    others = [pair for k in kept if k not in axes for pair in zip(value.names[k], value.axes[k].sizes, strict=True)]
    limits = tuple(c for name, size in others for c in inside(var(name), size))
    within = tuple(c for name, size in over for c in inside(var(name), size))
    element = present(scope, node, list(value.terms), (*limits, *within))
    fresh = {name: scope.fresh() for name, _ in over}
    put = {old: var(one) for old, one in fresh.items()}
    moved = [term.substitute(put) for term in element]
    whole = extreme(scope, "prod", moved, tuple(fresh.values()), [c.substitute(put) for c in within], limits)
    return Value(tuple(new), names, (whole,))


def _multiplied(fresh: Fresh, value: Value, axes: Sequence[int], lengths: Sequence[int]) -> Iterator[Term]:
    """The product of the elements at every position of the axes."""
    found = [Term(Fraction(1), (), ())]
    for at in product(*map(range, lengths)):
        places = iter(at)
        index: list[Sequence[Affine]] = []
        for k, group in enumerate(value.names):
            index.append([affine(next(places)) for _ in group] if k in axes else [var(name) for name in group])
        found = list(multiplied(found, read(fresh, value, index)))
    return iter(found)
