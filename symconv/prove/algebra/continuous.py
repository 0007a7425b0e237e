"""Claims that are the derivative where parts of a formula have kinks and the whole has none: x by relu(x) - relu(-x).

Off the kinks both sides are equal. At a kink the formula is continuous and so is the claim, and one element alone
crosses it: then the slopes from both sides tend to the claim, and the derivative is there and is the claim (by the
mean value theorem). What is no polynomial and none of the smooth functions, and switches inside sums, are not looked
into.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from symconv.notation.expr import Constraint
from symconv.notation.functions import TABLE
from symconv.prove.algebra.pieces import Pieces, solved, switch, values
from symconv.prove.algebra.reader import Reader
from symconv.prove.algebra.variables import (
    Applied,
    Base,
    Element,
    Frozen,
    Monomial,
    Polynomial,
    Summed,
    Whole,
    added,
    negated,
    thawed,
)
from symconv.prove.meaning.atoms import PI
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Term

__all__ = ["Side", "equal_across_kinks"]

_FLAT = ("0",)
_SMOOTH = frozenset(
    name for name, entry in TABLE.items()
    if entry.arity == 1 and entry.written and not (entry.kinks or entry.slopes == _FLAT)
)  # fmt: skip
"""Functions that are continuous and have a slope wherever they have a value."""
Side = tuple[Sequence[Term], Collection[Constraint]]
"""The terms of a side, and what its indices are kept within."""


def equal_across_kinks(
    scope: Scope, wanted: Side, given: Side, forward: Side, tensor: str, lengths: Collection[str]
) -> bool:
    """Whether what is claimed is the derivative of ``forward`` by ``tensor``, at its kinks too; False where not known.

    ``wanted`` is the gradient by the rules for the parts, which counts off the kinks alone. ``lengths`` are sizes of
    ``tensor``: where one that divides is 0, there is nothing to compare.
    """
    true, claimed, whole = Reader(scope, {}, True), Reader(scope, {}), Reader(scope, {}, True)
    try:
        left, right = true.terms(*wanted), claimed.terms(*given)
        if not all(claimed.asked_anyway(one, true.field.domains) for one in claimed.field.domains):
            return False
        rest = added(left, negated(right))
        equal = all(map(claimed.is_zero, Pieces(claimed.sums, at_zero=False).cases(rest)))
        zeros = true.field.zeros | claimed.field.zeros
        if not equal or not zeros <= set(lengths) or not _continuous(claimed, right):
            return False
        terms, limits = forward
        # Parts of an exponential linear unit alone jump: exp(x) - 1 below 0 does not, and exp(x) there does.
        beside = whole.terms([term for term in terms if not term.bound], limits)
        each = (_summand(whole, term, limits) for term in terms if term.bound)
        return all(_continuous(whole, one, tensor) for one in (beside, *each))
    except Undecided:
        return False


def _summand(reader: Reader, term: Term, limits: Collection[Constraint]) -> Polynomial:
    """What a term sums, for any of its indices: a sum of continuous terms is continuous."""
    return reader.terms([replace(term, bound=())], (*limits, *term.where))


def _continuous(reader: Reader, polynomial: Polynomial, tensor: str = "") -> bool:
    """Whether the pieces of a polynomial meet where they end, which one element of ``tensor`` crosses, or none."""
    argument = switch(polynomial)
    if argument is None:
        return _smooth(polynomial)
    form = thawed(argument)
    there = solved(form)
    if not there or (tensor and not _crossed(form, tensor)):
        return False
    pieces = Pieces(reader.sums)
    sides = [pieces.put(polynomial, values(argument, sign)) for sign in (1, -1, 0)]
    above, *others = (pieces.put(side, there) for side in sides)
    gaps = (added(above, negated(other)) for other in others)
    meet = all(reader.is_zero(one) for gap in gaps for one in pieces.cases(gap))
    return meet and all(_continuous(reader, side, tensor) for side in sides[:2])


def _crossed(form: Polynomial, tensor: str) -> bool:
    """Whether a sum holds one element of a tensor at most, times a number: a change of it alone changes its sign."""
    named = re.compile(rf"(?<!\w){re.escape(tensor)}\[")
    touching = [monomial for monomial in form if any(named.search(base.text) for base, _ in monomial)]
    return len(touching) <= 1 and all(map(_plain, touching))


def _plain(monomial: Monomial) -> bool:
    match monomial:
        case ((Base(node=Element()), power),):
            return power == 1
    return False


def _smooth(polynomial: Polynomial) -> bool:
    """Whether it is made of elements, powers, sums and smooth functions alone."""
    return all(_is_smooth(base) for monomial in polynomial for base, _ in monomial)


def _is_smooth(base: Base) -> bool:
    inner: Callable[[Frozen], bool] = lambda argument: _smooth(thawed(argument))  # noqa: E731
    match base.node:
        case Element(tensor):
            return "(" not in tensor or tensor == PI
        case Applied(function, argument):
            return function in _SMOOTH and inner(argument)
        case Whole(argument, _):
            return inner(argument)
        case Summed(_, body):
            return all(_is_smooth(one) for one, _ in body)
    return True
