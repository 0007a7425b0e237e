"""States of cells that are joined with the input: nothing but their names says that they have one shape."""

from __future__ import annotations

import ast

import pytest

import symconv as sc
from symconv.code.source.states import states_of

RNN = """
import numpy as np


def rnn_cell_forward(xt, a_prev, W, b):
    concat = np.concatenate((a_prev, xt), axis=0)
    a_next = np.tanh(np.dot(W, concat) + b)
    cache = (a_next, a_prev, xt, W)
    return a_next, cache


def rnn_cell_backward(da_next, cache):
    a_next, a_prev, xt, W = cache
    n_a, m = a_next.shape
    dz = da_next * (1 - a_next ** 2)
    dW = np.dot(dz, np.concatenate((a_prev, xt), axis=0).T)
    db = np.sum(dz, axis=1, keepdims=True)
    da_prev = np.dot(W[:, :n_a].T, dz)
    dxt = np.dot(W[:, n_a:].T, dz)
    return dxt, da_prev, dW, db
"""
PRODUCTS = """
import numpy as np
def cell_forward(prev_h, w):
    next_h = prev_h @ w
    return next_h, (prev_h, w)
def cell_backward(dnext_h, cache):
    prev_h, w = cache
    dprev_h = np.zeros_like(dnext_h)
    dprev_h += dnext_h @ w.T
    return dprev_h, prev_h.T @ dnext_h
"""


def test_a_state_that_is_joined_has_the_shape_of_the_next_one() -> None:
    found = sc.check(RNN, explain=False)
    assert found.holds, str(found)
    assert {one.where for one in found.values()} == {
        "a_prev and a_next have one shape, as states have; elsewhere it is not looked at"
    }
    assert "wrong elsewhere" not in str(found)


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("dxt = np.dot(W[:, n_a:].T", "dxt = np.dot(W[:, :n_a].T", {"xt"}),
        ("W[:, :n_a].T, dz", "W[:, :n_a], dz", {"x"}),
        ("W[:, n_a:].T, dz", "W[:, n_a:].T, da_next", {"xt"}),
        ("(a_prev, xt), axis=0).T", "(xt, a_prev), axis=0).T", {"w"}),
    ],
)
def test_what_is_wrong_stays_so(old: str, new: str, wrong: set[str]) -> None:
    found = sc.check(RNN.replace(old, new), explain=False)
    assert {name for name, one in found.items() if one.holds is False} == wrong


def test_other_states_are_taken_so_where_shapes_want_it() -> None:
    found = sc.check(PRODUCTS, explain=False)
    assert found.holds, str(found)
    assert [bool(one.where) for one in found.values()] == [True, False]
    assert "as states have; it is wrong elsewhere" in str(found)


@pytest.mark.full
def test_square_weights_are_not_their_transposes() -> None:
    assert sc.check(PRODUCTS.replace("w.T", "w"), explain=False)["prev_h"].holds is False


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def f(x, h_prev):\n h = g(cat((h_prev, x)))\n return h", "h_prev and h"),
        ("def f(x, prev_c):\n next_c = g(cat((prev_c, x)))\n return next_c", "prev_c and next_c"),
        ("def f(A_prev, W):\n A = W @ A_prev\n return A", ""),  # of a layer
        ("def f(h_prev):\n h = h_prev\n h = g(h)\n return h", ""),
        ("def f(h_prev):\n if h_prev.ndim:\n  h_next = g(h_prev)\n return h_next", ""),
    ],
)
def test_states_are_known_by_their_names(text: str, words: str) -> None:
    (node,) = ast.parse(text).body
    assert isinstance(node, ast.FunctionDef)
    found = states_of(node)
    assert (found.words if found else "") == (f"{words} have one shape, as states have" if words else "")
