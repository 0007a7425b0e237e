"""Whether a sum of products of elements is zero, cell by cell, and for which sizes it is not: the one engine for that.

Two sides are polynomials in the elements of the operands. They are equal when every monomial has the same coefficient,
and how often a monomial occurs is counted by isl (``relation.counting``) for all sizes at once: each side becomes sets
of points with an exact weight, and ``remainders`` adds the weights up. ``difference`` brings the terms of claims about
gradients and of rewrites of operators to that, ``relation.sums`` what the loop nests of a kernel execute.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import factorial, prod

from symconv.limits import FACTOR_ORDERS
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint
from symconv.relation.collecting import collected
from symconv.relation.counting import Layer, Points, cells, support, visits
from symconv.relation.regions import Region, nowhere
from symconv.relation.tables import domains
from symconv.relation.terms import Factor, Monomial, Product, Term, Undecided, as_product, power_product
from symconv.relation.vanish import Polynomial, vanishing

__all__ = ["Difference", "difference", "remainders", "vanishes"]

_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """The sizes for which two sides differ, and how many relations were compared."""

    fails: Region
    relations: int


def difference(
    region: Region, names: Sequence[str], both: Sequence[Term], definitions: Mapping[Affine, Affine] | None = None
) -> Difference:
    """Where a sum of terms over the indices ``names`` is not zero, elements and atoms taken as independent.

    ``definitions`` gives the name of a size that is known by its formula. Raises Undecided where the method ends.
    """
    fails, unknown, count = nowhere(region.context), nowhere(region.context), 0
    for terms in _groups(region, both, definitions or {}):
        wrong, deep = _of_group(region, names, terms)
        fails, unknown, count = fails.union(wrong), unknown.union(deep), count + len(terms)
    if not unknown.minus(fails).empty:
        raise Undecided("the same product of elements occurs too often to be counted one by one")
    return Difference(fails.simplified(), count)


def vanishes(
    region: Region, names: Sequence[str], both: Sequence[Term], definitions: Mapping[Affine, Affine] | None = None
) -> bool:
    """Whether such a sum is zero for all sizes; False where that is not known. The first product left over ends it."""
    try:
        groups = sorted(_groups(region, both, definitions or {}), key=len)
        return all(part.empty for terms in groups for part in _of_group(region, names, terms))
    except Undecided:
        return False


def _groups(region: Region, both: Sequence[Term], definitions: Mapping[Affine, Affine]) -> Collection[list[Term]]:
    """The terms by the tensors whose elements they multiply: terms of two groups never cancel."""
    groups: dict[_Key, list[Term]] = {}
    for like in collected(one for term in both for one in domains(term)):
        whole = _simplified(like, definitions)
        if any(form.names() - {*region.context.sizes} for form, _ in whole.scale):
            raise Undecided("a factor is a length that depends on the position")
        for one in _symmetric(whole):
            groups.setdefault(tuple(f.tensor for f in one.factors), []).append(one)
    return groups.values()


def _of_group(region: Region, names: Sequence[str], terms: Sequence[Term]) -> tuple[Region, Region]:
    """The sizes for which terms of the same tensors do not add up to nothing, and those for which it is not known."""
    fails = unknown = nowhere(region.context)
    layers: list[Layer[Product]] = []
    for term in terms:
        found, deep = _layers(region, names, term)
        layers += found
        unknown = unknown.union(deep)
    for total, points in remainders(layers):
        sizes = support(region, points)
        fails = fails.union(sizes.minus(vanishing(sizes, total)))
    return fails, unknown


def _simplified(term: Term, definitions: Mapping[Affine, Affine]) -> Term:
    """The term with every summation index that only counts turned into a factor, and sizes under their names."""
    for name in term.bound:
        if any(name in form.names() for factor in term.factors for form in factor.index):
            continue
        about = [c for c in term.where if name in c.form.names()]
        if any(c.equality or abs(c.form.coefficient(name)) != 1 or _nested(c.form, name) for c in about):
            continue
        lows = [var(name) - c.form for c in about if c.form.coefficient(name) == 1]
        highs = [c.form + var(name) for c in about if c.form.coefficient(name) == -1]
        others = {n for form in (*lows, *highs) for n in form.names()}
        if len(lows) == len(highs) == 1 and not others & set(term.bound):
            extent = highs[0] - lows[0] + 1
            kept = tuple(c for c in term.where if c not in about)
            number = as_product(extent)
            term = replace(
                term,
                coefficient=term.coefficient * number.coefficient,
                scale=power_product(term.scale, number.monomial),
                bound=tuple(b for b in term.bound if b != name),
                where=(*kept, Constraint(extent - 1)),
            )
    return replace(term, scale=_canonical(term.scale, definitions))


def _nested(form: Affine, name: str) -> bool:
    return any(not isinstance(atom, str) and name in Affine(((atom, 1),)).names() for atom, _ in form.terms)


def _canonical(scale: Monomial, definitions: Mapping[Affine, Affine]) -> Monomial:
    return power_product(tuple((definitions.get(form, form), power) for form, power in scale))


def _symmetric(term: Term) -> Iterator[Term]:
    """The term with its factors sorted; elements of one tensor commute, so each order of them has its share."""
    runs: dict[str, Counter[Factor]] = {}
    for factor in sorted(term.factors, key=lambda f: f.tensor):
        runs.setdefault(factor.tensor, Counter())[factor] += 1
    total = prod(factorial(run.total()) // prod(map(factorial, run.values())) for run in runs.values())
    if total > FACTOR_ORDERS:
        raise Undecided(f"a product of {len(term.factors)} elements has more than {FACTOR_ORDERS} orders")
    orders: list[tuple[Factor, ...]] = [()]
    for run in runs.values():
        orders = [(*order, *mixed) for order in orders for mixed in _arranged(run)]
    for order in orders:
        yield replace(term, coefficient=Fraction(term.coefficient, total), factors=order)


def _arranged(run: Counter[Factor]) -> Iterator[tuple[Factor, ...]]:
    """The distinct orders of factors of which some are equal."""
    if not run.total():
        yield ()
    for factor in list(run):
        if run[factor]:
            run[factor] -= 1
            yield from ((factor, *rest) for rest in _arranged(run))
            run[factor] += 1


def _layers(region: Region, names: Sequence[str], term: Term) -> tuple[list[Layer[Product]], Region]:
    image = [*map(var, names), *(form for factor in term.factors for form in factor.index)]
    found = visits(region, image, term.bound, names, term.where)
    layers = [Layer(Product(term.coefficient, term.scale), points) for points in found.layers]
    return layers, support(region, found.rest)


def remainders(layers: Iterable[Layer[Product]]) -> list[tuple[Polynomial, Points]]:
    """The points at which the weights do not add up to nothing, in parts, each with what they add up to.

    A weight is a rational number times sizes; products of sizes are taken as independent.
    """
    found = []
    for weights, points in cells(_cancelled(layers)):
        total: Polynomial = {}
        for weight in weights:
            total[weight.monomial] = total.get(weight.monomial, Fraction(0)) + weight.coefficient
        if total := {monomial: value for monomial, value in total.items() if value}:
            found.append((total, points))
    return found


def _cancelled(layers: Iterable[Layer[Product]]) -> list[Layer[Product]]:
    """The layers without the points that two of opposite weight share.

    Pair by pair, and each pair only shrinks: what is left of equal sides is nothing. Cutting all layers against each
    other instead makes as many parts as there are ways to overlap.
    """
    kept: list[Layer[Product]] = []
    for layer in layers:
        opposite = replace(layer.weight, coefficient=-layer.weight.coefficient)
        points = layer.points
        for k, other in enumerate(kept):
            if other.weight == opposite and not other.points.is_disjoint(points):
                kept[k] = replace(other, points=other.points.subtract(points).coalesce())
                points = points.subtract(other.points).coalesce()
        kept = [one for one in kept if not one.points.is_empty()]
        if not points.is_empty():
            kept.append(replace(layer, points=points))
    return kept
