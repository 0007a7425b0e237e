"""Forward kernels without a sum: functions that are series stand in lanes, what a compiler puts in lanes is left to it."""

from __future__ import annotations

from collections.abc import Callable
from math import erf

import numpy as np
import pytest

import symconv as sc
from symconv.loops.ir import StoreLanes
from symconv.loops.presets import direct
from symconv.loops.traverse import walk
from symconv.pipeline import forward
from symconv.validate.validation import validate

Array = np.ndarray

MAPS: dict[str, tuple[Callable[[Array], Array], tuple[int, ...]]] = {
    "y[n,i] = x[n,i]*(1 + erf(x[n,i]/sqrt(2)))/2": (lambda x: x * (1 + np.vectorize(erf)(x / np.sqrt(2))) / 2, (7, 37)),
    "y[n,c,i,j] = tanh(x[n,c,i,j])": (np.tanh, (2, 3, 5, 19)),
    "y[i] = exp(x[i])*sigmoid(x[i])": (lambda x: np.exp(x) / (1 + np.exp(-x)), (33,)),
    "y[n,i] = tanh(x[n,i] - x[n,i+1])": (lambda x: np.tanh(x[:, :-1] - x[:, 1:]), (3, 20)),
    "y[n,i] = softplus(x[n,2*i])": (lambda x: np.log1p(np.exp(x[:, ::2])), (3, 21)),
    "y[n,i] = where(x[n,i] > 0, x[n,i], expm1(x[n,i]))": (lambda x: np.where(x > 0, x, np.expm1(x)), (4, 35)),
}


@pytest.mark.parametrize(("dtype", "within"), [("float32", 1e-6), ("float64", 1e-14)])
@pytest.mark.parametrize("formula", MAPS)
def test_they_are_what_they_say(formula: str, dtype: str, within: float) -> None:
    wanted, shape = MAPS[formula]
    x = np.random.default_rng(1).standard_normal(shape).astype(dtype)
    y = sc.build(sc.operator(formula), dtype=dtype).forward(x)
    want = wanted(x.astype(np.float64))
    assert y.shape == want.shape
    assert np.abs(y - want).max() <= within * max(1, np.abs(want).max())


@pytest.mark.parametrize("formula", MAPS)
def test_they_run_in_lanes_and_are_proved(formula: str) -> None:
    derivation = forward(sc.operator(formula))
    kernel = direct(derivation.gather, "y", None, 4).kernel
    assert any(isinstance(node, StoreLanes) for nest in kernel.nests for node in walk(nest))
    assert len({nest.comment for nest in kernel.nests}) == 1, "one pass over the cells"
    assert validate(derivation, kernel).holds


@pytest.mark.parametrize(
    "formula",
    ["y[n,i] = relu(x[n,i])*2 + 1", "y[i,j] = sqrt(x[j,i]**2 + 1)", "y[n,i] = exp(i)*x[n,i]", "y[i] = x[i]/3"],
)
def test_others_stay_as_they_are(formula: str) -> None:
    op = sc.operator(formula)
    kernel = direct(forward(op).gather, "y", None, 4).kernel
    assert not any(isinstance(node, StoreLanes) for nest in kernel.nests for node in walk(nest))
    assert sc.verify(op)


def test_not_a_number_and_infinities_stay() -> None:
    x = np.array([[np.nan, np.inf, -np.inf, 0.0, -0.0] * 9], np.float32)
    y = sc.build(sc.operator("y[n,i] = tanh(x[n,i])")).forward(x)
    assert np.array_equal(y, np.tanh(x), equal_nan=True)
