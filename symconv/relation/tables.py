"""Constant tables in a sum: contracted over the indices they share, then written as domains of equal value.

A transform is a contraction with constant matrices. What such contractions leave, ``Σ_e A[a,e]·G[e,k]·B[e,j]``, is a
table of numbers again; where it is right, it is 1 on ``a + k = j`` and 0 elsewhere, and so becomes one condition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import lcm

from symconv.notation.affine import Affine, affine
from symconv.notation.expr import Constraint, equal, nonnegative
from symconv.relation.terms import Table, Term

__all__ = ["domains"]

_Entries = dict[tuple[int, ...], Fraction]


def domains(term: Term) -> Iterator[Term]:
    """The term as terms without tables."""
    if not term.tables:
        yield term
        return
    term = _contracted(term)
    choices = [list(_groups(table)) for table in term.tables]
    for chosen in product(*choices):
        coefficient, where = term.coefficient, list(term.where)
        for value, conditions in chosen:
            coefficient *= value
            where += conditions
        yield replace(term, coefficient=coefficient, where=tuple(dict.fromkeys(where)), tables=())


def _contracted(term: Term) -> Term:
    for name in term.bound:
        alone = not any(name in form.names() for factor in term.factors for form in factor.index)
        mine = [table for table in term.tables if any(name in form.names() for form in table.index)]
        about = [c for c in term.where if name in c.form.names()]
        bare = all(form.name == name for table in mine for form in table.index if name in form.names())
        if not alone or not mine or not bare or any(c.form.names() != {name} for c in about):
            continue
        joined = mine[0]
        for other in mine[1:]:
            joined = _joined(joined, other)
        others = tuple(table for table in term.tables if table not in mine)
        term = replace(
            term,
            tables=(*others, _summed(joined, name, about)),
            bound=tuple(b for b in term.bound if b != name),
            where=tuple(c for c in term.where if c not in about),
        )
    return term


def _joined(left: Table, right: Table) -> Table:
    """The product of two tables, over each index once."""
    index = tuple(dict.fromkeys((*left.index, *right.index)))
    shared = [form for form in dict.fromkeys(left.index) if form in right.index]
    by: dict[tuple[int, ...], list[tuple[dict[Affine, int], Fraction]]] = defaultdict(list)
    for place, value in _bindings(right):
        by[tuple(place[form] for form in shared)].append((place, value))
    entries = []
    for place, value in _bindings(left):
        for other, factor in by[tuple(place[form] for form in shared)]:
            both = {**place, **other}
            entries.append((tuple(both[form] for form in index), value * factor))
    return Table(tuple(entries), index)


def _bindings(table: Table) -> Iterator[tuple[dict[Affine, int], Fraction]]:
    """Each entry as what its forms are; none where one form would be two numbers."""
    for place, value in table.entries:
        bound: dict[Affine, int] = {}
        if all(bound.setdefault(form, k) == k for form, k in zip(table.index, place, strict=True)):
            yield bound, value


def _summed(table: Table, name: str, about: Sequence[Constraint]) -> Table:
    """The sum over an index that stands alone, within its own conditions."""
    index = tuple(form for form in dict.fromkeys(table.index) if form.name != name)
    sums: _Entries = {}
    for bound, value in _bindings(table):
        here = {name: next(k for form, k in bound.items() if form.name == name)}
        values = [(c.form.evaluate(here), c.equality) for c in about]
        if all(v == 0 if equality else v >= 0 for v, equality in values):
            key = tuple(bound[form] for form in index)
            sums[key] = sums.get(key, Fraction(0)) + value
    return Table(tuple(sorted((key, value) for key, value in sums.items() if value)), index)


def _groups(table: Table) -> Iterator[tuple[Fraction, tuple[Constraint, ...]]]:
    """The places of equal value as conditions on the forms that index the table."""
    index = tuple(dict.fromkeys(table.index))
    groups: dict[Fraction, list[tuple[int, ...]]] = defaultdict(list)
    for bound, value in _bindings(table):
        if value:
            groups[value].append(tuple(bound[form] for form in index))
    for value, places in groups.items():
        conditions = _hull(index, places)
        if conditions is not None:
            yield value, conditions
            continue
        for place in places:
            yield value, tuple(equal(form, affine(k)) for form, k in zip(index, place, strict=True))


def _hull(index: tuple[Affine, ...], places: list[tuple[int, ...]]) -> tuple[Constraint, ...] | None:
    """Equations and ranges that hold at these places and at no others, or None."""
    if not index:
        return ()
    columns = list(zip(*places, strict=True))
    ranges = [range(min(column), max(column) + 1) for column in columns]
    equations = _equations(places)
    inside = [
        p
        for p in product(*ranges)
        if all(sum(a * k for a, k in zip(row, (*p, 1), strict=True)) == 0 for row in equations)
    ]
    if len(inside) != len(set(places)):
        return None
    forms = [sum((form * a for form, a in zip(index, row, strict=False)), affine(row[-1])) for row in equations]
    limits = [
        c
        for form, one in zip(index, ranges, strict=True)
        for c in (nonnegative(form - one[0]), nonnegative(one[-1] - form))
    ]
    return (*(Constraint(form, True) for form in forms), *limits)


def _equations(places: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The integer equations ``a·place + c = 0`` that all places satisfy: a basis, constants last."""
    rows = [[Fraction(k) for k in (*place, 1)] for place in places]
    width, pivots = len(rows[0]), list[int]()
    reduced: list[list[Fraction]] = []
    for column in range(width):
        row = next((r for r in rows if r[column]), None)
        if row is None:
            continue
        rows.remove(row)
        row = [value / row[column] for value in row]
        rows = [[a - r[column] * b for a, b in zip(r, row, strict=True)] for r in rows]
        reduced = [[a - r[column] * b for a, b in zip(r, row, strict=True)] for r in reduced]
        reduced.append(row)
        pivots.append(column)
    found = []
    for free in (c for c in range(width) if c not in pivots):
        vector = [Fraction(0)] * width
        vector[free] = Fraction(1)
        for row, column in zip(reduced, pivots, strict=True):
            vector[column] = -row[free]
        scale = lcm(*(value.denominator for value in vector))
        found.append(tuple(int(value * scale) for value in vector))
    return found
