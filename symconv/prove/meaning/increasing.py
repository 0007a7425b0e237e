"""Functions that grow with their argument: ``exp(u) - 1`` is above 0 where ``u`` is, as exponential units ask."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from fractions import Fraction

from symconv.notation.expr import Constraint
from symconv.prove.meaning.atoms import argument_of, is_atom, is_number
from symconv.prove.meaning.value import Factor, Term, scaled

__all__ = ["grown"]

_AT_ZERO = {"exp": 1, "tanh": 0, "erf": 0}
"""Functions that grow everywhere, and their values at 0."""


def grown(argument: Sequence[Term], limits: Collection[Constraint]) -> list[Term] | None:
    """A sum with the sign of ``c*f(u) - c*f(0)``, which is ``u`` or its opposite; None for others.

    ``limits`` hold wherever it is asked for.
    """
    argument = [replace(term, where=tuple(c for c in term.where if c not in limits)) for term in argument]
    functions = [term for term in argument if not is_number(term)]
    if len(functions) != 1 or any(term.where for term in argument):
        return None
    match functions[0]:
        case Term(coefficient, (), (Factor() as factor,), (), (), ()) if is_atom(factor.tensor):
            function = factor.tensor.partition("(")[0]
            number = sum((term.coefficient for term in argument if is_number(term)), Fraction(0))
            inner = argument_of(factor)
            if function not in _AT_ZERO or number != -coefficient * _AT_ZERO[function] or inner is None:
                return None
            return inner if coefficient > 0 else list(scaled(inner, Fraction(-1)))
    return None
