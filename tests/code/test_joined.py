"""Cells that join their state and their input, as courses write an LSTM: a weight as long as both together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

CELL = """
import numpy as np
def cell_forward(xt, a_prev, Wf):
    n_x, m = xt.shape
    n_a, m = a_prev.shape
    concat = np.zeros((n_a + n_x, m))
    concat[:n_a, :] = a_prev
    concat[n_a:, :] = xt
    return np.dot(Wf, concat), (xt, a_prev, Wf)
def cell_backward(dout, cache):
    xt, a_prev, Wf = cache
    n_a = a_prev.shape[0]
    concat = np.concatenate((a_prev, xt), axis=0)
    dxt = np.dot(Wf[:, n_a:].T, dout)
    da_prev = np.dot(Wf[:, :n_a].T, dout)
    return dxt, da_prev, np.dot(dout, concat.T)
"""
MISTAKES = (
    ("np.dot(Wf[:, :n_a].T, dout)", "2 * np.dot(Wf[:, :n_a].T, dout)", "a_prev"),
    ("np.concatenate((a_prev, xt), axis=0)", "np.concatenate((xt, a_prev), axis=0)", "Wf"),
)


def right_when_run(text: str) -> list[bool]:
    """Whether difference quotients of the text's own forward function say so, for each gradient."""
    space: dict[str, Any] = {}
    exec(compile(text, "cell", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(4)
    given = [rng.normal(size=shape) for shape in ((2, 5), (3, 5), (4, 5))]
    out, cache = space["cell_forward"](*given)
    dout, good = rng.normal(size=out.shape), []
    for at, gradient in enumerate(space["cell_backward"](dout, cache)):
        step, ends = rng.normal(size=given[at].shape), []
        for sign in (1, -1):
            moved = [one + sign * 1e-5 * step if k == at else one for k, one in enumerate(given)]
            ends.append((space["cell_forward"](*moved)[0] * dout).sum())
        good.append(bool(np.isclose((ends[0] - ends[1]) / 2e-5, (gradient * step).sum(), rtol=1e-6)))
    return good


def test_a_weight_as_long_as_what_is_joined_is_read() -> None:
    assert right_when_run(CELL) == [True] * 3
    proofs = sc.check(CELL, "cell", explain=False)
    assert {name: proof.holds for name, proof in proofs.items()} == {"xt": True, "a_prev": True, "Wf": True}


@pytest.mark.parametrize(("line", "wrong", "tensor"), MISTAKES)
def test_a_mistake_beside_a_joined_array_is_refuted(line: str, wrong: str, tensor: str) -> None:
    assert CELL.count(line) == 1
    text = CELL.replace(line, wrong)
    names = ["xt", "a_prev", "Wf"]
    assert right_when_run(text) == [name != tensor for name in names]
    proofs = sc.check(text, "cell", explain=False)
    assert [proofs[name].holds for name in names] == [name != tensor for name in names]
