"""Cells whose parameters come in a dict: each item is a tensor with a gradient of its own."""

from __future__ import annotations

import pytest

import symconv as sc

CELL = """
import numpy as np
def rnn_cell_forward(xt, a_prev, parameters):
    Wax = parameters["Wax"]
    Waa = parameters["Waa"]
    ba = parameters["ba"]
    a_next = np.tanh(np.dot(Wax, xt) + np.dot(Waa, a_prev) + ba)
    return a_next, (a_next, a_prev, xt, parameters)
def rnn_cell_backward(da_next, cache):
    (a_next, a_prev, xt, parameters) = cache
    Wax = parameters["Wax"]
    Waa = parameters["Waa"]
    dtanh = (1 - a_next ** 2) * da_next
    dxt = np.dot(Wax.T, dtanh)
    dWax = np.dot(dtanh, xt.T)
    da_prev = np.dot(Waa.T, dtanh)
    dWaa = np.dot(dtanh, a_prev.T)
    dba = np.sum(dtanh, axis=1, keepdims=True)
    return {"dxt": dxt, "da_prev": da_prev, "dWax": dWax, "dWaa": dWaa, "dba": dba}
"""


def test_a_right_cell_is_proved() -> None:
    proofs = sc.check(CELL, "rnn_cell", explain=False)
    assert {*proofs} == {"xt", "a_prev", "Wax", "Waa", "ba"}
    assert proofs.holds is True


@pytest.mark.parametrize(
    ("right", "wrong", "tensor"),
    [
        ("np.dot(Waa.T, dtanh)", "np.dot(Wax.T, dtanh)", "a_prev"),
        ("np.dot(dtanh, xt.T)", "2 * np.dot(dtanh, xt.T)", "Wax"),
    ],
)
def test_a_wrong_one_is_told_apart(right: str, wrong: str, tensor: str) -> None:
    proofs = sc.check(CELL.replace(right, wrong), "rnn_cell", explain=False)
    assert [name for name, proof in proofs.items() if proof.holds is False] == [tensor]


def test_a_dict_that_is_changed_is_left_alone() -> None:
    with pytest.raises(sc.SymconvError):
        sc.check(
            CELL.replace('    ba = parameters["ba"]\n', '    ba = parameters["ba"]\n    parameters["ba"] = 0\n', 1),
            "rnn_cell",
        )
