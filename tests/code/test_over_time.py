"""Loops over time: proved by one step for any number of steps, and not where the loops do not go together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.code.source.over_time import over_time
from symconv.code.source.pairs import pair_of
from symconv.code.source.program import program

RNN = """
import numpy as np


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x.dot(Wx) + prev_h.dot(Wh) + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - next_h ** 2)
    return da.dot(Wx.T), da.dot(Wh.T), x.T.dot(da), prev_h.T.dot(da), da.sum(axis=0)


def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    h = np.zeros((N, T, H))
    cache = []
    prev_h = h0
    for t in range(T):
        prev_h, kept = rnn_step_forward(x[:, t, :], prev_h, Wx, Wh, b)
        h[:, t, :] = prev_h
        cache.append(kept)
    return h, cache


def rnn_backward(dh, cache):
    N, T, H = dh.shape
    D = cache[0][0].shape[1]
    dx = np.zeros((N, T, D))
    dWx = np.zeros((D, H))
    dWh = np.zeros((H, H))
    db = np.zeros(H)
    dprev_h = np.zeros((N, H))
    for t in reversed(range(T)):
        total = dh[:, t, :] + dprev_h
        dx[:, t, :], dprev_h, dWxt, dWht, dbt = rnn_step_backward(total, cache[t])
        dWx += dWxt
        dWh += dWht
        db += dbt
    dh0 = dprev_h
    return dx, dh0, dWx, dWh, db
"""

WRONG = {
    "not carried": ("total = dh[:, t, :] + dprev_h", "total = dh[:, t, :] + 0"),
    "forward in time": ("in reversed(range(T))", "in range(T)"),
    "not added": ("db += dbt", "db = dbt"),
    "of another step": ("cache[t])", "cache[T - 1 - t])"),
    "along another axis": ("dx[:, t, :], dprev_h", "dx[t, :, :], dprev_h"),
    "not from zero": ("dprev_h = np.zeros((N, H))", "dprev_h = dh[:, T - 1, :]"),
    "not all": ("reversed(range(T))", "reversed(range(T - 1))"),
    "what is kept is changed": ("    cache = []\n", "    cache = []\n    x *= 1\n"),
    "kept in one array": ("    next_h = np.tanh(x.dot(Wx)", "    prev_h *= 2\n    next_h = np.tanh(x.dot(Wx)"),
    "a bias for each step": ("    db = np.zeros(H)", "    db = np.zeros((T, H))"),
    "added behind": ("    dh0 = dprev_h", "    db += dprev_h.sum(axis=0)\n    dh0 = dprev_h"),
    "read before": ("    dh0 = dprev_h", "    dh0 = total"),
    "the start in each step": ("prev_h, Wx, Wh, b)\n        h[", "prev_h + h0, Wx, Wh, b)\n        h["),
    "two steps at a time": ("for t in range(T)", "for t in range(0, T, 2)"),
    "the number of steps": ("        db += dbt", "        db += dbt / T"),
}


def _step(text: str) -> Any:
    source = program(text)
    source, forward, backward = pair_of(source, "rnn")
    return over_time(forward, backward, source.callees)


def _quotients(text: str) -> bool:
    """Whether the gradients of the text, which is run, are those of difference quotients over three steps."""
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((2, 3, 4), (2, 5), (4, 5), (5, 5), (5,))]
    gy = rng.standard_normal((2, 3, 5))
    found = names["rnn_backward"](gy.copy(), names["rnn_forward"](*(one.copy() for one in given))[1])
    for k, one in enumerate(given):
        if found[k].shape != one.shape:
            return False
        way = rng.standard_normal(one.shape)
        ends = [
            (names["rnn_forward"](*(o + e * way if j == k else o.copy() for j, o in enumerate(given)))[0] * gy).sum()
            for e in (1e-5, -1e-5)
        ]
        if abs((ends[0] - ends[1]) / 2e-5 - (found[k] * way).sum()) > 1e-4:
            return False
    return True


def test_a_right_loop_is_proved_for_any_number_of_steps() -> None:
    proofs = sc.check(RNN, "rnn", explain=False)
    assert proofs.holds and list(proofs) == ["x", "h0", "Wx", "Wh", "b"] and _quotients(RNN)
    assert "by induction for any number of steps" in str(proofs["x"]).replace("\n    ", " ")


@pytest.mark.parametrize("name", sorted(WRONG))
def test_loops_that_do_not_go_together_are_not_taken_for_one_step(name: str) -> None:
    old, new = WRONG[name]
    assert RNN.count(old) == 1
    assert _step(RNN) is not None and _step(RNN.replace(old, new)) is None


@pytest.mark.parametrize(
    "name", ["not carried", "forward in time", "not added", "of another step", "read before", "the start in each step"]
)
def test_difference_quotients_say_so_too(name: str) -> None:
    assert not _quotients(RNN.replace(*WRONG[name]))


def test_of_a_wrong_step_it_is_said_that_it_is() -> None:
    text = RNN.replace("(1 - next_h ** 2)", "(1 - next_h)")
    assert not _quotients(text)
    proofs = sc.check(text, "rnn", explain=False)
    assert proofs.holds is None and "is not the gradient of its step" in proofs["x"].reason
