"""Sums beside something that depends on more are made once, and those that differ in names of indices alone are one."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv.derive.nested import unnest
from symconv.notation.expr import Reduce, walk

RNG = np.random.default_rng(3)
X = RNG.standard_normal((2, 3, 7))
Q, K, V = (RNG.standard_normal(s) for s in ((5, 3), (6, 3), (6, 2)))


def _softmax(a: np.ndarray) -> np.ndarray:
    e = np.exp(a - a.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _statements(source: str) -> dict[str, tuple[str, ...]]:
    """What is computed, each with its indices."""
    return {s.target.name: s.indices for s in unnest(sc.operator(source)).statements}


CASES = (
    ("y[n,c,i] = x[n,c,i]/norm[j](x[n,c,j])", (X,), X / np.linalg.norm(X, axis=-1, keepdims=True), ("n", "c")),
    ("y[n,c,i] = x[n,c,i] - mean[j](x[n,c,j])", (X,), X - X.mean(-1, keepdims=True), ("n", "c")),
    ("y[n,c,i] = x[n,c,i] - max[m,j](x[m,c,j])", (X,), X - X.max((0, 2), keepdims=True), ("c",)),
    ("y[n,c,i] = x[n,c,i]/sqrt(sum[m,d,j](x[m,d,j]**2))", (X,), X / np.sqrt((X**2).sum()), ()),
    ("y[i,j] = sum[d](q[i,d]*k[j,d])/norm[d](q[i,d])", (Q, K), Q @ K.T / np.linalg.norm(Q, axis=1)[:, None], ("i",)),
)


@pytest.mark.parametrize(("source", "arrays", "wanted", "indices"), CASES, ids=[case[0] for case in CASES])
def test_a_sum_that_depends_on_less_is_made_once(source, arrays, wanted, indices) -> None:
    op = sc.operator(source)
    assert list(_statements(source).values())[:-1] == [indices]
    assert np.allclose(sc.build(op, dtype="float64").forward(*arrays), wanted, rtol=1e-12)
    assert sc.verify(op)
    assert sc.validate(op)


def test_a_variance_reads_the_mean_beside_it() -> None:
    source = "y[n,c,i] = (x[n,c,i] - mean[j](x[n,c,j]))/sqrt(var[k](x[n,c,k]) + 1/1000)"
    found = unnest(sc.operator(source))
    assert [s.indices for s in found.statements] == [("n", "c"), ("n", "c"), ("n", "c", "i")]
    assert not any(isinstance(node, Reduce) for node in walk(found.statements[-1].expr))
    wanted = (X - X.mean(-1, keepdims=True)) / np.sqrt(X.var(-1, keepdims=True) + 1e-3)
    assert np.allclose(sc.build(sc.operator(source), dtype="float64").forward(X), wanted, rtol=1e-12)
    assert sc.verify(sc.operator(source))


def test_scores_of_attention_are_made_once() -> None:
    op = sc.operator("y[i,d] = sum[j](softmax[j](sum[e](q[i,e]*k[j,e]))*v[j,d])")
    text = str(sc.derive(op, "q")).partition("\n1.")[0]
    assert text.count("Σ e=0..E−1 q[i,e]·k[") == 1
    kernel = sc.build(op, dtype="float64")
    assert np.allclose(kernel.forward(Q, K, V), _softmax(Q @ K.T) @ V, rtol=1e-12)
    assert sc.verify(op)


def test_functions_that_depend_on_less_than_the_terms_are_made_once() -> None:
    weights = "y[i,d] = sum[j](exp(sum[e](q[i,e]*k[j,e]))*v[j,d])"
    assert list(_statements(weights).values()) == [("i", "j"), ("i", "j"), ("i", "d")]
    kernels = sc.operator("y[n,f,i] = sum[c,p](x[n,c,2*i+p-1]*tanh(w[f,c,p]))")
    assert [s.indices for s in unnest(kernels).statements] == [("f", "c", "p"), ("n", "f", "i")]
    assert sc.verify(kernels)
    assert sc.validate(kernels)
    assert "gw[f,c,p] = gy1[f,c,p]·(1 − tanh(w[f,c,p])^2)" in str(sc.derive(kernels, "w"))


@pytest.mark.parametrize(
    "source",
    [
        "y[n,f,i] = sum[c,p](tanh(x[n,c,i+p])*w[f,c,p])",
        "y[i,d] = sum[j](exp(q[i] - k[j] - v[d]))",
        "y[i,d] = sum[j<=i](exp(q[i]*k[j])*v[j,d])",
        "y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,p]) + b[f]",
        "y[n,c,i] = x[n,c,i]*w[i//2]",
        "y[n,c,i] = tanh(sum[p](x[n,c,i+p]*w[c,p]))",
    ],
)
def test_other_formulas_are_left(source) -> None:
    extents = {"i": "2*L"} if "//" in source else {}
    op = sc.operator(source, extents=extents)
    assert unnest(op) is op


def test_sums_that_differ_stay_apart() -> None:
    first, second, third = "norm[j](x[n,c,j])", "norm[k: k>=1](x[n,c,k])", "norm[m](x[m,c,i])"
    found = _statements(f"y[n,c,i] = x[n,c,i]/{first} + x[n,c,i]/{second} + x[n,c,i]/{third} + {first}")
    assert list(found.values())[:-1] == [("n", "c"), ("n", "c"), ("c", "i")]
