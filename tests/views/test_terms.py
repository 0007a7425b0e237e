"""The terms of a cell against loops over the definition, written out here."""

from __future__ import annotations

import pickle
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import symconv as sc


def conv_terms(x, w, s, d, p, groups, wanted, cell):
    """Which products a cell of y, gx or gw sums: every output and tap of a 2-D cross-correlation is visited."""
    (n, _, h, width), (f, cg, kh, kw) = x, w
    out = [(size + 2 * pad - dil * (k - 1) - 1) // st + 1
           for size, k, st, dil, pad in zip((h, width), (kh, kw), s, d, p, strict=True)]  # fmt: skip
    found = []
    for b, o, i, j in product(range(n), range(f), range(out[0]), range(out[1])):
        for k, a, e in product(range(cg), range(kh), range(kw)):
            u, v = s[0] * i + d[0] * a - p[0], s[1] * j + d[1] * e - p[1]
            if not (0 <= u < h and 0 <= v < width):
                continue
            y, read, tap = (b, o, i, j), (b, o // (f // groups) * cg + k, u, v), (o, k, a, e)
            if wanted == "y" and y == cell:
                found.append((("x", read), ("w", tap)))
            if wanted == "x" and read == cell:
                found.append((("gy", y), ("w", tap)))
            if wanted == "w" and tap == cell:
                found.append((("gy", y), ("x", read)))
    return sorted(found)


CASES = {
    "strided": ((2, 3, 8, 9), (4, 3, 3, 2), (2, 3), (1, 1), (1, 0), 1),
    "dilated with dead cells": ((1, 2, 9, 8), (3, 2, 2, 3), (2, 4), (4, 2), (2, 1), 1),
    "groups": ((2, 4, 6, 7), (6, 2, 3, 2), (1, 2), (2, 1), (1, 2), 2),
}


@pytest.mark.parametrize("wanted", ["y", "x", "w"])
@pytest.mark.parametrize("name", CASES)
def test_the_terms_of_a_convolution_are_those_of_its_definition(name, wanted):
    x, w, s, d, p, groups = CASES[name]
    op = sc.conv2d(stride=s, dilation=d, padding=p, groups=groups)
    shape = {"x": x, "w": w, "y": op.output_shape(x=x, w=w)}[wanted]
    asked = op if wanted == "y" else sc.derive(op, wanted)
    rng = np.random.default_rng(3)
    cells = [tuple(int(rng.integers(0, length)) for length in shape) for _ in range(6)] + [tuple(k - 1 for k in shape)]
    for cell in cells:
        found = sc.terms(asked, cell, x=x, w=w)
        assert all(term.coefficient == 1 for term in found)
        assert sorted(tuple(sorted(f, key=lambda one: one[0] == "w")) for _, f in found) == sorted(
            tuple(sorted(f, key=lambda one: one[0] == "w")) for f in conv_terms(x, w, s, d, p, groups, wanted, cell)
        )


def test_channels_last_terms_index_the_arrays_as_they_lie():
    g = sc.derive(sc.conv1d(layout="NHWC", padding=1), "x")
    (first, second) = sc.terms(g, (1, 0, 1), x=(2, 4, 3), w=(2, 3, 1))
    assert first == (1, (("gy", (1, 0, 0)), ("w", (1, 1, 0))))
    assert second == (1, (("gy", (1, 1, 0)), ("w", (0, 1, 0))))


def test_equal_products_are_one_term_with_a_coefficient():
    op = sc.conv1d(padding=2, border="replicate")
    found = sc.terms(sc.derive(op, "w"), (0, 0, 0), x=(1, 1, 3), w=(1, 1, 2))
    # The taps at -2, -1 and 0 all read x[0]; each under its own cotangent.
    assert [f for _, f in found][:3] == [(("gy", (0, 0, k)), ("x", (0, 0, 0))) for k in range(3)]
    doubled = sc.operator("y[i] = x[i]*w[0] + x[i]*w[0]", extents={"i": "N"})
    assert sc.terms(doubled, (1,), x=(3,), w=(1,)) == ((2, (("x", (1,)), ("w", (0,)))),)


def test_means_have_rational_coefficients_also_where_taps_are_skipped():
    g = sc.derive(sc.avg_pool1d(3, 1, padding=1), "x")
    assert {term.coefficient for term in sc.terms(g, (0, 0, 2), x=(1, 1, 6))} <= {Fraction(1, 3), Fraction(1, 2)}


def test_functions_say_what_they_read_and_intermediates_have_names():
    (term, *_) = sc.terms(sc.derive(sc.adder1d(), "w"), (0, 0, 1), x=(1, 1, 4), w=(1, 1, 2))
    assert [name for name, _ in term.factors] == ["gy", "x", "w"] and "sign" in term.text
    (pooled,) = sc.terms(sc.derive(sc.max_pool1d(2, 2), "x"), (0, 0, 3), x=(1, 1, 4))
    assert {name for name, _ in pooled.factors} == {"ky", "gy"}


def test_a_dead_cell_has_no_terms():
    assert sc.terms(sc.derive(sc.conv1d(stride=2, dilation=2), "x"), (0, 0, 1), x=(1, 1, 7), w=(1, 1, 3)) == ()


@pytest.mark.parametrize("cell", [(0, 0), (0, 0, 7), (0, 0, -1), 3, (0, 0, 1.5), "abc"])
def test_a_cell_outside_is_refused(cell):
    with pytest.raises(sc.SpecError, match="gx is an index into its shape"):
        sc.terms(sc.derive(sc.conv1d(), "x"), cell, x=(1, 1, 7), w=(1, 1, 2))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(sc.SpecError, match="w has shape"):
        sc.terms(sc.derive(sc.conv1d(), "x"), (0, 0, 0), x=(1, 3, 7), w=(1, 2, 2))
    with pytest.raises(sc.SpecError, match="the shape of w is missing"):
        sc.terms(sc.conv1d(), (0, 0, 0), x=(1, 3, 7))


def test_a_term_pickles():
    (term, *_) = sc.terms(sc.conv1d(), (0, 0, 0), x=(1, 1, 3), w=(1, 1, 2))
    again = pickle.loads(pickle.dumps(term))
    assert again == term and again.text == term.text == "x[0,0,0]·w[0,0,0]"
