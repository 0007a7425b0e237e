"""Every shipped operator and many formulas through compiled kernels, judged by the oracles; second order and JVP too."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.build.module import load
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.verify.judge import judge
from symconv.verify.reference import evaluate, gradients

Array = np.ndarray[Any, Any]

BORDERS = ("zero", "skip", "reflect", "replicate", "circular", -1.5)
ADDERNET = {"w": "x - w", "x": "max(min(w - x, 1), -1)"}
OPTIONS = Options(dtype="float64", threads=2)


def _bordered(border: str | float) -> list[Operator]:
    return [
        sc.adder1d(stride=2, padding=((2, 1),), border=border),
        sc.max_plus1d(padding=1, dilation=2, border=border),
        sc.avg_pool1d(3, 2, padding=1, border=border),
        sc.squared_distance1d(stride=3, padding=((1, 2),), border=border),
        sc.kervolution1d(2, 0.5, padding=1, border=border),
    ]


FIRST = [op for border in BORDERS for op in _bordered(border)] + [
    sc.conv2d(stride=(2, 1), padding=((1, 0), (2, 1)), dilation=(1, 2), border="circular", bias=True),
    sc.conv3d(stride=(2, 1, 2), padding=1),
    sc.conv_transpose1d(1, 1),
    sc.conv_transpose2d((2, 3), ((1, 0), (0, 1)), (1, 2), (1, 2), groups=2, bias=True),
    sc.conv_transpose2d(2, 1, 1, 3, layout="NHWC"),
    sc.conv_transpose3d((2, 1, 3), (1, 0, 1), (1, 0, 2)),
    sc.adder2d(stride=(2, 1), padding=1),
    sc.adder2d(padding=((1, 0), (0, 2)), border="skip", layout="NHWC"),
    sc.adder2d(padding=1, groups=2, surrogate=ADDERNET),
    sc.adder1d(stride=2, padding=1, border="skip", surrogate=ADDERNET),
    sc.adder1d(padding=1, surrogate={"abs": "tanh(4*u)"}),
    sc.squared_distance2d(stride=2, padding=(1, 0)),
    sc.max_plus2d(stride=(1, 2), padding=1),
    sc.min_plus2d(padding=(0, 1), groups=2),
    sc.max_pool2d((3, 2), (2, 1), padding=((1, 1), (0, 1))),
    sc.max_pool3d((2, 1, 3), layout="NHWC"),
    sc.avg_pool2d((3, 2), (2, 1), padding=1, border="skip"),
    sc.locally_connected1d(stride=2, padding=1, bias=True),
    sc.locally_connected2d(stride=(2, 1), padding=(0, 1), border="reflect"),
    sc.dynamic_filter2d(padding=1, stride=(1, 2)),
    sc.kervolution2d(3, 1, padding=1, stride=2),
    sc.conv_bias_act2d("relu", stride=2, padding=1, border="skip"),
    sc.conv_bias_act1d("gelu", padding=1, groups=2),
    sc.operator("y[n,f,i] = sum[c](max[p](x[n,c,2*i+p] + w[f,c,p]))"),
    sc.operator("y[n,f,i] = max[c,p](x[n,c,i+p-1] + w[f,c,p])", border="skip", kinks={"max": "share"}),
    sc.operator("y[n,i] = x[n,i]*x[n,i+1] + relu(x[n,i+2])*a", params={"a": 0.5}, kinks={"relu": "half"}),
    sc.operator("y[n,f,i] = sum[c,p](where(x[n,c,i+p] > w[f,c,p], x[n,c,i+p]*v[p], abs(w[f,c,p])))"),
    sc.operator("y[n,f,i] = sum[c,p](sign(x[n,c,i+p]) * w[f,c,p])", surrogate={"sign": "where(abs(u) <= 1, 1, 0)"}),
    sc.operator("y[n,f] = b[f] * sqrt(1 + sum[c](x[n,c]*x[n,c]*w[f,c]*w[f,c]))"),
]


def _second() -> list[Operator]:
    """Gradients and directional derivatives as operators: judged like any other, their gradients are second order."""
    ops = [
        sc.conv1d(stride=2, padding=1, bias=True),
        sc.squared_distance1d(padding=1, stride=2),
        sc.kervolution1d(3, 0.5, padding=1),
        sc.max_plus1d(padding=1),
        sc.conv_bias_act1d("tanh", stride=2, padding=1),
        sc.adder1d(padding=1, surrogate=ADDERNET),
        sc.conv_transpose1d(2, 1, 1),
    ]
    made = [sc.derive(op, name).operator for op in ops for name in op.tensors[:2]]
    return [*made, *(sc.jvp(op, op.tensors).operator for op in ops[1:4])]


@dataclass(frozen=True)
class Unit:
    """One operator of the module that holds them all."""

    module: Any
    name: str
    operator: Operator

    def forward(self, *arrays: Array) -> Array:
        return getattr(self.module, f"{self.name}_forward")(1, arrays, None, 2)[0]

    def backward(self, gy: Array, *arrays: Array) -> Any:
        names = pipeline.gradients(self.operator)
        made = getattr(self.module, f"{self.name}_backward")((1 << len(names)) - 1, (gy, *arrays), None, 2)
        return namedtuple("Gradients", names)(*made)


def compiled(ops: list[Operator]) -> list[Unit]:
    units = tuple(pipeline.unit(op, OPTIONS, f"u{at}") for at, op in enumerate(ops))
    module = load(pipeline.build_text(pipeline.generate(units, OPTIONS).text, OPTIONS))
    return [Unit(module, f"u{at}", op) for at, op in enumerate(ops)]


@pytest.fixture(scope="module")
def first() -> list[Unit]:
    return compiled(FIRST)


@pytest.fixture(scope="module")
def second() -> list[Unit]:
    return compiled(_second())


@pytest.mark.parametrize("at", range(len(FIRST)), ids=[op.name for op in FIRST])
def test_a_shipped_operator_is_right(first, at) -> None:
    unit = first[at]
    verdict = judge(unit.operator, unit, count=6)
    assert verdict, str(verdict)
    assert verdict.cases > 20


@pytest.mark.parametrize("at", range(17))
def test_a_gradient_and_its_gradients_are_right(second, at) -> None:
    unit = second[at]
    verdict = judge(unit.operator, unit, count=4)
    assert verdict, str(verdict)
