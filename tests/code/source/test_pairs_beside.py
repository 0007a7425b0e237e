"""Which two functions are meant: a loss beside its backward, and pairs by how their names begin."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv.errors import SpecError

LOSS = """
import numpy as np
def bce_loss(logits, targets):
    return np.mean(np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits))))
def bce_loss_backward(dout, logits, targets):
    p = 1 / (1 + np.exp(-logits))
    return dout * (p - targets) / logits.size
"""
SCALES = """
def double_forward_naive(x):
    return 2 * x, None
def double_backward_naive(dout, cache):
    return 2 * dout
def doubled_forward(x):
    return 2 * x, None
def doubled_backward(dout, cache):
    return dout
"""


def slope_is_right(text: str) -> bool:
    space: dict[str, object] = {}
    exec(compile(text, "loss", "exec"), space)  # noqa: S102
    x, t, d = np.random.default_rng(1).normal(size=(3, 3, 4))
    loss, back = space["bce_loss"], space["bce_loss_backward"]
    assert callable(loss) and callable(back)
    slope = (loss(x + 1e-6 * d, t) - loss(x - 1e-6 * d, t)) / 2e-6
    return bool(np.isclose(slope * 3, (back(3, x, t) * d).sum(), rtol=1e-6))


@pytest.mark.parametrize("turned", [False, True])
def test_a_function_is_beside_its_backward(turned: bool) -> None:
    text = LOSS.replace("(p - targets)", "(targets - p)") if turned else LOSS
    assert slope_is_right(text) is not turned
    for name in ("bce_loss", "bce_loss_backward", None):
        assert sc.check(text, name, explain=False)["logits"].holds is not turned


def test_a_pair_is_meant_by_how_its_names_begin() -> None:
    assert sc.check(SCALES, "double", explain=False).holds is True
    assert sc.check(SCALES, "doubled", explain=False).holds is False
    with pytest.raises(SpecError, match="none match"):
        sc.check(SCALES, "doub")
