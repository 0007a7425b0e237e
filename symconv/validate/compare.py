"""Terms of one tensor on two sides compared, for all sizes: each form with each of its instances, as often as it
occurs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from symconv.relation.instances import difference_of, repeated
from symconv.relation.points import Instances, UnclearError, Word
from symconv.relation.sets import Context
from symconv.validate.flow import TEST
from symconv.validate.memory import Held
from symconv.validate.ordering import FaultError
from symconv.validate.terms import Sum, Term, reduced

__all__ = ["Comparison", "chosen", "held_terms"]

_FLAG = re.compile(re.escape(TEST).replace(r"\{\}", r"\d+") + " = ")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides of the tensor ``name``; ``flags`` say how the tests of sizes come out."""

    context: Context
    name: str
    flags: Mapping[str, int]

    def instances(self, want: Sequence[Instances], got: Sequence[Instances], what: str, once: bool = False) -> None:
        """Raises FaultError with a point that one side touches oftener than the other."""
        if fault := difference_of(self.context, want, got, once):
            raise FaultError(f"{what}: {fault}")

    def terms(self, want: Sequence[Term], got: Sequence[Term], op: str = "+") -> None:
        """Raises FaultError where a term is missing or too many, UnclearError where this is not decided."""
        sides = [_by_form(side, self.flags) for side in (want, got)]
        for form in dict.fromkeys((*sides[0], *sides[1])):
            a, b = (side.get(form, []) for side in sides)
            self.instances([_read(t) for t in a], [_read(t) for t in b], f"terms of {self.name}", op in ("max", "min"))
            slots = [(_sums(one), _sums(other)) for one in a[:1] for other in b[:1]]
            if slots and slots[0][0]:
                self._alone([*a, *b], a)
            for k in range(len(slots[0][0]) if slots else 0):
                self._slots([_sums(t)[k] for t in a], [_sums(t)[k] for t in b])

    def _alone(self, every: Sequence[Term], want: Sequence[Term]) -> None:
        """Reductions inside functions are compared cell by cell: no cell may have two of the same form."""
        if len(want) > 1 and repeated(self.context, [term.instances for term in want]):
            self._unclear("has several functions of reductions of one form")
        for term in every:
            if repeated(self.context, [term.instances]):
                self._unclear("sums functions of reductions")

    def _unclear(self, words: str) -> NoReturn:
        raise UnclearError(f"{self.name} {words}")

    def _slots(self, want: Sequence[Sum], got: Sequence[Sum]) -> None:
        if len(kinds := {s.op for s in (*want, *got)}) != 1:
            raise FaultError(f"{self.name} is reduced by {' and '.join(sorted(kinds))}")
        left, right = ([t for s in side for t in s.terms] for side in (want, got))
        self.terms(left, right, want[0].op)


def held_terms(held: Held, cuts: set[str]) -> list[Term]:
    """The terms held; a buffer that holds an extreme is one reduction."""
    terms = held.terms(cuts)
    if held.op in ("", "+"):
        return terms
    return [Term(1, reduced(held.op, terms), points) for points in held.passes[-1] or held.cleared]


def chosen(points: Sequence[Instances], flags: Mapping[str, int]) -> list[Instances]:
    """The instances that run when the tests come out so, without the tests."""
    against = {Word(f"{name} = {1 - value}") for name, value in flags.items()}
    return [_unflagged(one) for one in points if not against & set(one.facts)]


def _unflagged(points: Instances) -> Instances:
    return replace(points, facts=tuple(fact for fact in points.facts if not _FLAG.match(fact.text)))


def _by_form(terms: Sequence[Term], flags: Mapping[str, int]) -> dict[object, list[Term]]:
    """The terms of the instances that run when the tests come out so, by sign and form."""
    found: dict[object, list[Term]] = {}
    for term in terms:
        for points in chosen([term.instances], flags):
            found.setdefault((term.sign, term.tree.shape()[0]), []).append(replace(term, instances=points))
    return found


def _read(term: Term) -> Instances:
    return term.instances.touching((*term.instances.image, *term.tree.shape()[1]))


def _sums(term: Term) -> tuple[Sum, ...]:
    return term.tree.shape()[2]
