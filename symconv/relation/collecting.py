"""Like terms: brought to one form and added while a sum is expanded, so that what cancels is never counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint
from symconv.relation.terms import Term

__all__ = ["canonical", "collected", "plain"]

_NO_NUMBER = Fraction(0)


def collected(terms: Iterable[Term]) -> Iterator[Term]:
    """The same sum with like terms added; terms over no point and those that cancel are left out.

    >>> from fractions import Fraction
    >>> from symconv.notation.expr import equal
    >>> from symconv.relation.terms import Factor
    >>> one = Term(Fraction(2), (), (Factor("x", (var("e"),)),), ("e",), (equal(var("e"), var("i")),))
    >>> other = Term(Fraction(-2), (), (Factor("x", (var("i"),)),))
    >>> list(collected([one, other]))
    []
    """
    found: dict[Term, Term] = {}
    for term in terms:
        one = plain(term)
        if one is None:
            continue
        key = _canonical(one)
        if key in found:
            one = replace(found[key], coefficient=found[key].coefficient + one.coefficient)
        found[key] = one
    return (term for term in found.values() if term.coefficient)


def canonical(term: Term) -> tuple[Term, Fraction]:
    """The term with names of summation indices by the order in which they stand, and its number apart.

    Terms that are equal here are equal, whatever their indices are called.
    """
    return _canonical(term), term.coefficient


def plain(term: Term) -> Term | None:
    """The term without summation indices that an equation gives; None where its domain is plainly empty."""
    while True:
        kept = []
        for one in term.where:
            if not one.form.is_constant:
                kept.append(one)
            elif one.form.constant < 0 or (one.equality and one.form.constant):
                return None
        if len(kept) < len(term.where):
            term = replace(term, where=tuple(kept))
        found = next((pair for c in term.where if (pair := _given(c, term.bound))), None)
        if found is None:
            return term
        name, form = found
        term = replace(term.substitute({name: form}), bound=tuple(b for b in term.bound if b != name))
        term = replace(term, where=tuple(dict.fromkeys(term.where)))


def _given(constraint: Constraint, bound: tuple[str, ...]) -> tuple[str, Affine] | None:
    """A summation index that an equation gives as a form of the other names."""
    if not constraint.equality:
        return None
    for atom, factor in constraint.form.terms:
        if isinstance(atom, str) and abs(factor) == 1 and atom in bound:
            rest = (constraint.form - factor * var(atom)) * -factor
            if atom not in rest.names():
                return atom, rest
    return None


def _canonical(term: Term) -> Term:
    """What like terms share: names of summation indices by their order, conditions sorted, no coefficient."""
    forms = [form for factor in term.factors for form in factor.index]
    forms += [form for table in term.tables for form in table.index]
    forms += [condition.form for condition in term.where]
    named = dict.fromkeys(name for form in forms for name in _atoms(form))
    new = {name: f"#{position}" for position, name in enumerate(name for name in named if name in term.bound)}
    renamed = term.substitute({name: var(other) for name, other in new.items()})
    bound = tuple(sorted(new.get(name, name) for name in term.bound))
    where = tuple(sorted(set(renamed.where), key=str)) if len(renamed.where) > 1 else renamed.where
    return Term(_NO_NUMBER, renamed.scale, renamed.factors, bound, where, renamed.tables)


def _atoms(form: Affine) -> Iterator[str]:
    for atom, _ in form.terms:
        yield from [atom] if isinstance(atom, str) else sorted(Affine(((atom, 1),)).names())
