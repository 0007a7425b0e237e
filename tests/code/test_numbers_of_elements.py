"""Functions that say how many elements an array has, as each library calls it: not the lengths of its axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

LOSS = """
import numpy as np
import tensorflow as tf
import jax.numpy as jnp
import torch
def mse_forward(p, t):
    N, C = p.shape
    d = p - t
    return (d * d).sum() / {count}, d
def mse_backward(dy, d):
    g = 2.0 * dy * d / {count}
    return g, -g
"""
COUNTS = {
    "tf.cast(tf.size(d), d.dtype)": "d.size",
    "tf.cast(tf.size(d, out_type=tf.int64), tf.float32)": "d.size",
    "jnp.size(d)": "d.size",
    "np.size(d)": "np.size(d)",
    "np.size(d, 0)": "np.size(d, 0)",
    "torch.numel(d)": "d.size",
    "tf.cast(tf.shape(d)[0], tf.float32)": "d.shape[0]",
}


def right_when_run(forward: str, backward: str) -> bool:
    """Whether difference quotients say so of the counts in NumPy's words."""
    space: dict[str, Any] = {"np": np}
    text = LOSS.partition("import torch\n")[2].replace("{count}", forward, 1).replace("{count}", backward)
    exec(compile(text, "mse", "exec"), space)  # noqa: S102
    p, t, step = np.random.default_rng(0).normal(size=(3, 3, 4))
    loss = space["mse_forward"]
    slope = (loss(p + 1e-6 * step, t)[0] - loss(p - 1e-6 * step, t)[0]) / 2e-6
    return bool(np.isclose(slope, (space["mse_backward"](1.0, loss(p, t)[1])[0] * step).sum(), rtol=1e-5))


@pytest.mark.parametrize("forward", COUNTS)
@pytest.mark.parametrize("backward", ["tf.cast(tf.size(d), d.dtype)", "d.shape[0]"])
def test_means_by_numbers_of_elements(forward: str, backward: str) -> None:
    truth = right_when_run(COUNTS[forward], COUNTS.get(backward, backward))
    text = LOSS.replace("{count}", forward, 1).replace("{count}", backward)
    proofs = sc.check(text, "mse", explain=False)
    assert [one.holds for one in proofs.values()] == [truth, truth]
