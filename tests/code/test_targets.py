"""Losses of one-hot targets and probabilities: gradients that are right where each row sums to 1, and what is not."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pytest

import symconv as sc

PAIR = """
import numpy as np
def loss_forward(x, {t}):
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True)
    return {loss}, (p, {t})
def loss_backward(dl, cache):
    p, {t} = cache
    return {gradient}
"""
CROSS = "-np.sum({t} * np.log(p)) / len(x)"
CASES = {
    "cross entropy": ("t", CROSS, "dl * (p - t) / len(t)", True),
    "a mean of sums": ("y_true", "-np.mean(np.sum({t} * np.log(p), axis=1))", "dl * (p - y_true) / p.shape[0]", True),
    "divergence": ("target", "np.sum({t} * (np.log({t}) - np.log(p)))", "dl * (p - target)", True),
    "any rows": ("t", CROSS, "dl * (p * t.sum(axis=1, keepdims=True) - t) / len(t)", True),
    "not divided": ("t", CROSS, "dl * (p - t)", False),
    "sign": ("onehot", CROSS, "dl * (onehot - p) / len(p)", False),
    "probabilities alone": ("t", CROSS, "dl * p / len(p)", False),
    "weights need not": ("weight", CROSS, "dl * (p - weight) / len(p)", False),
}


def module_of(text: str) -> Any:
    module = types.ModuleType("case")
    exec(compile(text, "case", "exec"), module.__dict__)  # noqa: S102
    return module


def slopes(module: Any, x: Any, t: Any) -> bool:
    """Whether the gradient is what differences of the loss are."""
    loss, kept = module.loss_forward(x, t)
    got = module.loss_backward(1.0, kept)
    want = np.empty_like(x)
    for at in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[at] = 1e-6
        want[at] = (module.loss_forward(x + step, t)[0] - module.loss_forward(x - step, t)[0]) / 2e-6
    return bool(np.isfinite(loss) and np.allclose(got, want, rtol=1e-5, atol=1e-8))


@pytest.mark.parametrize("case", CASES)
def test_losses_are_decided_as_differences_say(case: str) -> None:
    name, loss, gradient, right = CASES[case]
    text = PAIR.format(t=name, loss=loss.format(t=name), gradient=gradient)
    proofs = sc.check(text, "loss", explain=False)
    rng, module = np.random.default_rng(0), module_of(text)
    x, rows = rng.normal(size=(3, 4)), rng.uniform(0.5, 1.0, size=(3, 4))
    summing = rows / rows.sum(axis=1, keepdims=True)
    everywhere, there = slopes(module, x, rows), slopes(module, x, summing)
    # Weights of classes are told by no name to sum to 1.
    assert there is (right or case == "weights need not")
    assert proofs.holds is right
    where = f"{name} sums to 1 along its last axis" if right and not everywhere else ""
    assert proofs["x"].where == where
    assert ("it is wrong elsewhere" in str(proofs)) is bool(where)


def test_an_edit_is_found_where_targets_sum_to_one() -> None:
    name, loss, gradient, _ = CASES["not divided"]
    proof = sc.check(PAIR.format(t=name, loss=loss.format(t=name), gradient=gradient), "loss")["x"]
    assert proof.holds is False
    assert proof.repair == "line 9: return dl * (p - t) / p.shape[0]"
    assert proof.cause == "the sum where the mean is right"
    assert proof.where == "t sums to 1 along its last axis"
    assert "\n  where t sums to 1 along its last axis\n" in str(proof)
    assert proof.counterexample is not None
    arrays = dict(proof.counterexample.arrays)
    rows = np.array(arrays["t"]).reshape(dict(proof.counterexample.shapes)["t"])
    assert (rows.sum(axis=1) == 1).all()


def test_targets_along_another_axis() -> None:
    text = PAIR.format(t="t", loss="-np.sum(t * np.log(p))", gradient="dl * (p - t)")
    proof = sc.check(text.replace("(x, t):", '(x, t):\n    """x: (N, C, L), t: (N, C, L)"""', 1), "loss")["x"]
    assert proof.holds is True
    assert proof.where == "t sums to 1 along axis 1"


def test_targets_whose_gradient_is_asked_for_are_any_numbers() -> None:
    text = PAIR.format(t="t", loss="-np.sum(t * np.log(p))", gradient="dl * (p - t), -dl * np.log(p)")
    proofs = sc.check(text, "loss", explain=False)
    assert {name: proof.holds for name, proof in proofs.items()} == {"x": False, "t": True}


def test_what_backward_calls_as_a_target_is_not_made_to_sum_to_one() -> None:
    """``y`` is exp(x), which forgets to be divided by its sum."""
    text = """
import numpy as np
def loss_forward(x, t):
    y = np.exp(x)
    p = y / y.sum(axis=1, keepdims=True)
    return -np.sum(t * np.log(p)) / len(x), (y, t)
def loss_backward(dl, y, t):
    return dl * ({taken} - t) / len(t)
"""
    right = sc.check(text.format(taken="y / y.sum(axis=1, keepdims=True)"), explain=False)["x"]
    assert (right.holds, right.where) == (True, "t sums to 1 along its last axis")
    assert sc.check(text.format(taken="y"), explain=False).holds is not True
