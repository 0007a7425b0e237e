"""What a layer computes once and uses often: kept as one, by halves that are equal, and read once for all gradients."""

from __future__ import annotations

import symconv as sc

SIGMOID = """
import numpy as np


def sigmoid(x):
    pos, neg = (x >= 0), (x < 0)
    z = np.zeros_like(x)
    z[pos] = np.exp(-x[pos])
    z[neg] = np.exp(x[neg])
    top = np.ones_like(x)
    top[neg] = z[neg]
    return top / (1 + z)


def gate_forward(x, w):
    s = sigmoid(x)
    return s * w, (s, w)


def gate_backward(dout, cache):
    s, w = cache
    return dout * w * s * (1 - s), dout * s
"""

GATES = """
import numpy as np


def gates_forward(x, w):
    a = np.tanh(x * w)
    b = np.tanh(a * w + a * x)
    c = np.tanh(b * w + b * a)
    d = np.tanh(c * w + c * b)
    e = np.tanh(d * w + d * c)
    return e, (x, w, a, b, c, d, e)


def gates_backward(dout, cache):
    x, w, a, b, c, d, e = cache
    de = dout * (1 - e ** 2)
    dd = de * (w + c) * (1 - d ** 2)
    return dd * (w + b), dd
"""


def test_a_sigmoid_by_halves_is_one_formula() -> None:
    proofs = sc.check(SIGMOID, "gate", explain=False)
    assert proofs.holds and "where" not in proofs["x"].operator.source


def test_halves_that_differ_stay() -> None:
    proofs = sc.check(SIGMOID.replace("np.exp(x[neg])", "np.exp(2 * x[neg])"), "gate", explain=False)
    assert proofs["x"].holds is not True and "where" in proofs["x"].operator.source


def test_what_a_formula_holds_often_is_a_statement_of_its_own() -> None:
    proofs = sc.check(GATES, "gates", explain=False)
    assert len(proofs["x"].operator.statements) > 1 and proofs["x"].holds is False
