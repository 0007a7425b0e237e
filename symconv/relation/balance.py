"""Weighted sums of products of sets, one factor after the other: where the weights do not add up to nothing.

The first factors are cut into cells that lie in the same products; in each cell the rest must add up to nothing. What
is common to many products, such as the lanes of a block, is looked at once instead of once for each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import islpy as isl

from symconv.relation.counting import Layer, cells
from symconv.relation.equality import remainders
from symconv.relation.points import flat
from symconv.relation.products import distinct_factors
from symconv.relation.terms import Product

__all__ = ["unbalanced"]

_Row = tuple[int, ...]
_Weights = Mapping[_Row, Fraction]


def unbalanced(weights: Sequence[Fraction], products: Sequence[Sequence[isl.Set]]) -> Iterator[isl.Set]:
    """Parts of the points at which the weights of the products that hold them do not add up to 0.

    There is none exactly where the weights add up to 0 at every point for all sizes.
    """
    columns, rows = distinct_factors(products)
    # The factor with the most parts goes last: it is cut only against what shares all the others.
    order = sorted(range(len(columns)), key=lambda k: sum(one.n_basic_set() for one in columns[k]))
    places = [order.index(k) for k in range(len(columns))]
    found = _Balance(tuple(tuple(columns[k]) for k in order))
    for parts in found.rests(
        _added((tuple(row[k] for k in order), w) for row, w in zip(rows, weights, strict=True)), 0
    ):
        whole = flat([parts[k] for k in places])
        if not whole.is_empty():
            yield whole


@dataclass(frozen=True, slots=True)
class _Balance:
    columns: tuple[tuple[isl.Set, ...], ...]
    known: dict[frozenset[tuple[_Row, Fraction]], list[list[isl.Set]]] = field(default_factory=dict)

    def rests(self, weights: _Weights, at: int) -> list[list[isl.Set]]:
        """Products of sets of the columns from ``at`` on, at whose points the weights add up to something."""
        key = frozenset(weights.items())
        if key not in self.known:
            self.known[key] = self._rests(weights, at)
        return self.known[key]

    def _rests(self, weights: _Weights, at: int) -> list[list[isl.Set]]:
        column = self.columns[at]
        if at == len(self.columns) - 1:
            layers = [Layer(Product(weight), column[number]) for (number,), weight in weights.items()]
            return [[points] for _, points in remainders(layers)]
        found = []
        for held, cell in cells([Layer(number, column[number]) for number in {row[0] for row in weights}]):
            inside = _added((row[1:], weight) for row, weight in weights.items() if row[0] in held)
            found += [[cell, *rest] for rest in self.rests(inside, at + 1)]
        return found


def _added(rows: Iterator[tuple[_Row, Fraction]]) -> _Weights:
    totals: dict[_Row, Fraction] = {}
    for row, weight in rows:
        totals[row] = totals.get(row, Fraction(0)) + weight
    return {row: weight for row, weight in totals.items() if weight}
