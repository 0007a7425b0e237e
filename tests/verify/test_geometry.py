"""Geometries are valid, small, varied and repeatable."""

from __future__ import annotations

import math

import pytest

from symconv.errors import SpecError
from symconv.notation.affine import var
from symconv.notation.expr import Constraint
from symconv.notation.front import formula
from symconv.notation.operator import Assumption, Operator, Statement, Tensor
from symconv.ops.conv import conv
from symconv.verify.geometry import POINTS, geometries, taller
from symconv.verify.grid import points

CONV = conv(2, stride=(2, 3), padding=((1, 2), (0, 1)), dilation=(2, 1), groups=2, bias=True)
OPERATORS = [
    CONV,
    conv(2, stride=16),
    conv(3, stride=(4, 4, 1), groups=3),
    conv(1, padding="same", stride=3, dilation=2),
    conv(1, padding=4, border="reflect"),
    formula("y[n,f,i] = sum[c,p](x[n,c,(i+1-p)/2]*w[c,f,p])", padding=[(1, 1)]),
    formula("y[n,c,i] = max[p](x[n,c,2*i+p-1])", extents={"p": 2}, border="skip", padding=[(1, 1)]),
    formula("y[n,c,i] = max[p](x[n,c,2*i+p-3])", extents={"p": 2}, border="skip", padding=[(3, 3)], empty=0),
    formula("y[i,j] = sum[k](a[i,k]*b[k,j])"),
    formula("y[i] = x[i] - x[i+200]"),
    formula("y[n,i] = sum[p](x[n,i+p]*w[p] + x[n,i+p+20])"),
]


@pytest.mark.parametrize("op", OPERATORS, ids=str)
def test_valid_small_distinct_and_repeatable(op) -> None:
    found = geometries(op, 10, 3)
    assert found == geometries(op, 10, 3)
    assert len({tuple(shapes.items()) for shapes in found}) == len(found)
    for shapes in found:
        assert points(op, op.sizes(**shapes)) <= POINTS


def test_features_of_a_convolution() -> None:
    found = geometries(CONV, 12, 0)
    assert len(found) == 12
    sizes = [CONV.sizes(**shapes) for shapes in found]
    assert sum(shapes["x"][0] == 0 for shapes in found) == 1
    assert any(s["OH"] == 1 for s in sizes)
    assert any((s["H"] + 3 - 2 * (s["KH"] - 1) - 1) % 2 for s in sizes)
    assert any((s["W"] + 1 - s["KW"]) % 3 for s in sizes)
    assert any(2 * (s["KH"] - 1) + 1 > s["H"] for s in sizes)
    assert any(s["H"] != s["W"] and s["KH"] != s["KW"] for s in sizes)


def test_a_kernel_as_long_as_its_stride() -> None:
    op = conv(2, stride=4)
    assert any(shapes["w"][2] == 4 for shapes in geometries(op, 12, 0))


def test_a_defined_size_among_the_inputs() -> None:
    # As in a gradient operator: gy has the forward's extents.
    forward = conv(1, stride=2, padding=1)
    gy = Tensor("gy", forward.output.axes)
    x = forward.input("x")
    statement = Statement(Tensor("gx", x.axes), ("n", "c", "i"), forward.statements[0].expr)
    op = Operator("gradient", (gy, *forward.inputs), (statement,), forward.definitions, forward.assumptions)
    found = geometries(op, 8, 0)
    assert len(found) == 8
    for shapes in found:
        assert shapes["gy"] == forward.output_shape(x=shapes["x"], w=shapes["w"])


def test_nothing_valid_says_why() -> None:
    tensor = Tensor("x", ((var("N"),),))
    never = Assumption(Constraint(-var("N") - 1), "N must be negative")
    statement = formula("y[n] = x[n]").statements[0]
    with pytest.raises(SpecError, match="N must be negative"):
        geometries(Operator("never", (tensor,), (statement,), assumptions=(never,)), 3, 0)


@pytest.mark.parametrize("step", [97, 100_000, 1_000_000])
def test_long_strides_do_not_fill_the_memory(step: int) -> None:
    for text in (f"y[n,i] = x[n,{step}*i]", f"y[n,i] = sum[p](x[n,{step}*i+{step - 1}*p]*w[p])"):
        for shapes in geometries(formula(text)):
            assert sum(math.prod(shape) for shape in shapes.values()) <= 4_000_000


def test_shapes_are_made_taller_by_whole_cells() -> None:
    op = conv(2, stride=(3, 2), padding=1)
    shapes = {"x": (1, 2, 5, 9), "w": (4, 2, 3, 3)}
    higher = taller(op, shapes, 7)
    assert higher == {"x": (1, 2, 26, 9), "w": (4, 2, 3, 3)}
    (before, after) = (op.output_shape(**one)[2:] for one in (shapes, higher))
    assert after == (before[0] + 7, before[1])
    assert taller(conv(1), {"x": (1, 2, 9), "w": (4, 2, 3)}, 7) is None, "no axis but the last"
    assert taller(op, shapes, POINTS) is None, "too many grid points"


def test_sizes_that_an_equality_ties_are_drawn_so_that_it_holds():
    # Of the sizes that are drawn freely one in many meets it: there would be few shapes of few kinds.
    op = formula("y[n] = sum[a](x[a]*w[n,a]) + sum[b](z[b]*v[n,b]) + sum[c](t[c])", where={"C": "== A + B"})
    shapes = geometries(op, 12)
    assert len(shapes) == 12
    assert all(one["t"][0] == one["x"][0] + one["z"][0] for one in shapes)
    assert len({one["t"][0] for one in shapes}) > 4
