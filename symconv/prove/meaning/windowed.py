"""Reductions of claims that are no sums: extremes, which tap is the first of them, and products of few factors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product

from symconv.limits import FACTORS
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint, equal
from symconv.prove.language.syntax import Node, Reduction, show
from symconv.prove.meaning.extremes import extreme, first_extreme
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Term, multiplied
from symconv.relation.sets import System, implied

__all__ = ["check_new", "extremes", "few", "first", "present"]

Terms = Callable[[Node, Mapping[str, Affine], tuple[Constraint, ...]], list[Term]]

_ONE = Term(Fraction(1), (), ())


def check_new(scope: Scope, node: Reduction, put: Mapping[str, Affine]) -> None:
    """Raises SpecError where an index of a reduction means something already."""
    for name in node.indices:
        if name in put or name in scope.names.tensors:
            raise scope.error(node.at, f"{name} means something already; choose another index")


def extremes(
    scope: Scope, node: Reduction, element: Sequence[Term], taps: tuple[str, ...],
    within: tuple[Constraint, ...], limits: tuple[Constraint, ...],
) -> Iterator[Term]:  # fmt: skip
    """The largest or smallest element over taps; raises Undecided where one of them may lie outside its array."""
    element = present(scope, node, element, (*limits, *within))
    yield extreme(scope, node.kind, element, taps, within, limits)


def first(
    scope: Scope, node: Reduction, element: Sequence[Term], taps: tuple[str, ...], at: Affine,
    within: tuple[Constraint, ...], limits: tuple[Constraint, ...],
) -> Iterator[Term]:  # fmt: skip
    """1 where the row-major position ``at`` is that of the first extreme element, else 0."""
    element = present(scope, node, element, (*limits, *within))
    lengths = [_length(node, tap, within) for tap in taps[1:]]
    # Of several taps the one of the position is the only one with that number.
    bound = {tap: scope.fresh() for tap in taps} if lengths else {}
    put = {tap: var(new) for tap, new in bound.items()} or {taps[0]: at}
    flat = put[taps[0]]
    for tap, length in zip(taps[1:], lengths, strict=True):
        flat = flat * length + put[tap]
    for term in first_extreme(scope, node.kind.removeprefix("arg"), element, taps, within, limits):
        found = term.substitute(put).under(*(c.substitute(put) for c in within), equal(flat, at))
        yield replace(found, bound=(*found.bound, *bound.values()))


def _length(node: Reduction, tap: str, within: tuple[Constraint, ...]) -> int:
    """How many values a tap has: a number, by which rows are counted."""
    upper = [c.form for c in within if c.form.coefficient(tap) == -1 and not c.equality]
    rest = [form + var(tap) for form in upper]
    known = [form.constant for form in rest if form.is_constant]
    if not known:
        raise Undecided(f"{show(node)}: a row-major position where the length of a row is no number")
    return min(known) + 1


def present(
    scope: Scope, node: Node, element: Sequence[Term], known: tuple[Constraint, ...]
) -> list[Term]:  # fmt: skip
    """The element, which lies inside its array: what lies outside is 0 in a claim, and would take part."""
    context = scope.region.context
    where = tuple(c for term in element for c in term.where)
    names = {name for c in (*known, *where) for name in c.form.names()} - set(context.sizes)
    domain = System(tuple(sorted(names)), known)
    if not all(implied(context, domain, c) for c in where):
        raise Undecided(f"{show(node)}: some of the elements lie outside their array")
    return [replace(term, where=()) for term in element]


def _holds(node: Reduction, condition: list[Term]) -> bool:
    """Whether a condition on numbers holds: one term, whose constraints hold."""
    facts = [c for term in condition for c in term.where]
    known = all(c.form.is_constant for c in facts) and all(replace(term, where=()) == _ONE for term in condition)
    if not known or len(condition) > 1:
        raise Undecided(f"{show(node)}: how many factors there are is no number")
    return bool(condition) and all(c.form.constant == 0 if c.equality else c.form.constant >= 0 for c in facts)


def few(node: Reduction, put: Mapping[str, Affine], limits: tuple[Constraint, ...], terms: Terms) -> list[Term]:
    """The product of factors that a claim counts out, as in ``prod[p<3](x[n,i+p])``."""
    chosen: list[dict[str, Affine]] = []
    for values in product(range(FACTORS + 1), repeat=len(node.indices)):
        at = dict(zip(node.indices, map(affine, values), strict=True))
        if all(_holds(node, terms(condition, {**put, **at}, limits)) for condition in node.where):
            chosen.append(at)
    if len(chosen) > FACTORS or any(affine(FACTORS) in at.values() for at in chosen):
        raise Undecided(f"{show(node)}: products of up to {FACTORS} factors are multiplied out")
    result = [_ONE]
    for at in chosen:
        result = list(multiplied(result, terms(node.body, {**put, **at}, limits)))
    return result
