"""Laws of functions, as polynomials: what an exponential is in, and what changes its sign with its argument.

``sigmoid(u)`` is ``1/(1 + exp(-u))``, ``tanh(u)`` is ``1 - 2/(1 + exp(2u))``, ``softplus(u)`` is ``log(1 + exp(u))``
and ``gelu(u)`` is ``u*(1 + erf(u/sqrt(2)))/2``, wherever they are asked for; so all that is known of exponentials,
logarithms and fractions holds for them, such as ``sigmoid(-u) = 1 - sigmoid(u)``. No divisor can be 0.
"""

from __future__ import annotations

from fractions import Fraction

from symconv.prove.algebra.field import Field
from symconv.prove.algebra.variables import ONE, Polynomial, added, application, constant, frozen
from symconv.prove.meaning.atoms import EVEN, ODD

__all__ = ["BY_EXPONENTIALS", "exponentials", "turned"]

BY_EXPONENTIALS = frozenset({"sigmoid", "tanh", "softplus", "gelu"})
"""The functions that laws say by exponentials and ``erf``."""


def exponentials(field: Field, function: str, argument: Polynomial) -> Polynomial:
    """``sigmoid``, ``tanh`` or ``softplus`` by exponentials, ``gelu`` by ``erf``."""

    def times(number: int, polynomial: Polynomial) -> Polynomial:
        return field.times(polynomial, constant(Fraction(number)))

    match function:
        case "gelu":
            root = field.power(constant(Fraction(2)), Fraction(-1, 2))
            share = added(ONE, turned("erf", field.times(argument, root)))
            return field.times(argument, share, constant(Fraction(1, 2)))
        case "sigmoid":
            return field.power(added(ONE, field.exponential(times(-1, argument))), Fraction(-1))
        case "tanh":
            share = field.power(added(ONE, field.exponential(times(2, argument))), Fraction(-1))
            return added(ONE, times(-2, share))
    return field.logarithm(added(ONE, field.exponential(argument)))


def turned(function: str, argument: Polynomial) -> Polynomial:
    """Any other function of a polynomial; odd and even ones are of the one whose first number is positive."""
    sign = Fraction(1)
    if function in ODD | EVEN and argument and frozen(argument)[0][1] < 0:
        argument = {monomial: -value for monomial, value in argument.items()}
        sign = Fraction(-1 if function in ODD else 1)
    return {((application(function, frozen(argument)), Fraction(1)),): sign}
