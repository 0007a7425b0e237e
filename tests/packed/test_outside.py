"""Which candidates look at their results, which at the narrow operand alone, and which at nothing."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.build.cpu import cpu_flags
from symconv.isa import isa
from symconv.notation.operator import Operator
from symconv.packed import packed_candidates


def watched(op: Operator, wrt: str = "") -> set[tuple[bool, tuple[str, ...]]]:
    """What the direct ways with lanes across cells do."""
    gather = (pipeline.derive(op, wrt) if wrt else pipeline.forward(op)).gather
    made = packed_candidates(gather, "result", isa("x86-64-v3", cpu_flags()))
    return {(one.checked, one.watched) for one in made if one.schedule.name.startswith("packed")}


def test_weights_stand_for_results_where_zeros_lie_around_the_image() -> None:
    op = sc.conv2d(stride=(2, 1), padding=(1, 0))
    assert watched(op) == watched(op, "x") == {(True, ("w",))}


def test_nothing_is_looked_at_where_no_zero_was_added() -> None:
    assert {checked for checked, _ in watched(sc.conv2d(stride=(2, 1)))} == {False}


@pytest.mark.parametrize(
    ("term", "names"),
    [
        ("(-x[n,c,2*i+p-1])*w[f,c,p]", ("w",)),
        ("abs(w[f,c,p])*x[n,c,2*i+p-1]", ("w",)),
        ("x[n,c,2*i+p-1]*x[n,c,2*i+p-1]*w[f,c,p]", ("w",)),
        ("x[n,c,2*i+p-1]*w[f,c,p]*3", ()),
        ("x[n,c,2*i+p-1]*(w[f,c,p]*w[f,c,p])", ()),
        ("x[n,c,2*i+p-1]*w[f,c,p]*w[f,c,p]", ()),
        ("x[n,c,2*i+p-1]*w[f,c,p]*v[f,c,p]", ()),
        ("x[n,c,2*i+p-1]*(w[f,c,p] + v[f,c,p])", ()),
        ("x[n,c,2*i+p-1]*w[f,c,p] + x[n,c,2*i+p-1]*v[f,c,p]", ()),
        ("x[n,c,2*i+p-1]*z[n,c,2*i+p-1]*w[f,c,p]", ()),
    ],
)
def test_no_step_of_a_term_may_overflow(term: str, names: tuple[str, ...]) -> None:
    """A product or a sum of two large weights is infinite, and 0 times it is no number: in whichever order it is
    written, compilers may choose another."""
    assert {seen for _, seen in watched(sc.operator(f"y[n,f,i] = sum[c,p]({term})"))} == {names}


def test_taps_that_meet_in_one_element_are_no_single_product() -> None:
    """Two weights are added before they meet a zero that both are multiplied with."""
    op = sc.operator("y[n,f,i] = sum[c,p<2,q<2](x[n,c,i+p+q-1]*w[f,c,p,q])")
    assert {seen for _, seen in watched(op)} == {()}


def test_weights_whose_product_overflows_meet_no_zero_beside_the_image() -> None:
    """Inside of the image the order decides whether there is an overflow; beside it there is nothing to overflow."""
    op = sc.operator("y[n,f,i] = sum[c,p](x[n,c,i+p-1]*w[f,c,p]*v[f,c,p])")
    kernel = sc.build(op, dtype="float32", accuracy="strict")
    x = np.full((4, 32, 2000), 2.0**-40, np.float32)
    packed = False
    for filters in (4, 5):
        w = np.zeros((filters, 32, 3), np.float32)
        w[:, 0, 0] = 2.0**70  # its square is infinite; x*w*w from left to right is 2.0**100
        y = kernel(x, w, w)
        np.testing.assert_array_equal(y[:, :, 0], 0)
        assert set(y[:, :, 1:].flat) <= {np.float32(2.0**100), np.float32(np.inf)}
        packed = packed or ": packed" in str(kernel.schedule)
    if not packed:
        pytest.skip("on this machine other kernels are chosen")
