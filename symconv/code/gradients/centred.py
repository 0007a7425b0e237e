"""Sums of squares that means are taken off: Σ(x - m)² for Σx² - (Σx)²/n, whose difference would cancel digits.

Code that computes ``((x - x.mean())**2).mean()`` is read as a sum of products, which has lost that order. In exact
numbers both are one function, and that is proved of the operator like anything else that is a candidate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import permutations

from symconv.limits import CENTRED_INDICES
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint
from symconv.prove.meaning.atoms import OF_SUM
from symconv.prove.meaning.value import Factor, Term
from symconv.prove.meaning.whole_sums import KnownSum
from symconv.relation.collecting import collected
from symconv.relation.terms import Product, as_product

__all__ = ["centred"]

_Sums = tuple[tuple[Term, ...], tuple[KnownSum, ...]]


def centred(terms: Sequence[Term], known: Sequence[KnownSum]) -> _Sums | None:
    """The same sums with squares of differences from means in them, and what functions are of.

    None where there is no such square.
    """
    made = list(known)
    found = [_centred(one.terms, made) for one in known]
    whole = _centred(terms, made)
    if len(made) == len(known):
        return None
    inner = [replace(old, terms=new) for old, new in zip(known, found, strict=True)]
    return whole, (*inner, *made[len(known) :])


def _centred(terms: Sequence[Term], made: list[KnownSum]) -> tuple[Term, ...]:
    """The terms with each pair of squares and squared sum replaced; ``made`` gets what is squared."""
    left = list(collected(_counted(term) for term in terms))
    for square in [term for term in left if _squared(term) is not None]:
        part = _squared(square)
        other = next((term for term in left if part is not None and _is_square_of_sum(square, part, term)), None)
        if part is not None and other is not None:
            left[left.index(square)] = _of_differences(square, part, made)
            left.remove(other)
    return tuple(left)


def _counted(term: Term) -> Term:
    """The term with an index that nothing else mentions counted, not summed over."""
    for name in term.bound:
        length = _length(term, name)
        if length is not None and not any(name in form.names() for f in term.factors for form in f.index):
            count = Product(term.coefficient, term.scale) * as_product(length)
            where = tuple(c for c in term.where if name not in c.form.names())
            bound = tuple(b for b in term.bound if b != name)
            term = replace(term, coefficient=count.coefficient, scale=count.monomial)
            return _counted(replace(term, bound=bound, where=where))
    return term


def _length(term: Term, name: str) -> Affine | None:
    """How many values an index is summed over, from 0 on; None where more is asked of it."""
    own = [c for c in term.where if name in c.form.names()]
    low = Constraint(var(name))
    highs = [c.form + var(name) + 1 for c in own if c != low and not c.equality]
    plain = len(own) == 2 and low in own and len(highs) == 1
    return highs[0] if plain and not highs[0].names() & {name, *term.bound} else None


@dataclass(frozen=True, slots=True)
class _Part:
    """What a sum of squares squares, what stands beside it, and how many squares are summed."""

    squared: tuple[Factor, ...]
    beside: tuple[Factor, ...]
    count: Product


def _squared(term: Term) -> _Part | None:
    """Of a sum of squares over plain ranges, what is squared."""
    if not term.bound or term.tables:
        return None
    count = Product(Fraction(1))
    for name in term.bound:
        if (length := _length(term, name)) is None:
            return None
        count = count * as_product(length)
    inner, beside = _inner(term.factors, term.bound)
    twice = sorted(inner, key=str)
    if not twice or twice[::2] != twice[1::2]:
        return None
    return _Part(tuple(twice[::2]), beside, count)


def _inner(factors: Iterable[Factor], names: Sequence[str]) -> tuple[tuple[Factor, ...], tuple[Factor, ...]]:
    """The factors in whose index one of the names stands, and the others."""
    inner = tuple(f for f in factors if any(form.names() & set(names) for form in f.index))
    return inner, tuple(f for f in factors if f not in inner)


def _is_square_of_sum(square: Term, part: _Part, term: Term) -> bool:
    """Whether a term is minus the square of the same sum over the count: each index of it twice."""
    scale = Product(square.coefficient, square.scale) * part.count.inverse()
    mine = Product(term.coefficient, term.scale)
    if (mine.coefficient, sorted(mine.monomial, key=str)) != (-scale.coefficient, sorted(scale.monomial, key=str)):
        return False
    count = len(square.bound)
    if len(term.bound) != 2 * count or term.tables or len(term.factors) != len(square.factors):
        return False
    outside = {c for c in square.where if not c.form.names() & set(square.bound)}
    for order in permutations(term.bound) if count <= CENTRED_INDICES else ():
        halves = (order[:count], order[count:])
        copies = [_renamed(square, part, half) for half in halves]
        factors = sorted((*copies[0][0], *copies[1][0], *part.beside), key=str)
        if factors == sorted(term.factors, key=str) and set(term.where) == outside.union(*(c for _, c in copies)):
            return True
    return False


def _renamed(square: Term, part: _Part, names: Sequence[str]) -> tuple[tuple[Factor, ...], set[Constraint]]:
    """What is squared, and its ranges, over other summation indices."""
    put = {old: var(new) for old, new in zip(square.bound, names, strict=True)}
    ranges = tuple(c for c in square.where if c.form.names() & set(square.bound))
    new = Term(Fraction(1), (), part.squared, (), ranges).substitute(put)
    return new.factors, set(new.where)


def _of_differences(square: Term, part: _Part, made: list[KnownSum]) -> Term:
    """The sum of squared differences from the mean."""
    others = [f"{name}m" for name in square.bound]
    factors, ranges = _renamed(square, part, others)
    average = part.count.inverse()
    mean = Term(-average.coefficient, average.monomial, factors, tuple(others), tuple(sorted(ranges, key=str)))
    one = Term(Fraction(1), (), part.squared)
    names = tuple(dict.fromkeys(n for f in part.squared for form in f.index for n in sorted(form.names())))
    made.append(KnownSum("power 2", names, (one, mean)))
    atom = Factor(f"power 2{OF_SUM}{len(made) - 1})", tuple(map(var, names)))
    return replace(square, factors=(*part.beside, atom))
