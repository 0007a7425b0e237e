"""Laws of exponentials, logarithms and erf in claims, and positions in windows of two axes; all against plain loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

import symconv as sc


def sigmoid(a: float) -> float:
    return 1 / (1 + math.exp(-a))


ELEMENTS: tuple[tuple[str, Callable[[float], float], str, bool], ...] = (
    ("sigmoid(x[n,i])", sigmoid, "y = 1 - sigmoid(-x)", True),
    ("sigmoid(x[n,i])", sigmoid, "y = sigmoid(-x)", False),
    ("sigmoid(x[n,i])", sigmoid, "y = exp(x)/(1 + exp(x))", True),
    ("sigmoid(x[n,i])", sigmoid, "y = (1 + tanh(x/2))/2", True),
    ("sigmoid(x[n,i])", sigmoid, "y = (1 + tanh(x))/2", False),
    ("sigmoid(x[n,i])", sigmoid, "gx = gy*sigmoid(x)*sigmoid(-x)", True),
    ("sigmoid(x[n,i])", sigmoid, "gx = gy*sigmoid(x)*sigmoid(x)", False),
    ("tanh(x[n,i])", math.tanh, "y = 2*sigmoid(2*x) - 1", True),
    ("tanh(x[n,i])", math.tanh, "y = 2*sigmoid(x) - 1", False),
    ("tanh(x[n,i])", math.tanh, "gx = 4*gy*sigmoid(2*x)*sigmoid(-2*x)", True),
    ("silu(x[n,i])", lambda a: a * sigmoid(a), "gx = gy*sigmoid(x)*(1 + x*sigmoid(-x))", True),
    ("silu(x[n,i])", lambda a: a * sigmoid(a), "gx = gy*sigmoid(x)*(1 + x*sigmoid(x))", False),
    ("softplus(x[n,i])", lambda a: math.log1p(math.exp(a)), "y = x + softplus(-x)", True),
    ("softplus(x[n,i])", lambda a: math.log1p(math.exp(a)), "gx = gy*(1 - exp(-y))", True),
    ("softplus(x[n,i])", lambda a: math.log1p(math.exp(a)), "gx = gy*(1 - exp(y))", False),
    ("log(1 + exp(x[n,i]))", lambda a: math.log1p(math.exp(a)), "gx = gy*sigmoid(x)", True),
    ("gelu(x[n,i])", lambda a: a * (1 + math.erf(a / math.sqrt(2))) / 2, "y = x*(1 + erf(x/sqrt(2)))/2", True),
    ("gelu(x[n,i])", lambda a: a * (1 + math.erf(a / math.sqrt(2))) / 2, "y = x*(1 + erf(x/2))/2", False),
)

MASKED = "exp(where(x[n,i] > 0, x[n,i], -3))"


def masked(a: float) -> float:
    return math.exp(a if a > 0 else -3)


STEPS: tuple[tuple[str, Callable[[float], float], str, bool], ...] = (
    (MASKED, masked, "y = where(x > 0, exp(x), exp(-3))", True),
    (MASKED, masked, "y = where(x > 0, exp(x), exp(-2))", False),
    (MASKED, masked, "gx = gy*where(x > 0, exp(x), 0)", True),
    (MASKED, masked, "gx = gy*y*(x > 0)", True),
    ("exp(1000000000*x[n,i])/exp(999999999*x[n,i])", math.exp, "gx = gy*exp(x)", True),
)
"""Exponents with steps in them, and exponents that nobody multiplies out."""


def confirmed(proof: sc.Proof, value: Callable[[float], float]) -> bool:
    """Whether a counterexample of one element is what ``value``, or its difference quotient, says."""
    example = proof.counterexample
    assert example is not None
    arrays = {name: np.array(held, dtype=float) for name, held in example.arrays}
    position = int(np.ravel_multi_index(example.cell, dict(example.shapes)["x"]))
    x = arrays["x"][position]
    slope = (value(x + 1e-5) - value(x - 1e-5)) / 2e-5
    want = value(x) if example.side == "y" else arrays["gy"][position] * slope
    return math.isclose(float(example.want), want, rel_tol=1e-6) and abs(float(example.got - example.want)) > 1e-3


@pytest.mark.parametrize(("body", "value", "claim", "holds"), (*ELEMENTS, *STEPS))
def test_laws_of_one_element(body: str, value: Callable[[float], float], claim: str, holds: bool) -> None:
    proof = sc.prove(sc.operator(f"y[n,i] = {body}"), claim)
    assert proof.holds is holds, str(proof)
    assert holds or confirmed(proof, value)


SHARES = "s[n] = sum[d](exp(x[n,d]))\ny[n,d] = exp(x[n,d])/s[n]"
LARGEST = "max[e](x[n,e])"
WHOLE = (
    (SHARES, "y[n,d] = exp(x[n,d] - log(sum[e](exp(x[n,e]))))", True),
    (SHARES, "y[n,d] = exp(x[n,d] + log(sum[e](exp(x[n,e]))))", False),
    (SHARES, f"y[n,d] = exp(x[n,d] - {LARGEST} - log(sum[e](exp(x[n,e] - max[f](x[n,f])))))", True),
    (SHARES, f"y[n,d] = exp(x[n,d] - {LARGEST} - log(sum[e](exp(x[n,e]))))", False),
    ("y[n] = log(sum[d](exp(x[n,d])))", f"y[n] = {LARGEST} + log(sum[d](exp(x[n,d] - max[f](x[n,f]))))", True),
    ("y[n] = log(sum[d](exp(x[n,d])))", f"y[n] = {LARGEST} + log(sum[d](exp(x[n,d])))", False),
    ("y[n] = log(sum[d](exp(x[n,d])))", "gx[n,d] = gy[n]*exp(x[n,d] - y[n])", True),
    ("y[n] = log(sum[d](exp(x[n,d])))", "gx[n,d] = gy[n]*exp(x[n,d])", False),
)  # fmt: skip


@pytest.mark.parametrize(("formula", "claim", "holds"), WHOLE)
def test_laws_of_shared_sums(formula: str, claim: str, holds: bool) -> None:
    proof = sc.prove(sc.operator(formula), claim)
    assert proof.holds is holds, str(proof)
    if holds:
        return
    example = proof.counterexample
    rows = np.array(dict(example.arrays)["x"], dtype=float).reshape(dict(example.shapes)["x"])
    row = rows[example.cell[0]]
    total = sum(math.exp(a) for a in row)
    want = math.log(total) if formula.startswith("y") else math.exp(row[example.cell[-1]]) / total
    if example.side == "gx":
        want = dict(example.arrays)["gy"][example.cell[0]] * math.exp(row[example.cell[1]]) / total
    assert math.isclose(float(example.want), want, rel_tol=1e-6)
    assert abs(float(example.got - example.want)) > 1e-3


TAKEN = "gx[n,c,u,v] = sum[i,j,a<3,b<2: 3*i+a==u, 2*j+b==v](gy[n,c,i,j]*({} == {}[p<3,q<2](x[n,c,3*i+p,2*j+q])))"
MASK = "gx[n,c,u,v] = sum[i,j,a<3,b<2: {}*i+a==u, {}*j+b==v](gy[n,c,i,j]*(x[n,c,u,v] == max[p<3,q<2](x[n,c,{}*i+p,{}*j+q])))"
PLANES = (
    ((3, 2), TAKEN.format("a*2 + b", "argmax"), True),
    ((3, 2), TAKEN.format("a + 3*b", "argmax"), False),
    ((3, 2), TAKEN.format("a*2 + b", "argmin"), False),
    ((2, 1), MASK.format(2, 1, 2, 1), False),
)  # fmt: skip


@pytest.mark.parametrize(("stride", "claim", "holds"), PLANES)
def test_positions_in_windows_of_two_axes(stride: tuple[int, int], claim: str, holds: bool) -> None:
    proof = sc.prove(sc.max_pool2d((3, 2), stride), claim)
    assert proof.holds is holds, str(proof)
    if holds:
        return
    example = proof.counterexample
    shape = dict(example.shapes)["x"]
    x = np.array(dict(example.arrays)["x"]).reshape(shape)
    rows, columns = (shape[2] - 3) // stride[0] + 1, (shape[3] - 2) // stride[1] + 1
    gy = np.array(dict(example.arrays)["gy"]).reshape(*shape[:2], rows, columns)
    gx = np.zeros(shape, dtype=int)
    for n, c, i, j in np.ndindex(gy.shape):
        window = x[n, c, stride[0] * i : stride[0] * i + 3, stride[1] * j : stride[1] * j + 2].ravel().tolist()
        first = window.index(max(window))
        gx[n, c, stride[0] * i + first // 2, stride[1] * j + first % 2] += gy[n, c, i, j]
    assert example.want == Fraction(int(gx[example.cell]))
    assert example.got != example.want


def test_extremes_of_enclosed_numbers_are_computed() -> None:
    proof = sc.prove(sc.operator(SHARES), "y[n,d] = exp(x[n,d])/max[e](exp(x[n,e]))")
    assert proof.holds is False
    assert not proof.counterexample.exact


def test_an_undecided_answer_says_what_was_compared() -> None:
    proof = sc.prove(sc.operator("y[n,i] = relu(x[n,i])"), "y = (x + sqrt(x*x))/2")
    assert proof.holds is None
    assert "on integers both sides agree at" in proof.reason
    assert "up to x " in proof.reason


def test_masks_that_differ_at_one_number_are_refuted() -> None:
    proof = sc.prove(sc.operator("y[n,i] = where(abs(x[n,i])<2, x[n,i], 0)"), "gx = gy*(x < 2)*(x >= -2)")
    assert proof.holds is False
    example = proof.counterexample
    x = np.array(dict(example.arrays)["x"]).reshape(dict(example.shapes)["x"])
    assert x[example.cell] == -2
    assert example.want == 0
