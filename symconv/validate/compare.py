"""Terms of one tensor on two sides compared, for all sizes: each form with each of its instances, as often as it
occurs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NoReturn

from symconv.relation.instances import repeated
from symconv.relation.points import Instances, UnclearError, Word
from symconv.relation.sets import Context
from symconv.relation.sums import Counted, difference_of, once, other_points
from symconv.validate.flow import TEST
from symconv.validate.memory import Held
from symconv.validate.ordering import FaultError
from symconv.validate.terms import Sum, Term, reduced, without_number

__all__ = ["Comparison", "chosen", "held_terms"]

_FLAG = re.compile(re.escape(TEST).replace(r"\{\}", r"\d+") + " = ")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides of the tensor ``name``; ``flags`` say how the tests of sizes come out."""

    context: Context
    name: str
    flags: Mapping[str, int]

    def stores(self, want: Sequence[Instances], got: Sequence[Instances], how: str = "") -> None:
        """Raises FaultError with a cell that one side stores oftener than the other."""
        if fault := difference_of(self.context, once(want), once(got)):
            raise FaultError(f"stores of {self.name}{how}: {fault}")

    def terms(self, want: Sequence[Term], got: Sequence[Term], op: str = "+") -> None:
        """Raises FaultError where a term is missing or too many, UnclearError where this is not decided."""
        sides = [_by_form(side, self.flags, op) for side in (want, got)]
        for form in dict.fromkeys((*sides[0], *sides[1])):
            a, b = (side.get(form, []) for side in sides)
            if fault := self._compared(a, b, op):
                raise FaultError(f"terms of {self.name}: {fault}")
            slots = [(_sums(one.term), _sums(other.term)) for one in a[:1] for other in b[:1]]
            if slots and slots[0][0]:
                self._alone([*a, *b], a)
            for k in range(len(slots[0][0]) if slots else 0):
                self._slots([_sums(one.term)[k] for one in a], [_sums(one.term)[k] for one in b])

    def _compared(self, want: Sequence[_Weighted], got: Sequence[_Weighted], op: str) -> str | None:
        if op in ("max", "min"):
            return other_points(self.context, *([_read(one.term) for one in side] for side in (want, got)))
        sides = ([Counted(_read(one.term), one.times) for one in side] for side in (want, got))
        return difference_of(self.context, *sides)

    def _alone(self, every: Sequence[_Weighted], want: Sequence[_Weighted]) -> None:
        """Reductions inside functions are compared cell by cell: no cell may have two of the same form."""
        if len(want) > 1 and repeated(self.context, [one.term.instances for one in want]):
            self._unclear("has several functions of reductions of one form")
        for one in every:
            if repeated(self.context, [one.term.instances]):
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


@dataclass(frozen=True, slots=True)
class _Weighted:
    """A term without the number in front of it, and that number."""

    times: Fraction
    term: Term


def _by_form(terms: Sequence[Term], flags: Mapping[str, int], op: str) -> dict[object, list[_Weighted]]:
    """The terms of the instances that run when the tests come out so, by what is added up.

    Functions of reductions are not added up: what is in their slots is compared for each number apart.
    """
    found: dict[object, list[_Weighted]] = {}
    for term in terms:
        number, tree = without_number(term.tree) if op == "+" else (Fraction(1), term.tree)
        form, _, slots = tree.shape()
        times = term.sign * number
        for points in chosen([term.instances], flags):
            one = _Weighted(times, replace(term, tree=tree, instances=points))
            found.setdefault((form, times if slots else None), []).append(one)
    return found


def _read(term: Term) -> Instances:
    return term.instances.touching((*term.instances.image, *term.tree.shape()[1]))


def _sums(term: Term) -> tuple[Sum, ...]:
    return term.tree.shape()[2]
