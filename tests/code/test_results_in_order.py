"""Which gradient a result is: behind a loss, beside names that say it, and of what a sum that is returned is."""

from __future__ import annotations

from typing import Any

import numpy as np
from quotients import right_when_run

import symconv as sc

CONTRASTIVE = """
import numpy as np
def contrastive_loss(a, b, y, margin=1.0):
    d2 = ((a - b) ** 2).sum(axis=1)
    d = np.sqrt(d2)
    hinge = np.maximum(0, margin - d)
    loss = (y * d2 + (1 - y) * hinge ** 2).mean()
    n = a.shape[0]
    da = (2 * y[:, None] * (a - b) - 2 * ((1 - y) * hinge / d)[:, None] * (a - b)) / n
    return loss, da, -da
"""
TIED = """
import numpy as np
def tied_forward(x, W, b, c):
    h = np.tanh(x @ W + b)
    return h @ W.T + c, (x, W, h)
def tied_backward(dy, cache):
    x, W, h = cache
    dz = (dy @ W) * (1 - h ** 2)
    dW = x.T @ dz + dy.T @ h
    return dz @ W.T, dW, dz.sum(0), dy.sum(0)
"""


def along(text: str, which: int) -> bool:
    """Whether quotients along a direction agree with the result behind the loss."""
    space: dict[str, Any] = {}
    exec(compile(text, "loss", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(1)
    given = [rng.normal(size=(3, 4)) * 0.3, rng.normal(size=(3, 4)) * 0.3, np.array([1.0, 0.0, 0.0])]
    step = rng.normal(size=(3, 4))
    ends = []
    for by in (1e-5, -1e-5):
        moved = [one + by * step if k == which else one for k, one in enumerate(given)]
        ends.append(space["contrastive_loss"](*moved)[0])
    found = space["contrastive_loss"](*given)[1 + which]
    return bool(np.isclose((found * step).sum(), (ends[0] - ends[1]) / 2e-5, rtol=1e-4))


def test_gradients_behind_a_loss_are_those_that_they_are_called() -> None:
    assert along(CONTRASTIVE, 0) and along(CONTRASTIVE, 1)
    proofs = sc.check(CONTRASTIVE, explain=False)
    assert {name: proof.holds for name, proof in proofs.items()} == {"a": True, "b": True}
    slip = CONTRASTIVE.replace("return loss, da, -da", "return loss, da, da")
    assert along(slip, 0) and not along(slip, 1)
    assert {n: proof.holds for n, proof in sc.check(slip, explain=False).items()} == {"a": True, "b": False}


def test_a_sum_that_is_returned_says_that_it_is_a_vector_s() -> None:
    shapes = ((3, 4), (4, 2), (2,), (4,))
    assert all(right_when_run(TIED, shapes))
    proofs = sc.check(TIED, explain=False)
    assert proofs.holds is True and [len(one.axes) for one in proofs["c"].operator.inputs] == [2, 2, 1, 1]
    slip = TIED.replace(" + dy.T @ h", "")
    assert right_when_run(slip, shapes) == [True, False, True, True]
    assert [proof.holds for proof in sc.check(slip, explain=False).values()] == [True, False, True, True]
