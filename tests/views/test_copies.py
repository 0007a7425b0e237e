"""Terms that go through copies with a border name the tensors themselves: against loops over the definition."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest

import symconv as sc
from symconv.views.copies import seen_through
from symconv.views.lesson.sources import sources
from symconv.views.panels import axis_names
from symconv.views.terms import resolved

NUMPY = {"reflect": "reflect", "symmetric": "symmetric", "replicate": "edge", "circular": "wrap"}
BORDERS = ["reflect", "circular", *(pytest.param(one, marks=pytest.mark.full) for one in ("replicate", "symmetric"))]
X, W, STRIDE, PADDING = (2, 2, 5, 4), (2, 2, 3, 2), (2, 1), (2, 1)
LAYER = {"stride": STRIDE, "padding": PADDING}


def products_of(border, wanted, cell):
    """Every output and tap is visited; where a tap leaves, NumPy's padding says which element it reads."""
    (batch, _, *sides), (filters, channels, *taps) = X, W
    inside = [np.pad(np.arange(n), p, mode=NUMPY[border]) for n, p in zip(sides, PADDING, strict=True)]
    outs = [(n + 2 * p - k) // s + 1 for n, p, k, s in zip(sides, PADDING, taps, STRIDE, strict=True)]
    found = Counter()
    for b, o, i, j in product(range(batch), range(filters), *map(range, outs)):
        for k, a, e in product(range(channels), *map(range, taps)):
            x = (b, k, int(inside[0][STRIDE[0] * i + a]), int(inside[1][STRIDE[1] * j + e]))
            places = {"y": (b, o, i, j), "x": x, "w": (o, k, a, e)}
            if places[wanted] == cell:
                found[frozenset((name, at) for name, at in places.items() if name != wanted)] += 1
    return found


def counted(terms):
    return Counter({frozenset((name.removeprefix("g"), at) for name, at in t.factors): t.coefficient for t in terms})


@pytest.mark.parametrize("wanted", ["y", "x", "w"])
@pytest.mark.parametrize("border", BORDERS)
def test_terms_are_those_of_the_definition_on_both_sides_of_a_border(border, wanted):
    op = sc.conv2d(**LAYER, border=border)
    asked = op if wanted == "y" else sc.derive(op, wanted)
    assert seen_through(resolved(asked)), "there is no copy to look through"
    shape = {"x": X, "w": W, "y": op.output_shape(x=X, w=W)}[wanted]
    ends = product((0, shape[0] - 1), (0,), range(shape[2]), range(shape[3]))
    for cell in ends if wanted != "w" else [(0, 1, 0, 0), (1, 0, 2, 1)]:
        assert counted(sc.terms(asked, cell, x=X, w=W)) == products_of(border, wanted, cell)


def test_functions_of_copied_elements_say_what_is_copied():
    g = sc.derive(sc.adder2d(padding=1, border="reflect"), "w")
    (first, *_) = sc.terms(g, (0, 0, 0, 0), x=(1, 1, 4, 4), w=(1, 1, 3, 3))
    assert str(first) == "gy[0,0,0,0]·sign(x[0,0,1,1] − w[0,0,0,0])"
    assert first.factors == (("gy", (0,) * 4), ("x", (0, 0, 1, 1)), ("w", (0,) * 4))


def test_a_second_order_gradient_goes_through_both_copies():
    g = sc.derive(sc.derive(sc.conv2d(padding=1, border="reflect"), "x"), "w")
    found = sc.terms(g, (0, 0, 1, 1), x=(1, 1, 3, 3), w=(1, 1, 3, 3))
    assert [t.factors for t in found] == [
        (("ggx", (0, 0, *at)), ("gy", (0, 0, *at))) for at in product(range(3), range(3))
    ]


def test_a_maximum_reads_the_tensor_and_the_picture_says_what_its_copy_is():
    op = sc.max_pool2d(3, 2, padding=1, border="reflect")
    (term,) = sc.terms(op, (0, 0, 0, 0), x=(1, 1, 5, 5))
    assert {name for name, _ in term.factors} == {"x"} and len(term.factors) == 9
    assert "x11: a copy that goes on past the ends of its axes" in sc.picture(op, cell=(0, 0, 0, 0)).svg


def test_what_a_user_named_and_what_is_summed_otherwise_keeps_its_name():
    chain = sc.operator("z[i] = x[i]*w[i]; y[i] = sum[p](z[2*i+p]*v[p])")
    assert not seen_through(chain)
    assert not seen_through(sc.derive(sc.conv_bias_act1d(padding=1, activation="tanh"), "x").operator)
    assert not seen_through(sc.operator("z[i] = x[i]*w[i]; y[i] = sum[p](z[2*i+p])", extents={"p": 2}))


@pytest.mark.parametrize("border", BORDERS)
def test_a_picture_draws_the_operands_with_the_formulas_own_indices(border):
    for wrt, read in (("x", "w"), ("w", "x")):
        g = sc.derive(sc.conv2d(**LAYER, border=border), wrt)
        shown = sc.picture(g, cell=(0, 0, 1, 1))
        assert {name for term in shown.terms for name, _ in term.factors} == {"gy", read}
        assert "x1" not in shown.svg
    (x,) = (tensor for tensor in g.operator.inputs if tensor.name == "x")
    assert axis_names(g.operator, x) == ("n", "c", "2i+p−2", "j+q−1")


def test_the_loops_of_a_copy_belong_to_the_cells_that_need_it():
    g = sc.derive(sc.conv2d(padding=1, border="replicate"), "x").operator
    needed = sources(g, {0: (0, 0, 0, 0)}, g.sizes(gy=(1, 1, 3, 3), x=(1, 1, 3, 3), w=(1, 1, 3, 3)))
    assert needed == {0: frozenset({("gx1", k) for k in (0, 3)} | {("gx11", k) for k in (0, 1, 5, 6)})}
