"""What keeps an operator from being in resolved form is said; resolving removes it."""

from __future__ import annotations

from dataclasses import replace

import pytest

import symconv as sc
from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.errors import InternalError
from symconv.gather.gather import gather
from symconv.notation.operator import Operator
from symconv.notation.resolved import is_resolved

OPEN = {
    "border constant": sc.conv2d(stride=(2, 1), padding=((1, 0), (2, 1))),
    "border reflect": sc.conv1d(padding=1, border="reflect"),
    "a mean": sc.operator("y[i] = mean[p](x[i+p]*w[p])"),
    "reduction inside": sc.operator("y[n,i] = max[c](sum[p](x[n,c,i+p] * w[c,p]))"),
}


@pytest.mark.parametrize("word", OPEN)
def test_what_is_left_to_do_is_said_and_done(word: str) -> None:
    op = OPEN[word]
    found = is_resolved(op)
    assert not found
    assert word in found.reason
    resolved = resolve_borders(op)
    assert is_resolved(resolved), is_resolved(resolved).reason
    for tensor in op.tensors:
        assert is_resolved(adjoint(resolved, tensor))


def test_a_size_that_nothing_names(no_extent: Operator) -> None:
    assert "uses the size" in is_resolved(no_extent).reason


@pytest.fixture
def no_extent() -> Operator:
    return replace(resolve_borders(sc.conv1d()), definitions=())


def test_only_resolved_operators_are_solved() -> None:
    with pytest.raises(InternalError, match=r"not resolved: y reads x beyond its ends"):
        gather(sc.conv1d(padding=1))


def test_every_shipped_operator_is_resolved_and_so_are_its_gradients() -> None:
    for name in sc.ops():
        op = resolve_borders(getattr(sc, name)(**({"kernel": 3, "stride": 2} if "pool" in name else {"padding": 1})))
        assert is_resolved(op), is_resolved(op).reason
