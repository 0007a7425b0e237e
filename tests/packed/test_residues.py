"""Residue classes of a padded target: every class has the same cells, and each element is one cell of one class."""

from __future__ import annotations

import pytest

import symconv as sc
from symconv import pipeline
from symconv.packed.frame import frame
from symconv.packed.residues import from_zero
from symconv.packed.roles import contraction
from symconv.tune.numbers import value


@pytest.mark.parametrize(("stride", "padding"), [(2, 0), (2, 1), (2, 5), (3, 1), (3, 2), (4, 3)])
def test_every_class_begins_with_the_target(stride: int, padding: int) -> None:
    gather = pipeline.derive(sc.conv1d(stride=stride, padding=padding), "x").gather
    (solved,) = gather.statements
    usual = solved.reductions[0][1][0]
    moved = from_zero(usual)
    (phase,), (loop,) = moved.phases, [name for name in moved.cells if moved.target[-1].coefficient(name) == stride]
    assert phase.start == padding
    length = 5 * stride
    cells = {
        residue: [u for u in range(-20, 40) if 0 <= stride * u + residue - padding < length]
        for residue, _, _ in phase.table
    }
    assert loop and set(map(tuple, cells.values())) == {tuple(range(5))}
    assert len(phase.table) == stride


@pytest.mark.parametrize(("stride", "padding"), [(2, 1), (3, 2), (3, 4)])
def test_other_representatives_pair_the_same_outputs_and_taps(stride: int, padding: int) -> None:
    """``x[h]`` receives from ``y[o]`` through tap ``k`` where ``s*o + k - p == h``."""
    gather = pipeline.derive(sc.conv1d(stride=stride, padding=padding), "x").gather
    moved = from_zero(gather.statements[0].reductions[0][1][0])
    (phase,) = moved.phases
    for residue, first, shift in phase.table:
        for u in range(4):
            for t in range(3):
                k, o = first + stride * t, u + shift - phase.slope * t
                assert stride * o + k - padding == stride * u + residue - padding


@pytest.mark.parametrize(("stride", "dilation", "padding"), [(2, 1, 1), (3, 2, 4), (4, 2, 3), (4, 6, 1), (2, 2, 0)])
def test_a_class_of_the_operand_is_packed_where_a_tap_reads_it(stride: int, dilation: int, padding: int) -> None:
    gather = pipeline.derive(sc.conv1d(stride=stride, dilation=dilation, padding=padding), "w").gather
    found = contraction(gather.operator, gather.statements[-1])
    assert found is not None
    strip = frame(found, found.wide[1].axes).lane
    for taps in range(6):
        read = {(dilation * tap - padding) % stride for tap in range(taps)}
        reached = {r for r in range(stride) if value(strip.reached, {"K": taps, strip.residue: r})}
        assert reached == read
