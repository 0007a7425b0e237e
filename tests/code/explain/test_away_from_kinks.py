"""Functions with kinks whose gradients are wrong away from them: no convention makes those right."""

from __future__ import annotations

import symconv as sc


def test_a_wrong_gradient_away_from_kinks_is_wrong() -> None:
    code = """
import numpy as np

def f_forward(x, w):
    N, D = x.shape
    s = np.maximum(x @ w, 0)
    e = np.exp(s)
    return e / e.sum(axis=1, keepdims=True), (x, w, s, e)

def f_backward(dout, cache):
    x, w, s, e = cache
    p = e / e.sum(axis=1, keepdims=True)
    ds = p * (dout - (dout * p).sum(axis=1, keepdims=True)) * (s > 0)
    return ds @ w.T, x.T @ ds
"""
    assert sc.check(code, explain=False).holds
    for old, new in (("dout * p", "dout"), ("ds @ w.T", "2 * ds @ w.T"), ("x.T @ ds", "x.T @ dout")):
        found = sc.check(code.replace(old, new), explain=False)
        assert found.holds is False and any(one.counterexample is not None for one in found.values())
