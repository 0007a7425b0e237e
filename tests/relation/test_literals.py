"""Descriptions of regions say exactly what the regions are."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from symconv.notation.affine import Affine, quotient, var
from symconv.notation.expr import Constraint
from symconv.relation.literals import Literal, described, literals_of, opposed, weight
from symconv.relation.regions import everywhere
from symconv.relation.sets import Context

CONTEXT = Context(("C", "K"), "C >= 1 and K >= 1")
ALL = everywhere(CONTEXT)
SIZES = [{"C": c, "K": k} for c, k in product(range(1, 8), repeat=2)]

forms = st.builds(
    lambda c, k, rest: Affine(tuple((name, factor) for name, factor in (("C", c), ("K", k)) if factor), rest),
    st.integers(-1, 1), st.integers(-1, 1), st.integers(-3, 3),
)  # fmt: skip
constraints = st.builds(Constraint, forms, st.booleans())


def holds(literal: Literal, sizes: dict[str, int]) -> bool:
    value = literal.constraint.form.evaluate(sizes)
    return (value == 0 if literal.constraint.equality else value >= 0) == literal.positive


@settings(deadline=None, max_examples=60)
@given(constraints, constraints, st.sampled_from(["meet", "union", "minus"]))
def test_a_description_is_exact(first, second, operation) -> None:
    a, b = ALL.where(first), ALL.where(second)
    region = {"meet": a.meet, "union": a.union, "minus": a.minus}[operation](b)
    found = described(region, ALL.minus(region), ALL, (first, second))
    assert found is not None, "two conditions that are asked for describe it"
    for sizes in SIZES:
        said = any(all(holds(literal, sizes) for literal in term) for term in found)
        assert said == region.contains(sizes), (found, sizes)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(constraints, min_size=1, max_size=2), min_size=1, max_size=3))
def test_the_opposite_of_a_description_is_exact(stated) -> None:
    terms = tuple(tuple(Literal(constraint) for constraint in term) for term in stated)
    outside = ALL
    for term in stated:
        outside = outside.minus(ALL.where(*term))
    found = opposed(terms, outside, ALL)
    assert found is not None
    for sizes in SIZES:
        said = any(all(holds(literal, sizes) for literal in term) for term in found)
        assert said == outside.contains(sizes), (found, sizes)


def test_a_remainder_beside_other_sizes_is_hard_to_read() -> None:
    remainder = var("K") - 2 * quotient(var("K"), 2)
    alone, mixed = Literal(Constraint(remainder, True)), Literal(Constraint(1 - remainder - var("C")))
    assert weight(((alone, alone),)) < weight(((mixed,),))


def test_the_shortest_condition_is_found_without_being_asked() -> None:
    odd = ALL.where(Constraint(var("K") - 2 * quotient(var("K"), 2) - 1, True))
    found = described(odd, ALL.minus(odd), ALL, ())
    assert found is not None
    assert len(found) == 1
    assert len(found[0]) == 1
    assert all(holds(found[0][0], sizes) == (sizes["K"] % 2 == 1) for sizes in SIZES)


def test_nothing_and_everything() -> None:
    assert described(ALL.minus(ALL), ALL, ALL, ()) == ()
    assert described(ALL, ALL.minus(ALL), ALL, ()) == ((),)


def test_a_literal_and_its_opposite() -> None:
    literal = Literal(Constraint(var("C") - 2))
    for sizes in SIZES:
        assert literal.region(ALL).contains(sizes) == (sizes["C"] >= 2)
        assert literal.opposite.region(ALL).contains(sizes) == (sizes["C"] < 2)
    assert literal.opposite.opposite == literal


def test_the_conditions_of_a_region_are_listed() -> None:
    region = ALL.where(Constraint(var("C") - var("K")), Constraint(5 - var("C")))
    listed = list(literals_of(region))
    for sizes in SIZES:
        assert region.contains(sizes) == all(holds(Literal(c), sizes) for c in listed)
