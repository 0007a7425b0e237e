"""Sets of points with symbolic sizes, against enumeration over small ones."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symconv as sc
from symconv.notation.affine import Affine, maximum, quotient, var
from symconv.notation.expr import Constraint
from symconv.relation.sets import Context, System, context_of, difference, feasible, implied, injective
from symconv.relation.texts import form_text

CONTEXT = Context(("N",), "N >= 1")
BOX = [*product(range(1, 6), range(-3, 9), range(-3, 9))]

coefficients = st.integers(-2, 2)
forms = st.builds(
    lambda i, j, n, c: Affine(tuple((name, k) for name, k in (("N", n), ("i", i), ("j", j)) if k), c),
    coefficients, coefficients, st.integers(0, 1), st.integers(-2, 2),
)  # fmt: skip
constraints = st.builds(Constraint, forms, st.booleans())
systems = st.lists(constraints, max_size=2).map(
    lambda extra: System(
        ("i", "j"),
        tuple(
            Constraint(form) for name in "ij" for form in (var(name), var("N") - 1 - var(name))
        ) + tuple(extra),
    )
)  # fmt: skip
quick = settings(deadline=None, max_examples=60)


def holds(constraint: Constraint, n: int, i: int, j: int) -> bool:
    value = constraint.form.evaluate({"N": n, "i": i, "j": j})
    return value == 0 if constraint.equality else value >= 0


def points(system: System) -> set[tuple[int, int, int]]:
    return {place for place in BOX if all(holds(c, *place) for c in system.constraints)}


@quick
@given(systems)
def test_feasible(system) -> None:
    # A point for large sizes only is no contradiction; none at all for small ones must not be denied.
    assert feasible(CONTEXT, system) or not points(system)
    if points(system):
        assert feasible(CONTEXT, system)


@quick
@given(systems, forms)
def test_implied(system, form) -> None:
    if implied(CONTEXT, system, Constraint(form)):
        assert all(holds(Constraint(form), *place) for place in points(system))
    else:
        bounded = System(system.dims, (*system.constraints, Constraint(-form - 1)))
        assert feasible(CONTEXT, bounded)


@quick
@given(systems, systems)
def test_difference(left, right) -> None:
    found = difference(CONTEXT, [left], [right])
    if found is None:
        assert points(left) == points(right)
    else:
        assert found.startswith(("only before", "only after"))
        bounded = [System(s.dims, (*s.constraints, Constraint(6 - var("N")))) for s in (left, right)]
        if difference(CONTEXT, bounded[:1], bounded[1:]) is None:
            assert points(left) == points(right)


@quick
@given(systems, forms, forms)
def test_injective(system, first, second) -> None:
    seen: dict[tuple[int, int, int], int] = {}
    for n, i, j in points(system):
        sizes = {"N": n, "i": i, "j": j}
        key = (n, first.evaluate(sizes), second.evaluate(sizes))
        seen[key] = seen.get(key, 0) + 1
    if injective(CONTEXT, system, (first, second)):
        assert all(count == 1 for count in seen.values())


def test_what_holds_of_the_sizes_of_an_operator() -> None:
    op = sc.conv2d(stride=2, padding=1)
    context = context_of(op)
    nothing = System((), ())
    assert implied(context, nothing, Constraint(var("OH") - 1)), "an output is not empty"
    assert implied(context, nothing, Constraint(var("N"))), "a batch may be"
    assert not implied(context, nothing, Constraint(var("N") - 1))
    assert implied(context, nothing, Constraint(var("H") + 2 - var("KH") - 2 * (var("OH") - 1)))
    assert not implied(context, nothing, Constraint(var("H") + 2 - var("KH") - 2 * var("OH")))


@pytest.mark.parametrize("n", range(1, 8))
def test_floors_and_maxima_are_read_as_they_are_evaluated(n) -> None:
    form = quotient(3 * var("N") - 4, 2) + 2 * maximum(var("N") - 3, 5 - var("N"))
    value = form.evaluate({"N": n})
    only = Context(("N",), f"N = {n} and {form_text(form)} = {value}")
    assert feasible(only, System((), ()))
    assert not feasible(Context(("N",), f"N = {n} and {form_text(form)} = {value + 1}"), System((), ()))
