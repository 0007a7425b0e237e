"""JAX's updates and Python's own containers: what a text changes is seen, what it does not change is left alone."""

from __future__ import annotations

import pytest

import symconv as sc

LINEAR = sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c])")

UPDATED = """
import jax.numpy as jnp

def backward(dy, x, w):
    dw = jnp.zeros_like(w)
    {update}
    return dy @ w, dw
"""


@pytest.mark.parametrize(
    "update",
    [
        "dw = dw.at[:].add(dy.T @ x)",
        "dw = dw.at[:, :].set(dy.T @ x)",
        "dw = dw.at[:].subtract(-(dy.T @ x))",
        "for n in range(x.shape[0]):\n        dw = dw.at[:, :].add(dy[n][:, None] * x[n][None, :])",
        "for f in range(w.shape[0]):\n        dw = dw.at[f].set(dy[:, f] @ x)",
        "for f in range(w.shape[0]):\n        dw = dw.at[f].add(dy[:, f] @ x)",
    ],
)
def test_an_update_is_read(update: str) -> None:
    assert sc.prove(LINEAR, code=UPDATED.format(update=update), explain=False).holds is True


@pytest.mark.parametrize(
    "update",
    [
        "dw = dw.at[:].add(x.T @ dy)",
        "dw = dw.at[:].subtract(dy.T @ x)",
        "dw = dw.at[:].add(dy.T @ x)\n    dw = dw.at[:].add(dy.T @ x)",
        "dw = dw.at[:].set(dy.T @ x)\n    dw = dw.at[0].add(x[0])",
        "for n in range(x.shape[0]):\n        dw = dw.at[:].set(dy[n][:, None] * x[n][None, :])",
        "kept = dw\n    dw = dw.at[:].add(dy.T @ x)\n    dw = kept",
        "new = dw.at[:].add(dy.T @ x)",
        "dw.at[:].add(dy.T @ x)",
    ],
)
def test_an_update_that_is_another_one_is_never_proved(update: str) -> None:
    try:
        proofs = sc.prove(LINEAR, code=UPDATED.format(update=update), explain=False)
    except sc.SpecError:
        return
    assert proofs["w"].holds is not True


SEEN = """
import numpy as np

def backward(dy, x, w):
    dw = dy.T @ x
    {before}
    return dy @ w, dw
"""


@pytest.mark.parametrize("before", ["seen = {0}\n    seen.add(1)", "seen = []\n    seen.append(dw)", "dw.add(1)"])
def test_a_container_beside_the_result_leaves_it_as_it_is(before: str) -> None:
    assert sc.prove(LINEAR, code=SEEN.format(before=before), explain=False)["x"].holds is True


@pytest.mark.parametrize("before", ["seen = [dw]\n    seen[0] += 1", "np.add(dw, 1, out=dw)", "np.add.at(dw, 0, 1)"])
def test_what_changes_through_a_container_or_a_word_counts(before: str) -> None:
    proofs = sc.prove(LINEAR, code=SEEN.format(before=before), explain=False)
    assert proofs["x"].holds is True
    assert proofs["w"].holds is False
