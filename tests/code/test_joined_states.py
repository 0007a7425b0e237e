"""An LSTM cell as courses with columns of samples write it: the state is stacked on the input, one weight per gate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

LSTM = """
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    Wf, Wi, Wc, Wo = parameters["Wf"], parameters["Wi"], parameters["Wc"], parameters["Wo"]
    bf, bi, bc, bo = parameters["bf"], parameters["bi"], parameters["bc"], parameters["bo"]
    stacked = np.concatenate((a_prev, xt), axis=0)
    f = sigmoid(Wf @ stacked + bf)
    i = sigmoid(Wi @ stacked + bi)
    g = np.tanh(Wc @ stacked + bc)
    o = sigmoid(Wo @ stacked + bo)
    c_next = f * c_prev + i * g
    a_next = o * np.tanh(c_next)
    return a_next, c_next, (a_next, c_next, a_prev, c_prev, f, i, g, o, xt, parameters)


def lstm_cell_backward(da_next, dc_next, cache):
    a_next, c_next, a_prev, c_prev, f, i, g, o, xt, parameters = cache
    n_a, m = a_next.shape
    stacked = np.concatenate((a_prev, xt), axis=0)
    dc = dc_next + da_next * o * (1 - np.tanh(c_next) ** 2)
    do = da_next * np.tanh(c_next) * o * (1 - o)
    dg = dc * i * (1 - g ** 2)
    di = dc * g * i * (1 - i)
    df = dc * c_prev * f * (1 - f)
    Wf, Wi, Wc, Wo = parameters["Wf"], parameters["Wi"], parameters["Wc"], parameters["Wo"]
    dxt = Wf[:, n_a:].T @ df + Wi[:, n_a:].T @ di + Wc[:, n_a:].T @ dg + Wo[:, n_a:].T @ do
    da_prev = Wf[:, :n_a].T @ df + Wi[:, :n_a].T @ di + Wc[:, :n_a].T @ dg + Wo[:, :n_a].T @ do
    dbf = df.sum(axis=1, keepdims=True)
    dbi = di.sum(axis=1, keepdims=True)
    dbc = dg.sum(axis=1, keepdims=True)
    dbo = do.sum(axis=1, keepdims=True)
    return {"dxt": dxt, "da_prev": da_prev, "dc_prev": dc * f,
            "dWf": df @ stacked.T, "dWi": di @ stacked.T, "dWc": dg @ stacked.T, "dWo": do @ stacked.T,
            "dbf": dbf, "dbi": dbi, "dbc": dbc, "dbo": dbo}
"""
CASES = {
    "right": ("", "", set()),
    "of the state": ("Wf[:, n_a:].T @ df", "Wf[:, n_a:].T @ di", {"xt"}),
}  # fmt: skip


def wrong_as_run(code: str) -> set[str]:
    """The gradients that difference quotients are not."""
    space: dict[str, Any] = {}
    exec(compile(code, "cell", "exec"), space)  # noqa: S102
    inputs, states, samples = 3, 2, 2
    rng = np.random.default_rng(0)
    shapes = {"xt": (inputs, samples), "a_prev": (states, samples), "c_prev": (states, samples)}
    for gate in "fico":
        shapes |= {f"W{gate}": (states, states + inputs), f"b{gate}": (states, 1)}
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    da, dc = rng.normal(size=(2, states, samples))

    def run(given: dict[str, Any]) -> Any:
        return space["lstm_cell_forward"](given["xt"], given["a_prev"], given["c_prev"], given)

    def loss(name: str, step: np.ndarray) -> float:
        a, c, _ = run({**arrays, name: arrays[name] + step})
        return float((a * da).sum() + (c * dc).sum())

    found = space["lstm_cell_backward"](da, dc, run(arrays)[2])
    wrong = set()
    for name, shape in shapes.items():
        want = np.zeros(shape)
        for cell in np.ndindex(shape):
            step = np.zeros(shape)
            step[cell] = 1e-6
            want[cell] = (loss(name, step) - loss(name, -step)) / 2e-6
        if not np.allclose(found[f"d{name}"], want, atol=1e-7):
            wrong.add(name)
    return wrong


@pytest.mark.parametrize("case", CASES)
def test_the_oracle_of_cells_says_which_are_wrong(case: str) -> None:
    old, new, wrong = CASES[case]
    assert old in LSTM
    assert wrong_as_run(LSTM.replace(old, new) if old else LSTM) == wrong


@pytest.mark.full
@pytest.mark.parametrize("case", CASES)
def test_cells_with_joined_states_are_decided_as_they_run(case: str) -> None:
    old, new, wrong = CASES[case]
    found = sc.check(LSTM.replace(old, new) if old else LSTM, explain=False)
    assert {name: one.holds for name, one in found.items()} == {name: name not in wrong for name in found}
    assert len(found) == 11
