"""Kernels that lose NaN or infinity on the way are rejected, and right ones are not."""

from __future__ import annotations

from functools import reduce
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.verify.judge import judge
from symconv.verify.reference import evaluate, gradients

Array = np.ndarray[Any, Any]
POOL = sc.operator("y[n,i] = max[p](x[n,i+p])", extents={"p": 3})


class Reference:
    """The definition itself, as a kernel; ``before`` and ``after`` make a mutant of it."""

    def __init__(self, op, before=lambda x: x, after=lambda y: y, back=lambda g: g) -> None:
        self.op, self.before, self.after, self.back = op, before, after, back

    def forward(self, *arrays: Array) -> Array:
        given = dict(zip(self.op.tensors, map(self.before, arrays), strict=True))
        return self.after(evaluate(self.op, given)).astype(arrays[0].dtype)

    def backward(self, gy: Array, *arrays: Array) -> object:
        found = gradients(self.op, dict(zip(self.op.tensors, arrays, strict=True)), gy)
        return SimpleNamespace(**{name: self.back(g).astype(gy.dtype) for name, g in found.items()})


class LastCompares(Reference):
    """``a if a > b else b``: what a NaN does depends on where it stands."""

    def forward(self, x: Array) -> Array:
        taps = [x[:, p : p + x.shape[1] - 2] for p in range(3)]
        with np.errstate(all="ignore"):
            return reduce(lambda a, b: np.where(a > b, a, b), taps).astype(x.dtype)


def row(op, kernel) -> Any:
    (found,) = [check for check in judge(op, kernel, "float64", count=8).checks if check.name == "NaN and infinities"]
    return found


def test_the_definition_passes() -> None:
    for op in (POOL, sc.conv1d(padding=1), sc.operator("y[n,i] = where(x[n,i] > 0, x[n,i]*w[i], relu(w[i]))")):
        assert row(op, Reference(op)).passed
        assert row(op, Reference(op)).cases > 20


@pytest.mark.parametrize(
    "mutant",
    [
        LastCompares(POOL),
        Reference(POOL, before=lambda x: np.where(np.isnan(x), 0, x)),
        Reference(POOL, after=lambda y: np.where(np.isinf(y), np.finfo(float).max, y)),
        Reference(POOL, back=lambda g: np.where(np.isnan(g), 0, g)[..., ::-1]),
    ],
)
def test_what_loses_them_is_rejected(mutant) -> None:
    found = row(POOL, mutant)
    assert not found.passed
    assert found.failure is not None


def test_a_gradient_on_another_tap_is_rejected() -> None:
    class Elsewhere(Reference):
        def backward(self, gy: Array, x: Array) -> object:
            return super().backward(gy, np.where(np.isnan(x), -1e9, x))

    clean = judge(POOL, Elsewhere(POOL), "float64", count=8)
    assert [check.name for check in clean.checks if not check.passed] == ["NaN and infinities"]


@pytest.mark.parametrize(
    ("text", "why"),
    [("exp(x[n,i])", "stated"), ("x[n,i]/w[n,i]", "stated"), ("log(sum[p](exp(x[n,p]*i)))", "stated")],
)
def test_where_nothing_is_stated_nothing_is_judged(text, why) -> None:
    op = sc.operator(f"y[n,i] = {text}", extents={"i": 3} if "p" in text[3:] else None)
    found = row(op, Reference(op))
    assert found.passed
    assert why in found.detail
    assert not found.cases


def test_a_weight_beside_a_zero_border_is_left_alone() -> None:
    op = sc.conv1d(padding=1)
    found = row(op, Reference(op))
    assert found.failure is None
    w_is_spoiled = np.isnan(Reference(op).forward(np.ones((1, 1, 3)), np.array([[[np.nan, 1.0, 1.0]]]))).all()
    assert w_is_spoiled, "the definition has 0·NaN at the border, which kernels do not compute"


def test_powers_and_flat_functions_around_sums_are_no_false_alarm() -> None:
    ops = [
        sc.kervolution1d(power=3, stride=2, padding=1),
        sc.kervolution1d(power=2, stride=2),
        sc.conv_bias_act1d("relu", stride=2, padding=1),
        sc.conv_bias_act1d("hardtanh", stride=2),
        sc.operator("y[n,i] = sum[p](x[n,i+p-1]*w[p])*v[i]"),
    ]
    for op in ops:
        kernel = sc.build(op, dtype="float64")
        for seed in range(3):
            verdict = judge(op, kernel, "float64", seed=seed, count=8)
            assert verdict, f"{op}: {verdict}"
    assert _cases(ops[0]) == 0
    assert all(_cases(op) for op in ops[1:4])


def _cases(op: Any) -> int:
    return int(row(op, Reference(op)).cases)
