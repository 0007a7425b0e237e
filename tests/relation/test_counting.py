"""Layers count what a sum visits, against enumeration."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, product

import islpy as isl
from hypothesis import given, settings
from hypothesis import strategies as st

from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint
from symconv.relation.counting import Layer, cells, points, support, visits
from symconv.relation.regions import everywhere
from symconv.relation.sets import Context

CONTEXT = Context(("N",), "N >= 1")
ALL = everywhere(CONTEXT)
RANGES = (Constraint(var("i")), Constraint(var("N") - 1 - var("i")), Constraint(var("j")), Constraint(1 - var("j")))
SIZES = range(1, 6)


def held(layer: isl.Set, size: int) -> set[tuple[int, ...]]:
    """The points of a layer for one size."""
    fixed = layer.intersect_params(isl.Set(f"[N] -> {{ : N = {size} }}"))
    found: set[tuple[int, ...]] = set()

    def take(point: isl.Point) -> None:
        width = point.get_space().dim(isl.dim_type.set)
        found.add(tuple(int(point.get_coordinate_val(isl.dim_type.set, k).to_python()) for k in range(width)))

    fixed.foreach_point(take)
    return found


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 2), st.integers(-2, 2), st.integers(-1, 1))
def test_a_layer_per_visit(a, b, c) -> None:
    image = a * var("i") + b * var("j") + c
    found = visits(ALL, [image], ["i", "j"], [], RANGES)
    assert found.rest.is_empty()
    for size in SIZES:
        counts = Counter(a * i + b * j + c for i, j in product(range(size), range(2)))
        layers = [held(layer, size) for layer in found.layers]
        assert Counter(place for layer in layers for (place,) in layer) == counts
        assert all(after <= before for before, after in pairwise(layers))


def test_more_visits_than_layers_are_left_over() -> None:
    found = visits(ALL, [affine(0)], ["i", "j"], [], RANGES)
    assert found.layers
    assert not found.rest.is_empty()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=4))
def test_cells_carry_the_weights_of_their_layers(pieces) -> None:
    layers = [Layer(w, isl.Set(f"[N] -> {{ [k] : {lo} <= k < {lo} + {n} }}")) for w, lo, n in pieces]
    found = cells(layers)
    for place in range(10):
        wanted = Counter(w for w, lo, n in pieces if lo <= place < lo + n)
        hit = [weights for weights, part in found if (place,) in held(part, 3)]
        assert len(hit) == (1 if wanted else 0)
        if hit:
            assert Counter(hit[0]) == wanted


def test_support_and_points() -> None:
    some = isl.Set("[N] -> { [k] : 3 <= k < N }")
    assert [n for n in SIZES if support(ALL, some).contains({"N": n})] == [4, 5]
    three = ALL.where(Constraint(var("N") - 3, True))
    found = sorted((point["i"], point["j"]) for point in points(three, ["i", "j"], RANGES))
    assert found == [(i, j) for i in range(3) for j in range(2)]
    assert points(three, ["i"], (Constraint(Affine((), -1)),)) == []
