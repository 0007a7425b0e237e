"""Halos, blocks and residue classes: proved, refuted when an index is moved, exact when run, composed with Winograd."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.algorithms.packing import padded, split
from symconv.algorithms.rewrite import certify
from symconv.algorithms.transformed import winograd
from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.errors import SpecError
from symconv.notation.expr import Border, Read, Reduce, reads, transform, walk
from symconv.notation.operator import Operator

Array = np.ndarray[Any, Any]
DISTANCE = "y[n,f,i] = sum[c,p](abs(x[n,c,i+p] - w[f,c,p]))"


def side(op: Operator, wrt: str) -> Operator:
    return adjoint(resolve_borders(op), wrt) if wrt else op


@pytest.mark.parametrize("wrt", ["", "x", "w"])
@pytest.mark.parametrize(
    "op",
    [
        sc.conv2d(padding=(1, 2)),
        sc.conv1d(padding=((2, 0),), dilation=3, flip=True),
        sc.conv2d(groups=2, layout="NHWC", padding=1),
    ],
)
def test_halos_are_proved(op: Operator, wrt: str) -> None:
    one = side(op, wrt)
    for tensor in sorted({r.tensor for r in reads(one.statements[-1].expr)}):
        assert padded(one, tensor).certificate.holds


@pytest.mark.parametrize("wrt", ["", "x", "w"])
def test_every_index_can_be_split(wrt: str) -> None:
    one = side(sc.conv2d(padding=(1, 2)), wrt)
    loops = {"": "ncfijpq", "x": "ncfuvpq", "w": "ncfijpq"}[wrt]
    for index in loops:
        assert split(one, index, 4).certificate.holds, index


@pytest.mark.parametrize(
    ("options", "index", "block"),
    [
        ({"stride": 2, "padding": 1}, "p", 2),
        ({"stride": 3, "padding": ((2, 0),)}, "p", 3),
        ({"stride": 2, "dilation": 3}, "p", 2),
        ({"stride": 4, "padding": 1, "flip": True}, "p", 4),
    ],
)
def test_strided_windows_become_windows_of_stride_1(options: dict[str, Any], index: str, block: int) -> None:
    op = sc.conv1d(**options)
    made = split(op, index, block)
    assert made.certificate.holds
    found = [r for r in reads(made.after.statements[-1].expr) if any(form.coefficient("i") for form in r.index)]
    assert [abs(form.coefficient("i")) for form in found[0].index if form.coefficient("i")] == [1]
    for wrt in op.tensors:
        assert certify(side(op, wrt), side(made.after, wrt)).holds


def test_two_taps_of_a_residue_class_go_through_winograd() -> None:
    op = sc.conv2d(stride=2, padding=(1, 0))
    classes = split(split(op, "p", 2).after, "q", 2)
    assert classes.certificate.holds
    made = winograd(classes.after, m=4, r=2)
    assert made.name == "winograd F(4x4,2x2)"
    assert made.certificate.holds
    assert certify(op, made.after).holds


@pytest.mark.parametrize("wrt", ["x", "w"])
@pytest.mark.parametrize(
    "op",
    [
        sc.adder2d(padding=(1, 2)),
        sc.adder1d(stride=2, padding=1, border="reflect"),
        sc.conv2d(padding=(1, 2), border="replicate"),
        sc.operator("y[n,f,i] = sum[c,p](abs(x[n,c,2*i+p-1] - w[f,c,p]))"),
    ],
)
def test_a_border_in_the_halo_leaves_one_domain(op: Operator, wrt: str) -> None:
    made = padded(op, "x")
    assert made.certificate.holds
    gradient = side(made.after, wrt)
    assert certify(side(op, wrt), gradient).holds
    last = (
        gradient.statements[-1].expr
        if wrt == "w"
        else next(s.expr for s in gradient.statements if s.target.name == "gP")
    )
    assert len([node for node in walk(last) if isinstance(node, Reduce)]) == 1
    assert [len(node.pieces) for node in walk(last) if isinstance(node, Reduce)] == [1]


@pytest.mark.parametrize("border", ["reflect", 2.0])
def test_a_copy_read_inside_is_what_it_was_copied_from(border: Any) -> None:
    """Whatever is made of it: an extreme is no polynomial. A copy or a read that is moved is not taken for it."""
    op = sc.max_plus2d(stride=(1, 2), padding=((1, 0), (2, 1)), border=border)
    made = padded(op, "x")
    assert made.certificate.holds
    wrong = [one for one in moved(made.after) if one.statements[-1] != made.after.statements[-1]]
    copy, last = made.after.statements[-2:]
    for read in reads(copy.expr):
        index = (*read.index[:-1], read.index[-1] + 1)
        wrong.append(replace(made.after, statements=(replace(copy, expr=replace(read, index=index)), last)))
    assert len(wrong) > 4
    assert not any(certify(op, one).holds for one in wrong)


def test_skipped_taps_are_zeros_where_that_is_right() -> None:
    assert padded(sc.conv1d(padding=1, border="skip"), "x").certificate.holds
    wrong = sc.operator("y[n,f,i] = sum[c,p](abs(x[n,c,i+p-1] - w[f,c,p]))", border="skip")
    assert padded(wrong, "x").certificate.holds is False


def moved(op: Operator) -> Iterator[Operator]:
    """Every read moved by one along each of its axes in turn."""
    for at, statement in enumerate(op.statements):
        for read in reads(statement.expr):
            for axis in range(len(read.index)):
                index = tuple(form + (k == axis) for k, form in enumerate(read.index))
                other = Read(read.tensor, index, read.border or Border("constant"))

                def rule(node: object, read: Read = read, other: Read = other) -> Read | None:
                    return other if node == read else None

                wrong = replace(statement, expr=transform(statement.expr, rule))
                yield replace(op, statements=(*op.statements[:at], wrong, *op.statements[at + 1 :]))


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.full)])
def test_one_moved_index_is_refuted(step: int) -> None:
    op = sc.conv1d(stride=2, padding=1)
    for made in (padded(op, "x"), split(op, "p", 2), split(op, "c", 4), split(op, "f", 3)):
        wrong = list(moved(made.after))
        assert len(wrong) >= 9
        assert {certify(op, one).holds for one in wrong[::step]} == {False}


def test_a_body_that_is_no_product_is_judged() -> None:
    op = sc.operator(DISTANCE)
    assert split(op, "c", 4).certificate.holds  # |0 - 0| adds nothing
    assert split(op, "f", 3).certificate.holds
    assert split(op, "p", 2).certificate.holds is False  # |x - 0| does
    assert padded(op, "x").certificate.holds


@pytest.mark.parametrize(
    ("op", "rule", "arguments", "shapes"),
    [
        (sc.conv1d(stride=2, padding=1), split, ("p", 2), {"x": (2, 3, 8), "w": (2, 3, 3)}),
        (sc.conv2d(padding=(1, 2)), padded, ("x",), {"x": (2, 2, 3, 4), "w": (3, 2, 3, 2)}),
        (sc.conv2d(padding=(1, 0)), split, ("f", 2), {"x": (1, 2, 3, 4), "w": (3, 2, 3, 2)}),
        (sc.conv1d(padding=1), split, ("i", 3), {"x": (2, 2, 7), "w": (3, 2, 2)}),
    ],
)
def test_packed_operators_and_their_gradients_run_exactly(
    op: Operator, rule: Callable[..., Any], arguments: tuple[Any, ...], shapes: dict[str, tuple[int, ...]],
    lowered: Callable[..., Any], interpreted: Callable[..., list[Any]], drawn: Callable[..., dict[str, Array]],
    wanted: Callable[..., list[Any]],
) -> None:  # fmt: skip
    after = rule(op, *arguments).after
    arrays = drawn(op, shapes, 4)
    for wrt in ("", "x", "w"):
        assert interpreted(lowered(after, wrt), arrays) == wanted(op, wrt, arrays)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: padded(sc.conv1d(), "b"), "does not read b; it reads w, x"),
        (lambda: split(sc.conv1d(), "z", 2), "z is no loop of its last sum; there are n, f, i, c, p"),
        (lambda: split(sc.conv1d(), "c", 0), "blocks of 0; say 1 or more"),
        (lambda: split(sc.conv1d(bias=True), "c", 2), "not one sum over one domain"),
        (lambda: split(side(sc.conv1d(stride=2), "x"), "c", 2), "split them by residue classes first"),
    ],
)
def test_requests_that_make_no_sense_are_refused_in_words(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        make()
