"""Sums over instances, compared with what enumeration says."""

from __future__ import annotations

from fractions import Fraction

import pytest
from enumerated import CONTEXT, SIZES, Form, forms, images, instances
from hypothesis import given, settings
from hypothesis import strategies as st

from symconv.relation.points import Instances, UnclearError, Word
from symconv.relation.sums import Counted, difference_of, once, other_points

Piece = tuple[tuple[Form, ...], int]

pieces_ = st.tuples(st.tuples(forms, forms), st.integers(0, 2))
collections = st.lists(pieces_, min_size=1, max_size=2)
numbers = st.sampled_from([Fraction(1), Fraction(-1), Fraction(2), Fraction(1, 2), Fraction(3, 2), Fraction(-1, 3)])
weighted = st.lists(st.tuples(pieces_, numbers), min_size=1, max_size=3)


@settings(deadline=None, max_examples=150)
@given(collections, collections)
def test_collections_are_compared_with_multiplicity(left, right) -> None:
    # Images repeat at most a fixed number of times only where i can be told from them.
    left, right = ([(f, s) for f, s in side if any(a for a, _, _ in f)] for side in (left, right))
    if not left or not right:
        return
    same = all(images(left, size) == images(right, size) for size in SIZES)
    found = difference_of(CONTEXT, once(instances(left)), once(instances(right)))
    if found is None:
        assert same
    elif same:
        # What differs, differs for larger sizes.
        assert any(images(left, size) != images(right, size) for size in range(6, 12)), found


@settings(deadline=None, max_examples=100)
@given(collections, collections)
def test_sets_are_compared_without_multiplicity(left, right) -> None:
    same = all(set(images(left, size)) == set(images(right, size)) for size in SIZES)
    found = other_points(CONTEXT, instances(left), instances(right))
    if found is None:
        assert same
    elif same:
        assert any(set(images(left, size)) != set(images(right, size)) for size in range(6, 12)), found


@settings(deadline=None, max_examples=100)
@given(collections, collections)
def test_what_occurs_more_and_more_often_is_equal_only_where_it_is(left, right) -> None:
    left, right = ([(tuple((0, b, c) for _, b, c in forms), shift) for forms, shift in side] for side in (left, right))
    try:
        found = difference_of(CONTEXT, once(instances(left)), once(instances(right)))
    except UnclearError:
        return
    assert (found is None) == all(images(left, size) == images(right, size) for size in SIZES)


def test_what_occurs_more_and_more_often_is_told_apart_by_its_variables() -> None:
    constant = [(((0, 0, 1), (0, 1, 0)), 0)]
    assert difference_of(CONTEXT, once(instances(constant)), once(instances(constant))) is None
    with pytest.raises(UnclearError, match="more and more"):
        difference_of(CONTEXT, once(instances(constant)), once(instances([(((0, 0, 1), (0, 1, 0)), 1)])))


@settings(deadline=None, max_examples=60)
@given(collections)
def test_a_collection_cut_in_two_is_the_same(pieces) -> None:
    pieces = [(f, s) for f, s in pieces if any(a for a, _, _ in f)]
    if not pieces:
        return
    cut = [
        Instances(one.dims, (*one.facts, Word(side)), one.image)
        for one in instances(pieces)
        for side in ("j <= 0", "j > 0")
    ]
    assert difference_of(CONTEXT, once(instances(pieces)), once(cut)) is None
    assert difference_of(CONTEXT, once(instances(pieces)), once(cut[1:])) is not None


def totals(side: list[tuple[Piece, Fraction]], size: int) -> dict[tuple[int, ...], Fraction]:
    """What each point counts, added up one by one."""
    found: dict[tuple[int, ...], Fraction] = {}
    for piece, times in side:
        for point, often in images([piece], size).items():
            found[point] = found.get(point, Fraction(0)) + often * times
    return {point: number for point, number in found.items() if number}


def counted(side: list[tuple[Piece, Fraction]]) -> list[Counted]:
    return [Counted(one, times) for piece, times in side for one in instances([piece])]


@settings(deadline=None, max_examples=60)
@given(weighted, weighted)
def test_numbers_add_up_exactly(left, right) -> None:
    left, right = ([(p, t) for p, t in side if any(a for a, _, _ in p[0])] for side in (left, right))
    same = all(totals(left, size) == totals(right, size) for size in SIZES)
    found = difference_of(CONTEXT, counted(left), counted(right))
    if found is None:
        assert same
    elif same:
        assert any(totals(left, size) != totals(right, size) for size in range(6, 12)), found


@settings(deadline=None, max_examples=30)
@given(weighted, st.lists(numbers, min_size=1, max_size=3))
def test_a_number_in_parts_is_the_same_number(side, parts) -> None:
    side = [(p, t) for p, t in side if any(a for a, _, _ in p[0])]
    # What one part counts too much, the last one counts less; half of it only where j is 0, half where it is not.
    split = [(p, t * part) for p, t in side for part in (*parts, 1 - sum(parts))]
    cut = [
        Counted(Instances(one.points.dims, (*one.points.facts, Word(where)), one.points.image), one.times)
        for one in counted(split)
        for where in ("j <= 0", "j > 0")
    ]
    assert difference_of(CONTEXT, counted(side), cut) is None
    assert bool(difference_of(CONTEXT, counted(side), cut[1:])) == (totals(split[:1], 3) != {})


def test_what_counts_another_number_is_said() -> None:
    one = instances([(((1, 0, 0), (0, 1, 0)), 0)])[0]
    said = difference_of(
        CONTEXT, [Counted(one, Fraction(3, 2))], [Counted(one, Fraction(1, 2)), Counted(one, Fraction(2))]
    )
    assert said is not None and said.startswith("counted 5/2 times instead of 3/2: ")
    assert difference_of(CONTEXT, once([one, one]), [Counted(one, Fraction(2))]) is None
