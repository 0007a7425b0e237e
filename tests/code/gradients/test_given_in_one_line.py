"""Gradients of biases that keep axes: wherever they are set, they say that biases are columns."""

from __future__ import annotations

import pytest

import symconv as sc

TEXT = """
import numpy as np
def pair_forward(xt, a, parameters):
    Wf = parameters["Wf"]
    bf = parameters["bf"]
    f = np.dot(Wf, xt) + bf
    return f * a, (xt, f, a, parameters)
def pair_backward(dout, cache):
    xt, f, a, parameters = cache
    df = dout * a
    SET
    return {"dxt": parameters["Wf"].T @ df, "da": dout * f, "dWf": dWf, "dbf": DBF}
"""
SUM = "np.sum(df, axis=1, keepdims=True)"


@pytest.mark.parametrize(
    ("set_", "dbf"),
    [
        (f"dWf, dbf = df @ xt.T, {SUM}", "dbf"),
        ("dWf = df @ xt.T", SUM),
        pytest.param(f"dWf = df @ xt.T\n    dbf = {SUM}", "dbf", marks=pytest.mark.full),
    ],
)
def test_biases_are_columns(set_: str, dbf: str) -> None:
    found = sc.check(TEXT.replace("SET", set_).replace("DBF", dbf), explain=False)
    assert found.holds, str(found)
    assert len(found) == 4
