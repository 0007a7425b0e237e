"""Steps in exponents, as masks are written: ``exp(where(m, a, b))`` is ``where(m, exp(a), exp(b))``.

A step is 0 or 1, so a function of a polynomial in it is the function at 1 where the step is 1, elsewhere that at 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain

from symconv.prove.algebra.variables import Applied, Base, Polynomial, added, application, frozen, negated, thawed

__all__ = ["at_step", "excluded", "first_step"]


def first_step(polynomial: Polynomial) -> Base | None:
    """A step that is a factor in the polynomial, always the same one; None where there is none."""
    found = (base for base, power in chain.from_iterable(polynomial) if _is_step(base) and power == 1)
    return min(found, key=lambda base: base.text, default=None)


def at_step(polynomial: Polynomial, step: Base, held: bool) -> Polynomial:
    """The polynomial where the step is 1, or where it is 0."""
    parts = []
    for monomial, value in polynomial.items():
        rest = tuple(one for one in monomial if one != (step, Fraction(1)))
        if held or len(rest) == len(monomial):
            parts.append({rest: value})
    return added(*parts)


def excluded(bases: Iterable[Base]) -> bool:
    """Whether one is the step of the opposite of another's argument: never are both 1."""
    steps = {base for base in bases if _is_step(base)}
    return any(_opposite(base) in steps for base in steps)


def _is_step(base: Base) -> bool:
    return isinstance(base.node, Applied) and base.node.function == "step"


def _opposite(base: Base) -> Base | None:
    match base.node:
        case Applied(function, argument):
            return application(function, frozen(negated(thawed(argument))))
    return None
