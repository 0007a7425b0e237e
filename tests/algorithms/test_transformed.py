"""Winograd as a rewrite: proved for all sizes, refuted when anything in it is changed, exact when it is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.algorithms.rewrite import certify
from symconv.algorithms.transformed import winograd
from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.errors import SpecError
from symconv.notation.expr import Border, Const, Read, Reduce, reads, transform
from symconv.notation.operator import Operator, Statement
from symconv.notation.tables import table_of

Array = np.ndarray[Any, Any]


STEPS = pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.full)])


def side(op: Operator, wrt: str) -> Operator:
    return adjoint(resolve_borders(op), wrt) if wrt else op


PROVED = [
    (sc.conv1d(padding=1), {"m": 2}),
    (sc.conv1d(padding=((0, 2),), dilation=2, flip=True, groups=2), {"m": 4}),
    (sc.conv2d(padding=(1, 2)), {"m": 4}),
    (sc.conv2d(padding=(1, 2), layout="NHWC"), {"m": (2, 4), "r": (3, 2)}),
    (sc.conv2d(padding=(2, 1)), {"m": 2, "r": 5}),
    (sc.conv2d(padding=(1, 2)), {"m": 6, "r": 3, "rank": 1}),
    (sc.conv3d(padding=(1, 2, 0)), {"m": 4}),
    (sc.conv_transpose2d(padding=(1, 0)), {"m": 4}),
    (sc.conv2d(border="reflect", padding=(1, 2)), {"m": 2}),
]


@pytest.mark.parametrize(("op", "sizes"), PROVED)
@pytest.mark.parametrize("wrt", ["", "w"])
def test_rewrites_are_proved_for_all_sizes(op: Operator, sizes: dict[str, Any], wrt: str) -> None:
    made = winograd(side(op, wrt), **sizes)
    assert made.certificate.holds, str(made)


@pytest.mark.parametrize("op", [sc.conv1d(padding=1, dilation=2), sc.conv2d(padding=(1, 2))])
def test_gradients_of_data_are_proved(op: Operator) -> None:
    assert winograd(side(op, "x")).certificate.holds


@pytest.mark.parametrize(
    ("op", "m"),
    [
        (sc.conv1d(padding=((0, 2),), dilation=2, flip=True, groups=2), 4),
        (sc.conv1d(padding=2), 4),
        (sc.conv2d(padding=(2, 3), dilation=(3, 2)), 2),
        pytest.param(sc.conv2d(padding=(2, 4), dilation=(1, 2)), 4, marks=pytest.mark.full),
    ],
)
@pytest.mark.parametrize("wrt", ["", "x", "w"])
def test_blocks_of_taps_are_proved_for_kernels_of_any_length(op: Operator, m: int, wrt: str) -> None:
    """Without an assumption, so for all extents of the kernel; dilated axes each with their own distance."""
    made = winograd(side(op, wrt), m=m, blocks=True)
    assert made.certificate.holds, str(made)
    assert made.after.assumptions == side(op, wrt).assumptions


@pytest.mark.parametrize("wrt", ["", "w"])
@STEPS
def test_one_moved_index_of_blocks_is_refuted(wrt: str, step: int) -> None:
    op = side(sc.conv1d(padding=1, dilation=2), wrt)
    wrong = list(offsets_changed(winograd(op, m=2, blocks=True).after))
    assert len(wrong) > 25
    assert {certify(op, one).holds for one in wrong[:: 2 * step]} == {False}


@pytest.mark.parametrize("op", [sc.conv1d(padding=1), sc.conv2d(padding=(1, 2))])
def test_adjoints_of_rewritten_operators_are_proved(op: Operator) -> None:
    after = winograd(op).after
    for wrt in op.tensors:
        assert certify(side(op, wrt), side(after, wrt)).holds


def test_second_derivatives_of_a_rewritten_operator_are_proved() -> None:
    op = sc.conv1d(padding=1)
    after = winograd(op, m=2).after
    assert certify(side(side(op, "x"), "w"), side(side(after, "x"), "w")).holds


def tables_changed(op: Operator) -> Iterator[Operator]:
    """One number of one constant matrix changed, each in turn."""
    for at, statement in enumerate(op.statements):
        if table_of(statement) is None:
            continue
        for k, piece in enumerate(statement.expr.pieces):  # type: ignore[union-attr]
            other = replace(piece, body=Const(piece.body.value + Fraction(1, 7)))
            pieces = (*statement.expr.pieces[:k], other, *statement.expr.pieces[k + 1 :])
            yield changed(op, at, replace(statement, expr=replace(statement.expr, pieces=pieces)))


def offsets_changed(op: Operator) -> Iterator[Operator]:
    """One index of one read moved by one, each in turn."""
    for at, statement in enumerate(op.statements):
        for read in reads(statement.expr):
            for axis in range(len(read.index)):
                index = tuple(form + (k == axis) for k, form in enumerate(read.index))
                moved = Read(read.tensor, index, read.border or Border("constant"))

                def rule(node: object, read: Read = read, moved: Read = moved) -> Read | None:
                    return moved if node == read else None

                yield changed(op, at, replace(statement, expr=transform(statement.expr, rule)))


def changed(op: Operator, at: int, statement: Statement) -> Operator:
    return replace(op, statements=(*op.statements[:at], statement, *op.statements[at + 1 :]))


@STEPS
def test_one_changed_coefficient_is_refuted(step: int) -> None:
    op = sc.conv1d(padding=1)
    wrong = list(tables_changed(winograd(op, m=2).after))
    assert len(wrong) == 8 + 8 + 6
    assert {certify(op, one).holds for one in wrong[::step]} == {False}


@STEPS
def test_one_changed_coefficient_of_nested_transforms_is_refuted(step: int) -> None:
    op = side(sc.conv2d(padding=(1, 2)), "w")
    wrong = list(tables_changed(winograd(op, m=2).after))
    assert {certify(op, one).holds for one in wrong[:: 3 * step]} == {False}


@STEPS
def test_one_moved_index_is_refuted(step: int) -> None:
    op = sc.conv1d(padding=1)
    wrong = list(offsets_changed(winograd(op, m=2).after))
    assert len(wrong) == 23
    assert {certify(op, one).holds for one in wrong[::step]} == {False}


def test_without_its_assumption_it_is_wrong_for_longer_kernels() -> None:
    op = sc.conv1d(padding=1)
    made = winograd(op, m=2)
    assert made.after.assumptions[-1].sentence == "F(2,3) is for kernels of at most 3 taps: K <= 3"
    found = certify(op, replace(made.after, assumptions=op.assumptions))
    assert found.holds is False
    assert found.fails is not None
    assert (found.fails.sample() or {})["K"] > 3


@pytest.mark.parametrize("wrt", ["", "x", "w"])
@pytest.mark.parametrize(
    ("op", "shapes", "sizes"),
    [
        (sc.conv1d(padding=1), {"x": (2, 2, 7), "w": (3, 2, 3)}, {"m": 2}),
        (sc.conv1d(padding=2, dilation=2), {"x": (1, 2, 9), "w": (2, 2, 2)}, {"m": 4}),
        (sc.conv2d(padding=(1, 2)), {"x": (1, 1, 3, 5), "w": (2, 1, 3, 2)}, {"m": (2, 3), "r": (3, 2)}),
    ],
)
def test_rewritten_operators_run_exactly(
    op: Operator, shapes: dict[str, tuple[int, ...]], sizes: dict[str, Any], wrt: str, lowered: Callable[..., Any],
    interpreted: Callable[..., list[Any]], drawn: Callable[..., dict[str, Array]], wanted: Callable[..., list[Any]],
) -> None:  # fmt: skip
    arrays = drawn(op, shapes, 3)
    kernel = lowered(winograd(side(op, wrt), **sizes).after)
    assert interpreted(kernel, arrays) == wanted(op, wrt, arrays)


@pytest.mark.parametrize("wrt", ["", "x", "w"])
@pytest.mark.parametrize("taps", [1, 5])
def test_blocks_of_taps_run_exactly(
    wrt: str, taps: int, lowered: Callable[..., Any], interpreted: Callable[..., list[Any]],
    drawn: Callable[..., dict[str, Array]], wanted: Callable[..., list[Any]],
) -> None:  # fmt: skip
    op = sc.conv1d(padding=4, dilation=2)
    arrays = drawn(op, {"x": (1, 2, 9), "w": (2, 2, taps)}, 3)
    kernel = lowered(winograd(side(op, wrt), m=4, blocks=True).after)
    assert interpreted(kernel, arrays) == wanted(op, wrt, arrays)


@pytest.mark.parametrize(
    "op", [sc.adder1d(), sc.conv1d(stride=2), sc.operator("y[i] = max[p](x[i+p])", extents={"p": 3})]
)
def test_what_is_no_correlation_is_refused_in_words(op: Operator) -> None:
    with pytest.raises(SpecError, match=r"Winograd is for a sum of products|not one sum"):
        winograd(op)


def test_constants_are_stated_once() -> None:
    after = winograd(sc.conv2d(), m=4).after
    names = [s.target.name for s in after.statements if table_of(s) is not None]
    assert names == ["B", "G", "A"]
    assert isinstance(after.statements[0].expr, Reduce)
