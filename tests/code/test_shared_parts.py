"""What a layer computes once and uses often: kept as one, by halves that are equal, and read once for all gradients."""

from __future__ import annotations

import pytest

import symconv as sc
from symconv.code.gradients.operators import operators_of
from symconv.code.source.program import program
from symconv.notation.expr import reads

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
    return np.tanh(d * w + d * c)
"""


def test_a_sigmoid_by_halves_is_one_formula() -> None:
    proofs = sc.check(SIGMOID, "gate", explain=False)
    assert proofs.holds and "where" not in proofs["x"].operator.source


@pytest.mark.full
def test_halves_that_differ_stay() -> None:
    proofs = sc.check(SIGMOID.replace("np.exp(x[neg])", "np.exp(2 * x[neg])"), "gate", explain=False)
    assert proofs["x"].holds is not True and "where" in proofs["x"].operator.source


def test_what_a_formula_holds_often_is_a_statement_of_its_own() -> None:
    source = program(GATES)
    op, _ = next(operators_of(source, source.function("gates_forward"), {}))
    written = [len(list(reads(one.expr))) for one in op.statements]
    assert len(op.statements) == 4 and sum(written) < 16
