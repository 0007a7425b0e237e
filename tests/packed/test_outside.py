"""Which candidates look at their results, which at the narrow operand alone, and which at nothing."""

from __future__ import annotations

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
        ("x[n,c,2*i+p-1]*w[f,c,p]*3", ("w",)),
        ("x[n,c,2*i+p-1]*(w[f,c,p]*w[f,c,p])", ()),
        ("x[n,c,2*i+p-1]*(w[f,c,p] + v[f,c,p])", ()),
    ],
)
def test_no_step_of_a_term_may_overflow(term: str, names: tuple[str, ...]) -> None:
    """A product or a sum of two large weights is infinite, and 0 times it is no number."""
    assert {seen for _, seen in watched(sc.operator(f"y[n,f,i] = sum[c,p]({term})"))} == {names}
