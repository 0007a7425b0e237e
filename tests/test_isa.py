"""The table of instruction sets: what a CPU has decides what native means."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv.isa import ISAS, isa


@pytest.mark.parametrize("row", ISAS, ids=lambda row: row.name)
def test_native_is_the_widest_that_a_cpu_has(row) -> None:
    assert isa("native", row.needs) == row
    assert isa(row.name) == row
    assert row.lacking(row.needs) == ()
    for missing in row.needs:
        less = set(row.needs) - {missing}
        assert isa("native", less) != row
        assert row.lacking(less | {"other"}) == (missing,)


def test_the_widest_come_first_and_need_what_the_narrower_need() -> None:
    x86 = [row for row in ISAS if row.name.startswith("x86")]
    assert [row.vector_bytes for row in x86] == [64, 32, 16]
    assert set(x86[1].needs) < set(x86[0].needs)


def test_what_is_not_in_the_table_is_what_every_machine_has() -> None:
    portable = isa("portable", ISAS[0].needs)
    assert (portable.vector_bytes, portable.registers, portable.needs) == (16, 16, ())
    assert isa("native", ()) == portable
    assert ISAS[0].lacking(()) == ()


def test_a_comparison_of_doubles_selects_on_any_cpu() -> None:
    """gcc 12 ended with an internal error where SSE2 has no instruction for it."""
    kernel = sc.build(sc.conv_bias_act1d(), dtype="float64", target="portable")
    x, w, b = np.array([[[1.0, -2.0, 3.0, 1.0]]]), np.array([[[1.0, 2.0]]]), np.array([1.0])
    assert kernel.forward(x, w, b).tolist() == [[[0.0, 5.0, 6.0]]]
    assert kernel.backward(np.ones((1, 1, 3)), x, w, b).x.tolist() == [[[0.0, 1.0, 3.0, 2.0]]]
