"""Weighted sums of products of sets: where they are not 0, compared with counting point by point."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import NamedTuple

import islpy as isl
from hypothesis import given, settings
from hypothesis import strategies as st

from symconv.relation.balance import unbalanced

_SIZES = range(8)


class Row(NamedTuple):
    """``low <= i < n + high`` with ``i % step == residue``."""

    low: int
    high: int
    step: int
    residue: int

    @property
    def text(self) -> str:
        return f"[n] -> {{ [i] : {self.low} <= i < n + {self.high} and (i - {self.residue}) mod {self.step} = 0 }}"

    def has(self, i: int, n: int) -> bool:
        return self.low <= i < n + self.high and (i - self.residue) % self.step == 0


rows = st.builds(Row, st.integers(0, 2), st.integers(-1, 1), st.integers(1, 2), st.integers(0, 1))
weights = st.sampled_from([Fraction(1), Fraction(-1), Fraction(2), Fraction(-1, 2)])
sums = st.lists(st.tuples(weights, st.tuples(rows, rows, rows)), min_size=1, max_size=5)


def _off(terms: list[tuple[Fraction, tuple[Row, ...]]]) -> list[isl.Set]:
    return list(unbalanced([w for w, _ in terms], [[isl.Set(row.text) for row in factors] for _, factors in terms]))


def _total(terms: list[tuple[Fraction, tuple[Row, ...]]], at: tuple[int, ...], n: int) -> Fraction:
    held = (w for w, factors in terms if all(row.has(i, n) for row, i in zip(factors, at, strict=True)))
    return sum(held, Fraction(0))


def _within(found: list[isl.Set], n: int) -> set[tuple[int, ...]]:
    """The points of sets for one size, from 0 to that size along each axis."""
    box = isl.Set(f"[n] -> {{ [i, j, k] : n = {n} and 0 <= i, j, k <= n }}")
    points: set[tuple[int, ...]] = set()

    def note(point: isl.Point) -> None:
        points.add(tuple(point.get_coordinate_val(isl.dim_type.set, axis).to_python() for axis in range(3)))

    for part in found:
        part.intersect(box).foreach_point(note)
    return points


@settings(deadline=None, max_examples=60)
@given(sums)
def test_exactly_the_points_with_a_total_are_found(terms) -> None:
    found = _off(terms)
    for n in _SIZES:
        there = _within(found, n)
        for at in product(range(n + 1), repeat=3):
            assert (at in there) == (_total(terms, at, n) != 0), (n, at)


def test_lanes_and_a_tail_are_their_loop() -> None:
    """Blocks of four lanes and what is left of a row, against the row: with overlapping terms in the other factor."""
    whole = Row(0, 0, 1, 0)
    other = [Row(0, 0, 1, 0), Row(0, -1, 1, 0)]
    lanes = [f"[n] -> {{ [i] : exists b : i = 4b + {lane} and 0 <= b and 4b + 4 <= n }}" for lane in range(4)]
    lanes += ["[n] -> { [i] : 0 <= i < n and i >= 4*floor(n/4) }"]
    want = [(Fraction(1), [isl.Set(whole.text), isl.Set(one.text)]) for one in other]
    got = [(Fraction(-1), [isl.Set(lane), isl.Set(one.text)]) for one in other for lane in lanes]
    terms = [*want, *got]
    assert not list(unbalanced([w for w, _ in terms], [sets for _, sets in terms]))
    for missing in range(len(want), len(terms)):
        kept = terms[:missing] + terms[missing + 1 :]
        assert list(unbalanced([w for w, _ in kept], [sets for _, sets in kept]))
