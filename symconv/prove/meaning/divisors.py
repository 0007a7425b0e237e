"""Divisors made of sizes: where they are 0, code raises an error or gives no number, whatever cancels them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from math import lcm
from typing import Protocol

from symconv.notation.affine import affine
from symconv.notation.expr import Constraint, nonnegative
from symconv.prove.meaning.functions import applied, powered
from symconv.prove.meaning.scope import Scope
from symconv.prove.meaning.value import Product, Term
from symconv.relation.terms import as_product

__all__ = ["DIVIDED", "NOTHING", "mapped_terms", "nonzero", "to_power"]

DIVIDED = "a division by 0"

NOTHING = Term(Fraction(0), (), ())
"""A zero that is divided: kept as a term, so that what it is divided by is not forgotten."""


class _Sizes(Protocol):
    """What decides about sizes, and leaves out those at which something is not defined."""

    def decide(self, constraint: Constraint) -> bool: ...

    def require(self, constraint: Constraint, sentence: str) -> None: ...


def nonzero(sizes: _Sizes, divisor: Product, what: str = DIVIDED) -> None:
    """Leave out the sizes where the divisor is 0; a divisor that has both signs splits them first."""
    if not divisor.coefficient:
        sizes.require(Constraint(affine(-1)), what)
    for form, _ in divisor.monomial:
        sizes.require(nonnegative(form - 1 if sizes.decide(nonnegative(form)) else -form - 1), f"{what}: by {form}")


def _defined(scope: Scope, function: str, argument: Sequence[Term]) -> None:
    """Leave out the sizes where a reciprocal or a logarithm of a number made of sizes is not defined."""
    terms = [term for term in argument if term.coefficient]
    if function not in {"reciprocal", "log"} or not terms:
        return
    number = _number(terms)
    if function == "reciprocal" and (number is not None or len(terms) == 1):
        nonzero(scope, number or Product(terms[0].coefficient, terms[0].scale))
    elif number is not None and number.monomial:
        nonzero(scope, number, "the logarithm of 0")
        signs = [bool(power % 2) and not scope.decide(nonnegative(form)) for form, power in number.monomial]
        if (sum(signs) % 2 == 1) != (number.coefficient < 0):
            scope.require(Constraint(affine(-1)), "the logarithm of a negative number")


def _number(terms: Sequence[Term]) -> Product | None:
    """The sum where it is one product of sizes, or affine in them."""
    if any(term.factors or term.bound or term.where or term.tables for term in terms):
        return None
    if len(terms) == 1:
        return Product(terms[0].coefficient, terms[0].scale)
    common = lcm(*(term.coefficient.denominator for term in terms))
    total = affine(0)
    for term in terms:
        factor = int(term.coefficient * common)
        match term.scale:
            case ():
                total = total + factor
            case ((form, 1),):
                total = total + form * factor
            case _:
                return None
    return as_product(total) * Product(Fraction(1, common))


def mapped_terms(
    scope: Scope, function: str, arguments: Sequence[Sequence[Term]], limits: Collection[Constraint]
) -> list[Term]:
    """A scalar function of sums."""
    if len(arguments) == 1:
        _defined(scope, function, arguments[0])
    return list(applied(function, arguments, limits, scope.of_sum))


def to_power(scope: Scope, argument: Sequence[Term], power: Product, limits: Collection[Constraint]) -> list[Term]:
    """A sum to a power."""
    if power.coefficient < 0:
        _defined(scope, "reciprocal", argument)
    return powered(argument, power, limits, scope.of_sum)
