"""Functions that grow with their argument: ``exp(u) - 1`` is above 0 where ``u`` is, as exponential units ask."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from fractions import Fraction

from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint
from symconv.prove.meaning.atoms import is_atom, is_number
from symconv.prove.meaning.value import Factor, Term, scaled

__all__ = ["argument_of", "grown"]

_AT_ZERO = {"exp": 1, "tanh": 0, "erf": 0}
"""Functions that grow everywhere, and their values at 0."""
_WORD = re.compile(r"(-?\d+(?:/\d+)?)((?:\*\(\w+\)\^-?\d+)*)((?:\*[A-Za-z_]\w*\{\d+\})*)\Z")
_SIZE = re.compile(r"\*\((\w+)\)\^(-?\d+)")
_PLACE = re.compile(r"\*([A-Za-z_]\w*)\{(\d+)\}")


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


def argument_of(factor: Factor) -> list[Term] | None:
    """The sum of products of elements that a function is of, as its text says it; None where it says more."""
    words = [_WORD.match(word) for word in factor.tensor.partition("(")[2][:-1].split(" + ")]
    forms, found = iter(factor.index), list[Term]()
    for word in words:
        if word is None:
            return None
        scale = tuple((var(name), int(power)) for name, power in _SIZE.findall(word.group(2)))
        places = [(name, int(count)) for name, count in _PLACE.findall(word.group(3))]
        factors = tuple(Factor(name, tuple[Affine, ...](next(forms) for _ in range(count))) for name, count in places)
        found.append(Term(Fraction(word.group(1)), scale, factors))
    return found
