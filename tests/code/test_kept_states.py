"""Loops over time whose steps are kept in arrays: proved for any number of steps, and no slip of them is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

CELL = """
import numpy as np


def cell_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    h = np.zeros((N, T, H))
    prev = h0
    for t in range(T):
        prev = np.tanh(x[:, t] @ Wx + prev @ Wh + b)
        h[:, t] = prev
    return h, (x, h0, Wx, Wh, b, h)


def cell_backward(dh, cache):
    x, h0, Wx, Wh, b, h = cache
    N, T, D = x.shape
    dx = np.zeros_like(x)
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    dprev = np.zeros_like(h0)
    for t in range(T - 1, -1, -1):
        d = dh[:, t] + dprev
        dz = d * (1 - h[:, t] ** 2)
        before = h[:, t - 1] if t > 0 else h0
        dx[:, t] = dz @ Wx.T
        dWx += x[:, t].T @ dz
        dWh += before.T @ dz
        db += dz.sum(axis=0)
        dprev = dz @ Wh.T
    return dx, dprev, dWx, dWh, db
"""
CHOICE = "        before = h[:, t - 1] if t > 0 else h0\n"
ROWS = """
import numpy as np


def rows_forward(x, U, W, V):
    T = len(x)
    s = np.zeros((T + 1, U.shape[0]))
    o = np.zeros((T, V.shape[0]))
    for t in np.arange(T):
        s[t] = np.tanh(U.dot(x[t]) + W.dot(s[t-1]))
        o[t] = V.dot(s[t])
    return o, (x, U, W, V, s)


def rows_backward(do, cache):
    x, U, W, V, s = cache
    T = len(x)
    dU, dW, dV = np.zeros(U.shape), np.zeros(W.shape), np.zeros(V.shape)
    dx = np.zeros(x.shape)
    carry = np.zeros(U.shape[0])
    for t in np.arange(T)[::-1]:
        dV += np.outer(do[t], s[t])
        d = (V.T.dot(do[t]) + carry) * (1 - s[t] ** 2)
        dU += np.outer(d, x[t])
        dW += np.outer(d, s[t-1])
        dx[t] = U.T.dot(d)
        carry = W.T.dot(d)
    return dx, dU, dW, dV
"""
SCAN = """
import numpy as np


def scan_forward(x, a, b):
    B, T, D = x.shape
    h = np.zeros((B, T + 1, D))
    for t in range(T):
        h[:, t + 1] = a * h[:, t] + b * x[:, t]
    return h[:, 1:], (x, a, b, h)


def scan_backward(dout, cache):
    x, a, b, h = cache
    B, T, D = x.shape
    dx = np.zeros_like(x)
    da = np.zeros_like(a)
    db = np.zeros_like(b)
    dh = np.zeros((B, D))
    for t in reversed(range(T)):
        dh = dh + dout[:, t]
        dx[:, t] = dh * b
        db += (dh * x[:, t]).sum(0)
        da += (dh * h[:, t]).sum(0)
        dh = dh * a
    return dx, da, db
"""
LSTM = """
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_forward(x, h0, c0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    h = np.zeros((N, T, H))
    c = np.zeros((N, T, H))
    gates = np.zeros((N, T, 4 * H))
    hp, cp = h0, c0
    for t in range(T):
        a = x[:, t] @ Wx + hp @ Wh + b
        i, f, o = sigmoid(a[:, :H]), sigmoid(a[:, H:2 * H]), sigmoid(a[:, 2 * H:3 * H])
        g = np.tanh(a[:, 3 * H:])
        cp = f * cp + i * g
        hp = o * np.tanh(cp)
        h[:, t] = hp
        c[:, t] = cp
        gates[:, t] = a
    return h, (x, h0, c0, Wx, Wh, b, h, c, gates)


def lstm_backward(dh, cache):
    x, h0, c0, Wx, Wh, b, h, c, gates = cache
    N, T, D = x.shape
    H = h0.shape[1]
    dx = np.zeros_like(x)
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    dh_next = np.zeros_like(h0)
    dc_next = np.zeros_like(c0)
    for t in reversed(range(T)):
        a = gates[:, t]
        i, f, o = sigmoid(a[:, :H]), sigmoid(a[:, H:2 * H]), sigmoid(a[:, 2 * H:3 * H])
        g = np.tanh(a[:, 3 * H:])
        h_before = h[:, t - 1] if t > 0 else h0
        c_before = c[:, t - 1] if t > 0 else c0
        tc = np.tanh(c[:, t])
        d = dh[:, t] + dh_next
        dc = dc_next + d * o * (1 - tc ** 2)
        di, df = dc * g * i * (1 - i), dc * c_before * f * (1 - f)
        da = np.hstack((di, df, d * tc * o * (1 - o), dc * i * (1 - g ** 2)))
        dx[:, t] = da @ Wx.T
        dWx += x[:, t].T @ da
        dWh += h_before.T @ da
        db += da.sum(axis=0)
        dh_next = da @ Wh.T
        dc_next = dc * f
    return dx, dh_next, dc_next, dWx, dWh, db
"""
GRU = """
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gru_forward(x, h0, Wz, Uz, Wr, Ur, Wn, Un):
    N, T, D = x.shape
    H = h0.shape[1]
    h, z, r, n = np.zeros((N, T, H)), np.zeros((N, T, H)), np.zeros((N, T, H)), np.zeros((N, T, H))
    for t in range(T):
        prev = h[:, t - 1] if t > 0 else h0
        z[:, t] = sigmoid(x[:, t] @ Wz + prev @ Uz)
        r[:, t] = sigmoid(x[:, t] @ Wr + prev @ Ur)
        n[:, t] = np.tanh(x[:, t] @ Wn + (r[:, t] * prev) @ Un)
        h[:, t] = z[:, t] * prev + (1 - z[:, t]) * n[:, t]
    return h, (x, h0, Wz, Uz, Wr, Ur, Wn, Un, h, z, r, n)


def gru_backward(dh, cache):
    x, h0, Wz, Uz, Wr, Ur, Wn, Un, h, z, r, n = cache
    N, T, D = x.shape
    dx = np.zeros_like(x)
    dWz = np.zeros_like(Wz)
    dUz = np.zeros_like(Uz)
    dWr = np.zeros_like(Wr)
    dUr = np.zeros_like(Ur)
    dWn = np.zeros_like(Wn)
    dUn = np.zeros_like(Un)
    dnext = np.zeros_like(h0)
    for t in reversed(range(T)):
        prev = h[:, t - 1] if t > 0 else h0
        d = dh[:, t] + dnext
        zt, rt, nt = z[:, t], r[:, t], n[:, t]
        dn = d * (1 - zt) * (1 - nt ** 2)
        dz = d * (prev - nt) * zt * (1 - zt)
        drp = dn @ Un.T
        dr = drp * prev * rt * (1 - rt)
        dWn += x[:, t].T @ dn
        dUn += (rt * prev).T @ dn
        dWz += x[:, t].T @ dz
        dUz += prev.T @ dz
        dWr += x[:, t].T @ dr
        dUr += prev.T @ dr
        dx[:, t] = dn @ Wn.T + dz @ Wz.T + dr @ Wr.T
        dnext = d * zt + drp * rt + dz @ Uz.T + dr @ Ur.T
    return dx, dnext, dWz, dUz, dWr, dUr, dWn, dUn
"""


def _with(text: str, *edits: tuple[str, str]) -> str:
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


BEGUN = (
    ("scan_forward(x, a, b)", "scan_forward(x, h0, a, b)"),
    ("T + 1, D))\n", "T + 1, D))\n    h[:, 0] = h0\n"),
    ("(x, a, b, h)\n", "(x, h0, a, b, h)\n"),
    ("x, a, b, h = cache", "x, h0, a, b, h = cache"),
    ("return dx, da", "return dx, dh, da"),
)
LAST = (
    ("rows_forward(x, U", "rows_forward(x, s0, U"),
    ("U.shape[0]))\n", "U.shape[0]))\n    s[-1] = s0\n"),
    ("(x, U, W, V, s)\n", "(x, s0, U, W, V, s)\n"),
    ("x, U, W, V, s = cache", "x, s0, U, W, V, s = cache"),
    ("return dx, dU", "return dx, carry, dU"),
)
IN_FORWARD = (
    ("    prev = h0\n", ""),
    ("        prev = np.tanh(x[:, t] @ Wx + prev @ Wh + b)\n        h[:, t] = prev\n",
     "        prev = h[:, t - 1] if t > 0 else h0\n        h[:, t] = np.tanh(x[:, t] @ Wx + prev @ Wh + b)\n"),
)  # fmt: skip

CHOSEN = (*LAST, ("np.zeros((T + 1,", "np.zeros((T,"), ("(d, s[t-1])", "(d, s[t-1] if t > 0 else s0)"))
TWO_ROWS = (
    ("o[t] = V.dot(s[t])\n", "o[t] = V.dot(s[t]) + V.dot(s[t-1])\n"),
    ("np.outer(do[t], s[t])", "np.outer(do[t], s[t] + (s[t-1] if t > 0 else s0))"),
    ("carry = W.T.dot(d)", "carry = W.T.dot(d) + V.T.dot(do[t])"),
)
IN_ROWS = (
    ("    hp, cp = h0, c0\n", "    h[:, 0], c[:, 0] = h0, c0\n"),
    ("    h = np.zeros((N, T, H))\n    c = np.zeros((N, T, H))\n",
     "    h = np.zeros((N, T + 1, H))\n    c = np.zeros((N, T + 1, H))\n"),
    ("hp @ Wh", "h[:, t] @ Wh"),
    ("        cp = f * cp + i * g\n        hp = o * np.tanh(cp)\n        h[:, t] = hp\n        c[:, t] = cp\n",
     "        c[:, t + 1] = f * c[:, t] + i * g\n        h[:, t + 1] = o * np.tanh(c[:, t + 1])\n"),
    ("return h, (", "return h[:, 1:], ("),
    ("np.tanh(c[:, t])", "np.tanh(c[:, t + 1])"),
    ("h[:, t - 1] if t > 0 else h0", "h[:, t]"),
    ("c[:, t - 1] if t > 0 else c0", "c[:, t]"),
)  # fmt: skip

CELLS = ((2, "T", 4), (2, 3), (4, 3), (3, 3), (3,))
VECTORS = (("T", 3), (2, 3), (2, 2), (5, 2))
GATES = ((2, "T", 4), (2, 3), (2, 3), (4, 12), (3, 12), (12,))
RESET = ((2, "T", 4), (2, 3), (4, 3), (3, 3), (4, 3), (3, 3), (4, 3), (3, 3))
SCANS = ((2, "T", 3), (3,), (3,))
RIGHT = {
    "a tuple": (CELL, CELLS),
    "a named tuple": (_with(CELL, ("    return h, (x", "    cache = (x"), ("b, h)\n", "b, h)\n    return h, cache\n")), CELLS),
    "a statement": (_with(CELL, (CHOICE, "        if t == 0:\n            before = h0\n        else:\n"
                                 "            before = h[:, t - 1]\n")), CELLS),
    "not the first": (_with(CELL, ("if t > 0 else", "if t != 0 else")), CELLS),
    "the first": (_with(CELL, ("h[:, t - 1] if t > 0 else h0", "h0 if t == 0 else h[:, t - 1]")), CELLS),
    "a choice in forward too": (_with(CELL, *IN_FORWARD), CELLS),
    "a row more": (ROWS, VECTORS),
    "no row more, chosen": (_with(ROWS, *CHOSEN), (("T", 3), (2,), *VECTORS[1:])),
    "a row more, with a beginning": (_with(ROWS, *LAST), (("T", 3), (2,), *VECTORS[1:])),
    "the next row": (SCAN, SCANS),
    "added in place": (_with(SCAN, ("dh = dh + dout[:, t]", "dh += dout[:, t]")), SCANS),
    "two states": (LSTM, GATES),
    "two states in rows": (_with(LSTM, *IN_ROWS), GATES),
    "gates in arrays": (GRU, RESET),
    "the next row, with a beginning": (_with(SCAN, *BEGUN), ((2, "T", 3), (2, 3), (3,), (3,))),
}  # fmt: skip
SLIPS = {
    "the state behind the step": ("a tuple", "before.T @ dz", "h[:, t].T @ dz"),
    "not transposed": ("a tuple", "dprev = dz @ Wh.T", "dprev = dz @ Wh"),
    "no beginning": ("a tuple", "h[:, t - 1] if t > 0 else h0", "h[:, t - 1]"),
    "another beginning": ("a tuple", "if t > 0 else h0", "if t > 0 else h[:, 0]"),
    "the next state": ("a tuple", "h[:, t - 1] if t > 0", "h[:, t] if t > 0"),
    "the first step too late": ("a tuple", "if t > 0 else h0", "if t > 1 else h0"),
    "the other way round": ("a tuple", "if t > 0 else h0", "if t == 0 else h0"),
    "the beginning in each step": ("a tuple", CHOICE, "        before = h0\n"),
    "steps in order": ("a tuple", "range(T - 1, -1, -1)", "range(T)"),
    "but the first step": ("a tuple", "range(T - 1, -1, -1)", "range(T - 1, 0, -1)"),
    "not carried": ("a tuple", "d = dh[:, t] + dprev", "d = dh[:, t]"),
    "not added": ("a tuple", "dWh += before", "dWh = before"),
    "summed over features too": ("a tuple", "db += dz.sum(axis=0)", "db += dz.sum()"),
    "kept and changed": ("a tuple", "        h[:, t] = prev\n", "        h[:, t] = prev\n        prev *= 2\n"),
    "kept before": ("a tuple", "        prev = np.tanh(x[:, t] @ Wx + prev @ Wh + b)\n        h[:, t] = prev\n",
                    "        h[:, t] = prev\n        prev = np.tanh(x[:, t] @ Wx + prev @ Wh + b)\n"),
    "changed behind": ("a tuple", "        h[:, t] = prev\n", "        h[:, t] = prev\n        prev = prev + 1\n"),
    "the input changed": ("a tuple", "    prev = h0\n", "    prev = h0\n    x = x * 2\n"),
    "taken apart in another order": ("a tuple", "x, h0, Wx, Wh, b, h = cache", "x, h0, Wh, Wx, b, h = cache"),
    "no row more": ("a row more", "np.zeros((T + 1,", "np.zeros((T,"),
    "no row more, with a beginning": ("a row more, with a beginning", "np.zeros((T + 1,", "np.zeros((T,"),
    "the row behind the step": ("a row more", "dW += np.outer(d, s[t-1])", "dW += np.outer(d, s[t])"),
    "the carried one not transposed": ("a row more", "carry = W.T.dot(d)", "carry = W.dot(d)"),
    "changed in place": ("a choice in forward too", "h[:, t] = np.tanh(x[:, t] @ Wx + prev @ Wh + b)",
                         "h[:, t] = np.tanh(x[:, t] @ Wx + np.multiply(prev, 2, out=prev) @ Wh + b)"),
    "the other state": ("two states", "c[:, t - 1] if t > 0 else c0", "h[:, t - 1] if t > 0 else h0"),
    "the other beginning": ("two states", "c[:, t - 1] if t > 0 else c0", "c[:, t - 1] if t > 0 else h0"),
    "one state not carried": ("two states", "dc_next = dc * f", "dc_next = dc * f * 0"),
    "the next of two states": ("two states in rows", "c_before = c[:, t]", "c_before = c[:, t + 1]"),
    "without a gate": ("gates in arrays", "drp * rt + dz", "drp + dz"),
    "the last row first": ("a row more, with a beginning", "s[-1] = s0", "s[0] = s0"),
    "the row of the next step": ("the next row", "(dh * h[:, t]).sum(0)", "(dh * h[:, t + 1]).sum(0)"),
    "the row before": ("the next row", "(dh * h[:, t]).sum(0)", "(dh * h[:, t - 1]).sum(0)"),
    "not multiplied": ("the next row", "        dh = dh * a\n", "        dh = dh * 1\n"),
    "all rows but the last": ("the next row", "return h[:, 1:]", "return h[:, :-1]"),
    "begun in the last row": ("the next row, with a beginning", "h[:, 0] = h0", "h[:, -1] = h0"),
}  # fmt: skip
REFUTED = {
    "the state behind the step": "Wh",
    "not transposed": "h0",
    "the row behind the step": "w",
    "the row of the next step": "a",
}


def _differ(text: str, name: str, shapes: Any) -> bool:
    """Whether the text, which is run, gives something else than difference quotients over one step or three."""
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102
    forward, backward = names[f"{name}_forward"], names[f"{name}_backward"]
    rng = np.random.default_rng(0)
    for steps in (1, 3):
        given = [rng.standard_normal([steps if one == "T" else one for one in shape]) for shape in shapes]
        out, cache = forward(*(one.copy() for one in given))
        gy = rng.standard_normal(out.shape)
        try:
            found = backward(gy.copy(), cache)
        except (ValueError, IndexError, UnboundLocalError):
            return True
        for k, one in enumerate(given):
            way = rng.standard_normal(one.shape)
            ends = [
                (forward(*(o + e * way if j == k else o.copy() for j, o in enumerate(given)))[0] * gy).sum()
                for e in (1e-5, -1e-5)
            ]
            if found[k].shape != one.shape or abs((ends[0] - ends[1]) / 2e-5 - (found[k] * way).sum()) > 1e-4:
                return True
    return False


def _name(text: str) -> str:
    return text.partition("_forward(")[0].rpartition("def ")[2]


@pytest.mark.parametrize("key", sorted(RIGHT))
def test_right_loops_are_proved_for_any_number_of_steps(key: str) -> None:
    text, shapes = RIGHT[key]
    assert not _differ(text, _name(text), shapes)
    proofs = sc.check(text, _name(text), explain=False)
    assert proofs.holds and len(proofs) == len(shapes)
    assert all("by induction for any number of steps" in " ".join(one.proved) for one in proofs.values())


@pytest.mark.parametrize("key", sorted(SLIPS))
def test_slips_are_not_proved(key: str) -> None:
    of, old, new = SLIPS[key]
    text, shapes = RIGHT[of]
    text = _with(text, (old, new))
    assert _differ(text, _name(text), shapes)
    try:
        proofs = sc.check(text, _name(text), explain=False)
    except sc.SymconvError:
        assert key not in REFUTED
        return
    assert not proofs.holds
    if key in REFUTED:
        assert proofs[REFUTED[key]].holds is False and "over one step" in proofs[REFUTED[key]].where


def test_what_is_right_beside_a_slip_is_proved_where_states_are() -> None:
    proofs = sc.check(_with(CELL, ("before.T @ dz", "h[:, t].T @ dz")), "cell", explain=False)
    assert {name: one.holds for name, one in proofs.items()} == {
        "x": True, "h0": True, "Wx": True, "Wh": False, "b": True}  # fmt: skip


def test_of_one_step_the_row_before_is_its_own() -> None:
    text = _with(ROWS, *CHOSEN, *TWO_ROWS)
    assert _differ(text, "rows", RIGHT["no row more, chosen"][1])
    with pytest.raises(sc.SymconvError, match="not read"):
        sc.check(text, "rows", explain=False)
    more = text.replace("np.zeros((T,", "np.zeros((T + 1,", 1)
    assert not _differ(more, "rows", RIGHT["no row more, chosen"][1])
    assert sc.check(more, "rows", explain=False).holds
