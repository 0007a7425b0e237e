"""Windows that are cut off at the ends of an axis, ``x[:, max(0, c - 2):min(C, c + 3)]``, as sums over what is read.

The slice counts from its first element, ``c + max(0, f - 2)`` for ``c`` from 0; formulas count on the axis itself,
where the maximum in an index becomes two bounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symconv.code.gradients.branches import Read
from symconv.notation.affine import Affine, Maximum, var
from symconv.notation.expr import Constraint
from symconv.prove.meaning.value import Term

__all__ = ["on_the_axis"]


def on_the_axis(read: Read) -> Read:
    """The same with sums over places; that it is the same is proved as of any candidate."""
    known = tuple(
        replace(one, terms=tuple(map(_shifted, one.terms)), others=tuple(tuple(map(_shifted, o)) for o in one.others))
        for one in read.known
    )
    return replace(read, value=replace(read.value, terms=tuple(map(_shifted, read.value.terms))), known=known)


def _shifted(term: Term) -> Term:
    for name in term.bound:
        forms = [form for one in term.factors for form in one.index if form.coefficient(name)]
        first = {_maxima(form) for form in forms}
        if len(first) == 1 and all(form.coefficient(name) == 1 for form in forms) and Affine() not in first:
            term = term.substitute({name: var(name) - first.pop()})
    return _solved(replace(term, where=tuple(one for c in term.where for one in _both(c))))


def _solved(term: Term) -> Term:
    """Without indices that an equality fixes: the turn of a loop that stores at the place that is looked at."""
    for one in term.where:
        for name in term.bound if one.equality else ():
            if abs(times := one.form.coefficient(name)) == 1:
                value = (var(name) * times - one.form) * times
                rest = replace(term, bound=tuple(other for other in term.bound if other != name),
                               where=tuple(other for other in term.where if other is not one))  # fmt: skip
                if name not in value.names():
                    return _solved(rest.substitute({name: value}))
    return term


def _maxima(form: Affine) -> Affine:
    return Affine(tuple(one for one in form.terms if isinstance(one[0], Maximum)), 0)


def _both(condition: Constraint) -> Iterator[Constraint]:
    """What is at least a maximum is at least each of the two."""
    form = condition.form
    for atom, times in form.terms:
        if isinstance(atom, Maximum) and times < 0 and not condition.equality:
            rest = form - Affine(((atom, times),), 0)
            for side in (atom.left, atom.right):
                yield from _both(Constraint(rest + side * times))
            return
    yield condition
