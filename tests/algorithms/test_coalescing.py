"""Fewer loops: alone taps put in, axes merged; exact on the same arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.algorithms.coalescing import coalesced, pointwise
from symconv.algorithms.rewrite import certify
from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.errors import SpecError
from symconv.notation.operator import Operator


@pytest.mark.parametrize(
    ("op", "taps"),
    [
        (sc.conv1d(padding=1), "p"),
        (sc.conv2d(stride=2), "pq"),
        (sc.conv3d(dilation=2, groups=2), "pqr"),
        (sc.conv2d(padding=1), "q"),
    ],
)
def test_alone_taps_are_put_in(op: Operator, taps: str) -> None:
    made = pointwise(op, *taps)
    assert made.certificate.holds
    assert certify(op, replace(made.after, assumptions=op.assumptions)).holds is False
    gradient = adjoint(resolve_borders(op), "x")
    if op.windows[0].stride == 1:
        assert pointwise(gradient, *taps).certificate.holds


@pytest.mark.parametrize("wrt", ["", "x", "w"])
def test_merged_axes_compute_the_same_on_the_same_arrays(
    wrt: str,
    lowered: Callable[..., Any],
    interpreted: Callable[..., list[Any]],
    drawn: Callable[..., Any],
    wanted: Callable[..., list[Any]],
) -> None:
    op = sc.conv3d()
    made = coalesced(pointwise(op, "p", "q", "r").after, "i", "j", "k")
    assert made.certificate.holds
    arrays = drawn(op, {"x": (2, 3, 2, 3, 4), "w": (4, 3, 1, 1, 1)}, 1)
    flat = {**arrays, "x": arrays["x"].reshape(2, 3, 24), "gy": arrays["gy"].reshape(2, 4, 24)}
    assert interpreted(lowered(made.after, wrt), flat) == wanted(op, wrt, arrays)


def test_channels_last() -> None:
    made = coalesced(pointwise(sc.conv2d(layout="NHWC"), "p", "q").after, "i", "j")
    assert made.certificate.holds
    assert made.after.output_shape(x=(2, 20, 3), w=(1, 1, 3, 4)) == (2, 20, 4)


def test_elementwise_axes_need_no_sum() -> None:
    op = sc.operator("y[n,i,j] = sum[c](x[n,c,i,j] * b[c])")
    assert coalesced(op, "i", "j").certificate.holds
    x, b = np.arange(24.0).reshape(1, 2, 3, 4), np.array([1.0, 10.0])
    assert op.output_shape(x=x.shape, b=b.shape) == (1, 3, 4)
    assert coalesced(op, "i", "j").after.output_shape(x=(1, 2, 12), b=(2,)) == (1, 12)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: pointwise(sc.conv1d(), "i"), "i is no summation index; there are c, p"),
        (lambda: pointwise(sc.conv1d()), "nothing is no summation index"),
        (lambda: coalesced(sc.conv2d(), "i", "j"), "does not have i, j side by side and alone"),
        (lambda: coalesced(sc.conv2d(), "i"), "two or more of its loops"),
        (lambda: coalesced(pointwise(sc.conv2d(), "p", "q").after, "j", "i"), "does not have j, i side by side"),
        (lambda: coalesced(sc.operator("y[i,j] = sum[c](x[c,i,j] * b[c,i])"), "i", "j"), "side by side and alone"),
    ],
)
def test_what_cannot_be_merged_is_refused_in_words(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        make()
