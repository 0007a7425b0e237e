"""``sign(u)`` as what comparisons say of it: 1 where ``u > 0``, minus 1 where ``u < 0``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from symconv.prove.meaning.atoms import OF_SUM, argument_of
from symconv.prove.meaning.functions import applied
from symconv.prove.meaning.scope import Scope
from symconv.prove.meaning.value import Term, multiplied, scaled

__all__ = ["in_steps"]


def in_steps(scope: Scope, terms: Sequence[Term]) -> list[Term] | None:
    """The terms without signs, where some compare elements and others take the sign of a difference; else None."""
    names = {factor.tensor.partition("(")[0] for term in terms for factor in term.factors}
    return [*_without_signs(scope, terms)] if {"sign", "step"} <= names else None


def _without_signs(scope: Scope, terms: Iterable[Term]) -> Iterator[Term]:
    for term in terms:
        signs = [one for one in term.factors if one.tensor.startswith("sign(") and OF_SUM not in one.tensor]
        argument = argument_of(signs[0]) if len(signs) == 1 else None
        if argument is None:
            yield term
            continue
        rest = replace(term, factors=tuple(one for one in term.factors if one != signs[0]))
        yield from multiplied([rest], _step(scope, argument))
        yield from multiplied([rest], scaled(_step(scope, [*scaled(argument, Fraction(-1))]), Fraction(-1)))


def _step(scope: Scope, argument: Sequence[Term]) -> list[Term]:
    """1 where the sum is above 0."""
    return list(applied("gt", (argument, ()), (), scope.of_sum))
