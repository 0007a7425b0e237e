"""Every shipped operator and many formulas through compiled kernels, judged by the oracles; second order and JVP."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.build.module import load
from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.derive.tangent import tangent
from symconv.gather.gather import gather
from symconv.loops.interpret import interpret
from symconv.loops.presets import masked
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.verify.geometry import geometries
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


QUICK = [
    sc.adder1d(stride=2, padding=((2, 1),)),
    sc.adder1d(padding=1, border="skip"),
    sc.squared_distance1d(stride=3, padding=((1, 2),), border="reflect"),
    sc.max_plus1d(padding=1, dilation=2, border="circular"),
    sc.avg_pool1d(3, 2, padding=1, border="replicate"),
    sc.kervolution1d(2, 0.5, padding=1, border=-1.5),
    sc.conv_transpose2d((2, 3), ((1, 0), (0, 1)), (1, 2), (1, 2), groups=2),
    sc.max_pool2d((3, 2), (2, 1), padding=((1, 1), (0, 1))),
    sc.locally_connected1d(stride=2, padding=1),
    sc.adder1d(stride=2, padding=1, groups=2, surrogate=ADDERNET),
    sc.operator("y[n,f,i] = sum[c,p](sign(x[n,c,i+p]) * w[f,c,p])", surrogate={"sign": "where(abs(u) <= 1, 1, 0)"}),
    sc.operator("y[n,f,i] = sum[c](max[p](x[n,c,2*i+p] + w[f,c,p]))"),
]
WIDE = [
    sc.conv2d(stride=(2, 1), padding=((1, 0), (2, 1)), dilation=(1, 2), border="circular", bias=True),
    sc.conv3d(stride=(2, 1, 2), padding=1),
    sc.conv_transpose1d(1, 1, bias=True),
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
    sc.max_pool3d((2, 1, 3), layout="NHWC"),
    sc.avg_pool2d((3, 2), (2, 1), padding=1, border="skip"),
    sc.locally_connected1d(stride=2, padding=1, bias=True),
    sc.locally_connected2d(stride=(2, 1), padding=(0, 1), border="reflect"),
    sc.dynamic_filter2d(padding=1, stride=(1, 2)),
    sc.kervolution2d(3, 1, padding=1, stride=2),
    sc.conv_bias_act2d("relu", stride=2, padding=1, border="skip"),
    sc.conv_bias_act1d("gelu", padding=1, groups=2),
    sc.operator("y[n,f,i] = max[c,p](x[n,c,i+p-1] + w[f,c,p])", border="skip", kinks={"max": "share"}),
    sc.operator("y[n,i] = x[n,i]*x[n,i+1] + relu(x[n,i+2])*a", params={"a": 0.5}, kinks={"relu": "half"}),
    sc.operator("y[n,f,i] = sum[c,p](where(x[n,c,i+p] > w[f,c,p], x[n,c,i+p]*v[p], abs(w[f,c,p])))"),
    sc.operator("y[n,f] = b[f] * sqrt(1 + sum[c](x[n,c]*x[n,c]*w[f,c]*w[f,c]))"),
]


def bordered(border: str | float) -> list[Operator]:
    return [
        sc.adder1d(stride=2, padding=((2, 1),), border=border),
        sc.max_plus1d(padding=1, dilation=2, border=border),
        sc.avg_pool1d(3, 2, padding=1, border=border),
        sc.squared_distance1d(stride=3, padding=((1, 2),), border=border),
        sc.kervolution1d(2, 0.5, padding=1, border=border),
    ]


def derived(ops: list[Operator]) -> list[Operator]:
    """Gradients and directional derivatives as operators: judged like any other, their gradients are second order."""
    made = [sc.derive(op, name).operator for op in ops for name in op.tensors[:2]]
    return [*made, sc.jvp(ops[0], ops[0].tensors).operator]


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
    units = tuple(pipeline.unit(op, OPTIONS, f"u{at}").direct for at, op in enumerate(ops))
    module = load(pipeline.build_text(pipeline.generate(units, OPTIONS).text, OPTIONS))
    return [Unit(module, f"u{at}", op) for at, op in enumerate(ops)]


def failures(ops: list[Operator], count: int) -> str:
    verdicts = [judge(unit.operator, unit, count=count) for unit in compiled(ops)]
    assert all(verdict.cases > 20 for verdict in verdicts)
    return "\n".join(str(verdict) for verdict in verdicts if not verdict)


def test_compiled_kernels_are_right() -> None:
    assert not failures([*QUICK, *derived([sc.squared_distance1d(padding=1, stride=2)])], 5)


@pytest.mark.full
@pytest.mark.parametrize("border", BORDERS)
def test_every_border_is_right(border) -> None:
    assert not failures(bordered(border), 8)


@pytest.mark.full
@pytest.mark.parametrize("part", range(5))
def test_every_shipped_operator_is_right(part) -> None:
    assert not failures(WIDE[5 * part : 5 * part + 5], 8)


@pytest.mark.full
@pytest.mark.parametrize(
    "op",
    [
        sc.conv1d(stride=2, padding=1, bias=True),
        sc.kervolution1d(3, 0.5, padding=1),
        sc.max_plus1d(padding=1),
        sc.conv_bias_act1d("tanh", stride=2, padding=1),
        sc.conv_bias_act1d("gelu", padding=1),
        sc.conv_bias_act1d("erf", padding=1),
        sc.adder1d(padding=1, surrogate=ADDERNET),
        sc.conv_transpose1d(2, 1, 1),
    ],
    ids=str,
)
def test_gradients_and_their_gradients_are_right(op) -> None:
    assert not failures(derived([op]), 6)


ORDERS = [*QUICK, *(op for border in BORDERS for op in bordered(border)), *WIDE]
SAMPLE = [QUICK[0], QUICK[2], QUICK[3], QUICK[5], QUICK[6], QUICK[9], QUICK[11], WIDE[20]]


def run(op: Operator, arrays: Mapping[str, Array]) -> Array:
    """The interpreted kernel of an operator in relation form."""
    kernel = masked(gather(op), "k", None)
    inputs = {t.name: (arrays[t.name].shape, arrays[t.name].ravel().tolist()) for t in op.inputs}
    return np.array([float(value) for value in interpret(kernel, inputs)])


def draw(op: Operator, seed: int) -> dict[str, Array]:
    """Small integers, cotangents and tangents included: ties of max and zeros of |x| occur."""
    rng = np.random.default_rng(seed)
    shapes = dict(geometries(op, 2, seed)[1])
    shapes |= {f"t{name}": shape for name, shape in shapes.items()} | {f"gg{n}": s for n, s in shapes.items()}
    shapes["gy"] = op.output_shape(**{name: shapes[name] for name in op.tensors})
    return {name: rng.integers(-3, 4, shape).astype(np.float64) for name, shape in shapes.items()}


def close(got: Array, want: Array) -> None:
    np.testing.assert_allclose(np.ravel(got), np.ravel(want), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("op", [*SAMPLE, *(pytest.param(op, marks=pytest.mark.full) for op in ORDERS)], ids=str)
def test_both_orders_and_both_modes_agree_with_brute_force(op) -> None:
    arrays, resolved = draw(op, 1), resolve_borders(op)
    inputs = {name: arrays[name] for name in op.tensors}
    close(run(resolved, arrays), evaluate(op, inputs))
    wanted = gradients(op, inputs, arrays["gy"])
    for name in op.tensors:
        gradient = adjoint(resolved, name)
        given = {tensor: arrays[tensor] for tensor in gradient.tensors}
        close(evaluate(gradient, given), wanted[name])
        close(run(gradient, arrays), wanted[name])
        for other, want in gradients(gradient, given, arrays[f"gg{name}"]).items():
            close(run(adjoint(gradient, other), arrays), want)
    forward = run(tangent(resolved, op.tensors), arrays)
    reverse = sum(np.sum(wanted[name] * arrays[f"t{name}"]) for name in op.tensors)
    assert np.sum(forward * arrays["gy"].ravel()) == pytest.approx(reverse, rel=1e-11, abs=1e-11)


def test_zero_outside_and_no_tap_outside_are_different_operators() -> None:
    formula = "y[i] = -sum[p](abs(x[i+p-1] - w[p]))"
    x, w, gy = np.array([5.0, 1.0]), np.array([2.0, 7.0, -3.0]), np.array([1.0, 10.0])

    def brute(outside: bool) -> Array:
        total = np.zeros(3)
        for i in range(2):
            for p in range(3):
                at = i + p - 1
                inside = 0 <= at < 2
                if inside or outside:
                    total[p] += gy[i] * np.sign((x[at] if inside else 0.0) - w[p])
        return total

    for border, outside in (("zero", True), ("skip", False)):
        op = sc.operator(formula, border=border)
        arrays = {"x": x, "w": w, "gy": gy}
        np.testing.assert_array_equal(run(adjoint(resolve_borders(op), "w"), arrays), brute(outside))
    assert brute(True).tolist() != brute(False).tolist()
