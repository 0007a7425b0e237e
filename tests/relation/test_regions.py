"""Regions of sizes and their descriptions, against enumeration."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from symconv.notation.affine import Affine, quotient, var
from symconv.notation.expr import Constraint
from symconv.relation.regions import everywhere, nowhere
from symconv.relation.sets import Context

CONTEXT = Context(("C", "F"), "C >= 1 and F >= 1")
SIZES = [{"C": c, "F": f} for c, f in product(range(1, 8), repeat=2)]

forms = st.builds(
    lambda c, f, k: Affine(tuple((name, factor) for name, factor in (("C", c), ("F", f)) if factor), k),
    st.integers(-2, 2), st.integers(-2, 2), st.integers(-4, 4),
)  # fmt: skip
constraints = st.builds(Constraint, forms, st.booleans())
quick = settings(deadline=None, max_examples=60)


def holds(constraint: Constraint, sizes: dict[str, int]) -> bool:
    value = constraint.form.evaluate(sizes)
    return value == 0 if constraint.equality else value >= 0


@quick
@given(constraints, constraints)
def test_operations_are_those_of_sets(first, second) -> None:
    a, b = (everywhere(CONTEXT).where(c) for c in (first, second))
    for sizes in SIZES:
        in_a, in_b = holds(first, sizes), holds(second, sizes)
        assert a.contains(sizes) == in_a
        assert a.union(b).contains(sizes) == (in_a or in_b)
        assert a.meet(b).contains(sizes) == (in_a and in_b)
        assert a.minus(b).contains(sizes) == (in_a and not in_b)
        assert a.union(b).simplified().contains(sizes) == (in_a or in_b)
    assert a.meet(b).within(a)
    assert a.minus(b).meet(b).empty
    assert a.minus(b).union(a.meet(b)).same(a)


@quick
@given(constraints)
def test_samples_and_smallest_sizes(constraint) -> None:
    region = everywhere(CONTEXT).where(constraint)
    inside = [sizes for sizes in SIZES if holds(constraint, sizes)]
    sample = region.sample()
    if sample is None:
        assert not inside
        assert region.empty
        return
    assert region.contains(sample)
    least = region.smallest(("C", "F"))
    assert least is not None
    assert region.contains(least)
    if inside:
        best = min(inside, key=lambda sizes: (sizes["C"] + sizes["F"], max(sizes.values())))
        assert (least["C"] + least["F"], max(least.values())) == (best["C"] + best["F"], max(best.values()))


def test_every_size_and_none() -> None:
    assert all(everywhere(CONTEXT).contains(sizes) for sizes in SIZES)
    assert not everywhere(CONTEXT).contains({"C": 0, "F": 1})
    assert nowhere(CONTEXT).empty
    assert nowhere(CONTEXT).sample() is None
    assert nowhere(CONTEXT).smallest(("C",)) is None


def test_a_form_that_takes_one_value() -> None:
    even = everywhere(CONTEXT).where(Constraint(2 * quotient(var("C"), 2) - var("C"), True))
    assert even.constant(var("C") - 2 * quotient(var("C"), 2)) == 0
    assert even.constant(var("C")) is None
    assert even.constant(Affine((), 7)) == 7
    assert nowhere(CONTEXT).constant(var("C")) is None


def test_a_size_that_follows_is_left_out_and_a_multiple_is_put_in() -> None:
    both = everywhere(CONTEXT).where(Constraint(var("F") - 2 * var("C"), True), Constraint(3 - var("C")))
    alone = both.without(("C",))
    assert [f for f in range(1, 9) if alone.contains({"F": f})] == [2, 4, 6]
    scaled = everywhere(CONTEXT).where(Constraint(var("C") - 2)).scaled("C", 3, "G")
    assert [g for g in range(1, 13) if scaled.contains({"G": g, "F": 1})] == [6, 9, 12]
