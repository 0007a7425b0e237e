"""Floors in the indices of a term: each becomes an index of a sum, with what ties it to the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod

from symconv.notation.affine import Affine, Maximum, Quotient, affine, maximum, quotient, var
from symconv.notation.expr import Constraint
from symconv.prove.meaning.atoms import OF_SUM, elements
from symconv.prove.meaning.value import Term
from symconv.relation.terms import Factor

__all__ = ["without_floors"]

Axes = Mapping[str, tuple[tuple[Affine, ...], ...]]


def without_floors(term: Term, free: Sequence[str], axes: Axes) -> tuple[Term, dict[str, Affine]] | None:
    """The term with ``floor((i + p)/2)`` as ``e``, where ``0 <= i + p - 2*e < 2``; and the lengths of such indices.

    Floors of sizes alone are left. None where an index with one reads no axis that it could run along.
    """
    term = _multiples(term)
    moving = {*free, *term.bound}
    put: dict[Quotient, str] = {}
    lengths: dict[str, Affine] = {}
    ties: list[Constraint] = []
    for form in (*(form for factor in term.factors for form in factor.index), *(c.form for c in term.where)):
        for atom in _floors(form, moving):
            if atom in put:
                continue
            name = put[atom] = f"floor{len(put)}_"
            rest = _plain(atom.numerator, put) - atom.divisor * var(name)
            ties += [Constraint(rest), Constraint(atom.divisor - 1 - rest)]
    if not put:
        return term, {}
    factors = tuple(replace(one, index=tuple(_plain(form, put) for form in one.index)) for one in term.factors)
    for factor in factors:
        for form, length in zip(factor.index, _lengths(factor, axes), strict=False):
            if form.name in put.values():
                lengths.setdefault(str(form.name), length)
    if lengths.keys() != {*put.values()}:
        return None
    where = tuple(Constraint(_plain(c.form, put), c.equality) for c in term.where)
    return replace(term, factors=factors, bound=(*term.bound, *lengths), where=(*where, *ties)), lengths


def _multiples(term: Term) -> Term:
    """The term with ``2*m + 1`` for an index that is ``2*floor((k - 1)/2) + 1``: one of parts of channels."""
    for number in range(len(term.where)):
        found = next((one for c in term.where if c.equality and (one := _multiple(c, term.bound))), None)
        if found is None:
            break
        name, divisor, rest = found
        new = f"floor0{number}_"  # none of those of floors, which are floor0_, floor1_ and so on
        put = {name: var(new) * divisor - rest}
        bound = tuple(new if one == name else one for one in term.bound)
        where = tuple(c for c in term.substitute(put).where if not c.equality or c.form.names())
        term = replace(term.substitute(put), bound=bound, where=where)
    return term


def _multiple(tie: Constraint, bound: Sequence[str]) -> tuple[str, int, int] | None:
    """An index, what it is a multiple of, and the number that has to be added before."""
    for form in (tie.form, -tie.form):
        for atom, count in form.terms:
            if not isinstance(atom, Quotient) or count != -atom.divisor:
                continue
            whole = form + atom.divisor * Affine(((atom, 1),))
            name = (whole - whole.constant).name
            over = atom.numerator - whole
            if name in bound and over.is_constant and 0 <= over.constant < atom.divisor:
                return str(name), atom.divisor, whole.constant
    return None


def _floors(form: Affine, moving: set[str]) -> Iterator[Quotient]:
    """The floors that depend on indices, those inside others first."""
    for atom, _ in form.terms:
        match atom:
            case Quotient(numerator, _) if not moving.isdisjoint(numerator.names()):
                yield from _floors(numerator, moving)
                yield atom
            case Maximum(left, right):
                yield from _floors(left, moving)
                yield from _floors(right, moving)


def _plain(form: Affine, put: Mapping[Quotient, str]) -> Affine:
    """A form with the names of floors in their places."""
    total = affine(form.constant)
    for atom, factor in form.terms:
        match atom:
            case Quotient() if atom in put:
                one = var(put[atom])
            case Quotient(numerator, divisor):
                one = quotient(_plain(numerator, put), divisor)
            case Maximum(left, right):
                one = maximum(_plain(left, put), _plain(right, put))
            case _:
                one = var(atom)
        total = total + one * factor
    return total


def _lengths(factor: Factor, axes: Axes) -> Iterator[Affine]:
    """The length of the axis that each index of a factor reads, as far as it is told."""
    if OF_SUM in factor.tensor:
        return
    for tensor, _ in elements(factor):
        for parts in axes.get(tensor, ()):
            yield prod((one.constant for one in parts[:-1]), start=1) * parts[-1]
