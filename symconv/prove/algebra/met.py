"""The sums that functions among the factors of terms are of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from symconv.prove.meaning.atoms import told_sum
from symconv.prove.meaning.scope import Scope
from symconv.prove.meaning.value import Term
from symconv.prove.meaning.whole_sums import KnownSum, WholeSums

__all__ = ["has_steps", "met"]


def has_steps(scope: Scope, terms: Sequence[Term]) -> bool:
    """Whether a step is among the factors, or in the sums that functions among them are of."""
    every = (terms, *(argument for one in met(scope, terms) for argument in one.arguments))
    return any(factor.tensor.startswith("step(") for each in every for term in each for factor in term.factors)


def met(scope: Scope, terms: Iterable[Term]) -> Iterator[KnownSum]:
    """The sums that functions among the factors are of, and those in them."""
    known = scope.of_sum.known if isinstance(scope.of_sum, WholeSums) else ()
    waiting, seen = [terms], set[int]()
    while waiting:
        for factor in (factor for term in waiting.pop() for factor in term.factors):
            told = told_sum(factor.tensor)
            if told is not None and told[1] not in seen:
                seen.add(told[1])
                yield known[told[1]]
                waiting += known[told[1]].arguments
