"""Divisors that are products of others: u*u is not 0 where u is not, nor 1 - x*x where 1 - x and 1 + x are not."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain, combinations_with_replacement, islice

from symconv.limits import ALGEBRA_DIVISORS, ALGEBRA_FACTORS
from symconv.prove.algebra.field import Field
from symconv.prove.algebra.variables import LOG, NONZERO, Applied, Base, Polynomial, frozen, thawed

__all__ = ["not_zero_either"]


def not_zero_either(field: Field, base: Base, known: Collection[Base]) -> bool:
    """Whether a divisor is a number times a product of what is known to be different from 0."""
    match base.node:
        case Applied(function, argument) if function == NONZERO:
            wanted = thawed(argument)
        case _:
            return False
    factors = [
        thawed(one.node.argument) for one in sorted(known, key=lambda one: one.text)
        if isinstance(one.node, Applied) and one.node.function in {NONZERO, LOG}
    ]  # fmt: skip
    counts = range(1, ALGEBRA_FACTORS + 1)
    each = chain.from_iterable(combinations_with_replacement(factors, count) for count in counts)
    return any(_proportional(field.times(*chosen), wanted) for chosen in islice(each, ALGEBRA_DIVISORS))


def _proportional(one: Polynomial, other: Polynomial) -> bool:
    """Whether two polynomials differ by a number alone."""
    if one.keys() != other.keys() or not one:
        return False
    first = frozen(one)[0][0]
    ratio = one[first] / other[first]
    return all(value == other[monomial] * ratio for monomial, value in one.items())
