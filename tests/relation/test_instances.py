"""Collections of instances, compared with what enumeration says."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symconv.relation.instances import difference_of, escapes
from symconv.relation.points import Instances, UnclearError, Word
from symconv.relation.sets import Context
from symconv.relation.turns import runs_before, shared_cell

CONTEXT = Context(("N",), "N >= 1")
SIZES = range(1, 6)

Form = tuple[int, int, int]


def text(form: Form) -> str:
    a, b, c = form
    return f"{a}*i + {b}*j + {c}"


def images(pieces: list[tuple[tuple[Form, ...], int]], size: int) -> Counter[tuple[int, ...]]:
    return Counter(
        tuple(a * i + b * j + c for a, b, c in forms)
        for forms, shift in pieces
        for i, j in product(range(size), range(3))
        if i >= shift
    )


def instances(pieces: list[tuple[tuple[Form, ...], int]]) -> list[Instances]:
    made = []
    for forms, shift in pieces:
        facts = ("i >= 0", "i < N", "j >= 0", "j < 3", f"i >= {shift}")
        made.append(Instances(("i", "j"), tuple(map(Word, facts)), tuple(Word(text(form)) for form in forms)))
    return made


forms = st.tuples(st.integers(-1, 2), st.integers(-1, 2), st.integers(0, 1))
collections = st.lists(st.tuples(st.tuples(forms, forms), st.integers(0, 2)), min_size=1, max_size=2)


@settings(deadline=None, max_examples=150)
@given(collections, collections)
def test_collections_are_compared_with_multiplicity(left, right) -> None:
    # Images repeat at most a fixed number of times only where i can be told from them.
    left, right = ([(f, s) for f, s in side if any(a for a, _, _ in f)] for side in (left, right))
    if not left or not right:
        return
    same = all(images(left, size) == images(right, size) for size in SIZES)
    found = difference_of(CONTEXT, instances(left), instances(right))
    if found is None:
        assert same
    elif same:
        # What differs, differs for larger sizes.
        assert any(images(left, size) != images(right, size) for size in range(6, 12)), found


@settings(deadline=None, max_examples=100)
@given(collections, collections)
def test_sets_are_compared_without_multiplicity(left, right) -> None:
    same = all(set(images(left, size)) == set(images(right, size)) for size in SIZES)
    found = difference_of(CONTEXT, instances(left), instances(right), once=True)
    if found is None:
        assert same
    elif same:
        assert any(set(images(left, size)) != set(images(right, size)) for size in range(6, 12)), found


@settings(deadline=None, max_examples=100)
@given(collections, collections)
def test_what_occurs_more_and_more_often_is_equal_only_where_it_is(left, right) -> None:
    left, right = ([(tuple((0, b, c) for _, b, c in forms), shift) for forms, shift in side] for side in (left, right))
    try:
        found = difference_of(CONTEXT, instances(left), instances(right))
    except UnclearError:
        return
    assert (found is None) == all(images(left, size) == images(right, size) for size in SIZES)


def test_what_occurs_more_and_more_often_is_told_apart_by_its_variables() -> None:
    constant = [(((0, 0, 1), (0, 1, 0)), 0)]
    assert difference_of(CONTEXT, instances(constant), instances(constant)) is None
    with pytest.raises(UnclearError, match="more and more"):
        difference_of(CONTEXT, instances(constant), instances([(((0, 0, 1), (0, 1, 0)), 1)]))


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
    assert difference_of(CONTEXT, instances(pieces), cut) is None
    assert difference_of(CONTEXT, instances(pieces), cut[1:]) is not None


@settings(deadline=None, max_examples=100)
@given(forms, st.integers(1, 9))
def test_escapes_are_found(form, size) -> None:
    points = instances([((form,), 0)])[0]
    inside = all(0 <= at < size for n in range(1, 12) for (at,) in images([((form,), 0)], n))
    assert (escapes(CONTEXT, points, (Word(str(size)),)) is None) == inside


@settings(deadline=None, max_examples=100)
@given(st.tuples(forms, forms))
def test_shared_cells_are_found(image) -> None:
    cells: dict[tuple[int, ...], set[int]] = {}
    for i, j in product(range(8), range(3)):
        cells.setdefault(tuple(a * i + b * j + c for a, b, c in image), set()).add(i)
    alone = all(len(owners) == 1 for owners in cells.values())
    assert (shared_cell(CONTEXT, instances([(image, 0)]), ("i",)) is None) == alone


@settings(deadline=None, max_examples=150)
@given(forms, forms, st.booleans(), st.sampled_from([(), ("i",), ("i", "j")]))
def test_what_runs_before_is_found(one, other, above, shared) -> None:
    def earlier(a: tuple[int, int], b: tuple[int, int]) -> bool:
        return (a[: len(shared)], not above) < (b[: len(shared)], True)

    def cell(form: Form, at: tuple[int, int]) -> int:
        return form[0] * at[0] + form[1] * at[1] + form[2]

    def happens(size: int) -> bool:
        turns = list(product(range(size), range(3)))
        return any(cell(one, a) == cell(other, b) and earlier(a, b) for a, b in product(turns, repeat=2))

    first, second = instances([((one,), 0), ((other,), 0)])
    found = runs_before(CONTEXT, first, second, shared, above)
    assert (found is not None) == any(happens(size) for size in range(1, 9))
