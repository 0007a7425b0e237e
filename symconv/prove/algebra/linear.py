"""Whether linear relations between products hold together for any numbers, by Fourier and Motzkin's elimination."""

from __future__ import annotations

from collections.abc import Sequence

from symconv.limits import ALGEBRA_RELATIONS
from symconv.prove.algebra.variables import ONE, Monomial, Polynomial, added, negated

__all__ = ["Relation", "consistent"]

Relation = tuple[Polynomial, bool]
"""That a polynomial is above 0 or, with True, that it is 0."""


def consistent(relations: Sequence[Relation]) -> bool:
    """False where no numbers satisfy all relations, even if every product were a variable of its own."""
    above = [form for form, equal in relations if not equal]
    zero = [form for form, equal in relations if equal]
    while zero:
        form = zero.pop()
        name = _name(form)
        if name is None:
            if form:
                return False
            continue
        above = [_without(one, form, name) for one in above]
        zero = [_without(one, form, name) for one in zero]
    while above:
        if any(_name(form) is None and form.get((), 0) <= 0 for form in above):
            return False
        name = next((one for form in above if (one := _name(form)) is not None), None)
        if name is None:
            return True
        up = [form for form in above if form.get(name, 0) > 0]
        down = [form for form in above if form.get(name, 0) < 0]
        above = [form for form in above if name not in form]
        above += [_without(one, other, name) for one in up for other in down]
        if len(above) > ALGEBRA_RELATIONS:
            return True
    return True


def _name(form: Polynomial) -> Monomial | None:
    return next((one for one in form if one not in ONE), None)


def _without(one: Polynomial, other: Polynomial, name: Monomial) -> Polynomial:
    """The sum with ``other`` times what makes ``name`` go; positive where their numbers have opposite signs."""
    if name not in one:
        return one
    ratio = one[name] / other[name]
    return added(one, negated({key: value * ratio for key, value in other.items()}))
