"""Printed functions against brute force: every entry with small integers compared by ==, both orders, both libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.notation.operator import Operator
from symconv.readable.code import code
from symconv.verify.geometry import geometries
from symconv.verify.judge import judge
from symconv.verify.reference import gradients
from symconv.verify.verdict import Verdict

GATED = "y[n,f,i] = tanh(sum[c,p](x[n,c,i+p-1]*w[f,c,p]))*sigmoid(sum[c,p](x[n,c,i+p-1]*v[f,c,p]))"
OPERATORS: dict[str, Callable[[], Operator]] = {
    "plain": sc.conv1d,
    "everything": lambda: sc.conv2d(stride=(2, 1), padding=((1, 0), (2, 1)), dilation=(1, 2), groups=2, bias=True),
    "gaps": lambda: sc.conv1d(stride=3, dilation=2, padding=2, bias=True),
    "same": lambda: sc.conv2d(padding="same", stride=(2, 3)),
    "channels last, flipped": lambda: sc.conv2d(flip=True, padding=1, layout="NHWC"),
    "reflect": lambda: sc.conv2d(padding=(1, 2), border="reflect"),
    "reflect across": lambda: sc.conv2d(padding=(0, 1), border="reflect"),
    "replicate": lambda: sc.conv1d(padding=2, border="replicate", stride=2),
    "circular": lambda: sc.conv2d(padding=(1, 2), border="circular"),
    "a number outside": lambda: sc.conv1d(padding=2, border=3),
    "skip": lambda: sc.conv1d(padding=1, border="skip"),
    "volume": lambda: sc.conv3d(stride=(1, 2, 1), padding=(1, 0, 1)),
    "transposed": lambda: sc.conv_transpose2d(
        stride=(2, 3), padding=(1, 0), output_padding=(1, 0), dilation=(1, 2), groups=2, bias=True
    ),
    "max pooling": lambda: sc.max_pool2d((2, 3), stride=(2, 1), padding=(1, 0)),
    "mean pooling": lambda: sc.avg_pool2d((3, 2), stride=2, padding=1),
    "adder": lambda: sc.adder2d(padding=(1, 0)),
    "squared distance": lambda: sc.squared_distance1d(padding=1),
    "max-plus": lambda: sc.max_plus1d(padding=1),
    "no shared weights": lambda: sc.locally_connected1d(stride=2, padding=1),
    "a filter for each cell": lambda: sc.dynamic_filter1d(padding=1),
    "activation": lambda: sc.conv_bias_act1d(padding=1),
    "gated": lambda: sc.operator(GATED),
    "a matrix product": lambda: sc.operator("y[n,i,j] = sum[k](a[n,i,k]*b[k,j])"),
    "transposed axes": lambda: sc.operator("y[i,j] = x[j,i]"),
    "a diagonal": lambda: sc.operator("y[i] = x[i,i]*w[i]"),
    "upsampling": lambda: sc.operator("y[n,c,i] = x[n,c,(i+0)//2]", extents={"i": "2*L"}),
    "log of a sum": lambda: sc.operator("y[n,c,i] = log(sum[p](exp(x[n,c,i+p-1])))", extents={"p": 3}),
    "several terms": lambda: sc.operator("y[n,f,i] = sum[c,p](relu(x[n,c,i+p-1])*w[f,c,p]) + b[f] - 2*x[n,f,i]"),
}
QUICK = ("same", "channels last, flipped", "reflect", "transposed", "max pooling", "adder", "gated", "a diagonal")


def numbers_pass(verdict: Verdict) -> bool:
    """Whether every check but that of NaN and infinities holds: padded zeros make NaN of infinities."""
    judged = [check for check in verdict.checks if check.name != "NaN and infinities"]
    assert sum(check.cases for check in judged) > 50
    return all(check.passed for check in judged)


@pytest.mark.parametrize("name", QUICK)
def test_printed_functions_are_right(name: str, printed: Callable[..., Any]) -> None:
    op = OPERATORS[name]()
    verdict = judge(op, printed(op), count=2)
    assert numbers_pass(verdict), str(verdict)


@pytest.mark.parametrize("name", ["reflect", "reflect across", "max pooling"])
def test_printed_torch_functions_are_right(name: str, printed: Callable[..., Any]) -> None:
    pytest.importorskip("torch")
    op = OPERATORS[name]()
    verdict = judge(op, printed(op, "torch"), count=2)
    assert numbers_pass(verdict), str(verdict)


@pytest.mark.full
@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("name", OPERATORS)
def test_printed_functions_are_right_at_more_sizes(name: str, library: str, printed: Callable[..., Any]) -> None:
    op = OPERATORS[name]()
    verdict = judge(op, printed(op, library), count=12)
    assert numbers_pass(verdict), str(verdict)


@pytest.mark.full
@pytest.mark.parametrize("name", sc.ops())
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_every_shipped_operator_is_printed_right(name: str, library: str, printed: Callable[..., Any]) -> None:
    make = getattr(sc, name)
    op = make(2) if "pool" in name else make()
    verdict = judge(op, printed(op, library), count=6)
    assert numbers_pass(verdict), str(verdict)


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [("everything", "x", "w"), ("adder", "x", "gy"), ("reflect", "x", "w")],
)
def test_gradients_of_gradients_are_printed_right(name: str, first: str, second: str, run: Callable[..., Any]) -> None:
    once = pipeline.derive(OPERATORS[name](), first)
    twice = pipeline.derive(once.operator, second)
    place = dict(geometries(once.operator, 1, 3)[0])
    rng = np.random.default_rng(5)
    arrays = {t: rng.integers(-3, 4, shape).astype(float) for t, shape in place.items()}
    gg = rng.integers(-3, 4, once.operator.output_shape(**place)).astype(float)
    want = gradients(once.operator, arrays, gg, (second,))[second]
    got = run(code(twice), "numpy", gg, *arrays.values())
    assert np.array_equal(got, want)
