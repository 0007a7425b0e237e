"""Cells of recurrent networks as courses write them: gates cut from one product, right ones proved, wrong ones found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import symconv as sc
from symconv.limits import REFUTED_ENCLOSED
from symconv.prove.decide import compare, refutation

HEAD = """
import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


"""

LSTM = """
def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    N, H = prev_h.shape
    a = x @ Wx + prev_h @ Wh + b
    i = sigmoid(a[:, :H])
    f = sigmoid(a[:, H:2*H])
    o = sigmoid(a[:, 2*H:3*H])
    g = np.tanh(a[:, 3*H:])
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    cache = (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)
    return next_h, cache


def lstm_step_backward(dnext_h, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    t = np.tanh(next_c)
    do = dnext_h * t
    dc = dnext_h * o * (1 - t ** 2)
    di = dc * g
    df = dc * prev_c
    dg = dc * i
    dprev_c = dc * f
    da = np.hstack((di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g ** 2)))
    dx = da @ Wx.T
    dprev_h = da @ Wh.T
    dWx = x.T @ da
    dWh = prev_h.T @ da
    db = da.sum(axis=0)
    return dx, dprev_h, dprev_c, dWx, dWh, db
"""

GRU = """
def gru_step_forward(x, prev_h, Wx, Wh, b):
    ax = x @ Wx + b
    ah = prev_h @ Wh
    xr, xz, xn = np.split(ax, 3, axis=1)
    hr, hz, hn = np.split(ah, 3, axis=1)
    r = sigmoid(xr + hr)
    z = sigmoid(xz + hz)
    n = np.tanh(xn + r * hn)
    next_h = (1 - z) * n + z * prev_h
    cache = (x, prev_h, Wx, Wh, r, z, n, hn)
    return next_h, cache


def gru_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, r, z, n, hn = cache
    dn = dnext_h * (1 - z) * (1 - n ** 2)
    dz = dnext_h * (prev_h - n) * z * (1 - z)
    dr = dn * hn * r * (1 - r)
    dax = np.concatenate((dr, dz, dn), axis=1)
    dah = np.concatenate((dr, dz, dn * r), axis=1)
    dx = dax @ Wx.T
    dprev_h = dah @ Wh.T + dnext_h * z
    dWx = x.T @ dax
    dWh = prev_h.T @ dah
    db = dax.sum(axis=0)
    return dx, dprev_h, dWx, dWh, db
"""

SLICED = GRU.replace("np.split(ax, 3, axis=1)", "ax[:, :H], ax[:, H:2*H], ax[:, 2*H:]").replace(
    "np.split(ah, 3, axis=1)", "ah[:, :H], ah[:, H:2*H], ah[:, 2*H:]").replace(
    "    ax = x", "    H = prev_h.shape[1]\n    ax = x")  # fmt: skip

CASES = {
    "lstm": (LSTM, "", "", ()),
    "gru": (GRU, "", "", ()),
    "gru by slices": (SLICED, "", "", ()),
    "slope of a gate": (LSTM, "dg * (1 - g ** 2)", "dg * (1 - g)", ("x", "prev_h", "Wx", "Wh", "b")),
    "no slope of tanh": (LSTM, "dnext_h * o * (1 - t ** 2)", "dnext_h * o",
                         ("x", "prev_h", "prev_c", "Wx", "Wh", "b")),
    "other weights": (LSTM, "da @ Wh.T", "da @ Wx.T", ("prev_h",)),
    "mean over the batch": (LSTM, "da.sum(axis=0)", "da.mean(axis=0)", ("b",)),
    "first sample alone": (LSTM, "da.sum(axis=0)", "da[0]", ("b",)),
    "gates exchanged": (LSTM, "di * i * (1 - i), df * f * (1 - f)", "df * f * (1 - f), di * i * (1 - i)",
                        ("x", "prev_h", "Wx", "Wh", "b")),
    "no way past the gates": (GRU, " + dnext_h * z", "", ("prev_h",)),
    "not reset": (GRU, "dn * r)", "dn)", ("prev_h", "Wh")),
}  # fmt: skip


def as_run(code: str, sizes: tuple[int, int, int]) -> dict[str, bool]:
    """Which gradients are those of difference quotients, at these numbers of samples, inputs and states."""
    space: dict[str, Callable[..., tuple[np.ndarray, ...]]] = {}
    exec(compile(code, "cell", "exec"), space)  # noqa: S102
    (forward,) = (run for name, run in space.items() if name.endswith("_forward"))
    (backward,) = (run for name, run in space.items() if name.endswith("_backward"))
    batch, inputs, states = sizes
    gates = 4 if "prev_c" in code else 3
    rng = np.random.default_rng(sum(sizes))
    shapes = {"x": (batch, inputs), "prev_h": (batch, states), "prev_c": (batch, states),
              "Wx": (inputs, gates * states), "Wh": (states, gates * states), "b": (gates * states,)}  # fmt: skip
    if gates == 3:
        del shapes["prev_c"]
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    dout = rng.normal(size=(batch, states))

    def loss(**changed: np.ndarray) -> float:
        return float((forward(*{**arrays, **changed}.values())[0] * dout).sum())

    found = {}
    for name, got in zip(arrays, backward(dout, forward(*arrays.values())[1]), strict=True):
        want = np.zeros(shapes[name])
        for cell in np.ndindex(want.shape):
            step = np.zeros(want.shape)
            step[cell] = 1e-6
            want[cell] = loss(**{name: arrays[name] + step}) - loss(**{name: arrays[name] - step})
        found[name] = got.shape == want.shape and np.allclose(got, want / 2e-6, atol=1e-7)
    return found


@pytest.mark.parametrize("case", CASES)
def test_cells_are_decided_as_they_run(case: str) -> None:
    text, old, new, wrong = CASES[case]
    assert old in text
    code = HEAD + (text.replace(old, new) if old else text)
    runs = [as_run(code, sizes) for sizes in ((2, 3, 2), (3, 1, 3), (2, 2, 1))]
    right = {name: all(run[name] for run in runs) for name in runs[0]}
    assert {name for name, holds in right.items() if not holds} == set(wrong)
    found = sc.check(code, explain=False)
    assert {name: proof.holds for name, proof in found.items()} == right


def alone(result: str) -> str:
    """The LSTM cell with one gradient."""
    names = ("dx", "dprev_h", "dprev_c", "dWx", "dWh", "db")
    kept = ", ".join(name if name == result else "None" for name in names)
    return HEAD + LSTM.replace(f"return {', '.join(names)}", f"return {kept}")


def test_weights_that_are_not_transposed_fit_no_sizes() -> None:
    found = sc.check(alone("dprev_h").replace("da @ Wh.T", "da @ Wh"), explain=False)
    assert found["prev_h"].holds is False


def test_the_formula_says_which_sizes_are_parts_of_others() -> None:
    told = " ".join(str(sc.check(alone("dprev_c"), explain=False)).split())
    assert "Wx[c,(1,f)]" in told
    assert "Wx is C x 4*S1" in told


def test_what_no_algebra_tells_ends_after_so_much_exact_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    proved = compare.same
    calls = []
    monkeypatch.setattr(
        compare, "same", lambda *given: proved(*given) if not calls.append(1) and len(calls) == 1 else None
    )
    seen = []
    exact = refutation.seen
    monkeypatch.setattr(refutation, "seen", lambda *given: seen.append(given) or exact(*given))
    found = sc.check(alone("db"), explain=False)
    assert found["b"].holds is None
    assert "both sides agree at" in found["b"].reason
    assert 1 < len(seen) <= REFUTED_ENCLOSED / 1000
