"""Conditions on what a reduction runs over, against the same sums in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv.errors import SpecError

RNG = np.random.default_rng(5)
X = RNG.integers(-4, 5, (2, 3, 7)).astype(float)
A = RNG.integers(-4, 5, (4, 6)).astype(float)
Q, K, V = (RNG.integers(-3, 4, s).astype(float) for s in ((5, 3), (5, 3), (5, 2)))
RUN = np.cumsum(X, -1)
ALL = X.sum(-1, keepdims=True)


def _softmax(a: np.ndarray, where: np.ndarray) -> np.ndarray:
    e = np.where(where, np.exp(a - a.max()), 0.0)
    return e / e.sum(-1, keepdims=True)


CASES = (
    ("y[n,c,i] = sum[k<=i](x[n,c,k])", {}, (X,), RUN),
    ("y[n,c,i] = sum[k: k<=i](x[n,c,k])", {}, (X,), RUN),
    ("y[n,c,i] = sum[0<=k<=i](x[n,c,k])", {}, (X,), RUN),
    ("y[n,c,i] = sum[1<=k<=i](x[n,c,k])", {}, (X,), RUN - X[:, :, :1]),
    ("y[n,c,i] = sum[k<i](x[n,c,k])", {}, (X,), RUN - X),
    ("y[n,c,i] = sum[j>i](x[n,c,j])", {}, (X,), ALL - RUN),
    ("y[n,c,i] = sum[i<j](x[n,c,j])", {}, (X,), ALL - RUN),
    ("y[n,c,i] = sum[j!=i](x[n,c,j])", {}, (X,), ALL - X),
    ("y[n,c,i] = sum[j, j!=i](x[n,c,j])", {}, (X,), ALL - X),
    ("y[n,c,i] = sum[k==i](x[n,c,k])", {}, (X,), X),
    ("y[n,c,i] = sum[j>=1](x[n,c,j])*x[n,c,i]", {}, (X,), X * (ALL - X[:, :, :1])),
    ("y[n,c,i] = sum[2*k<=i](x[n,c,k])", {"i": 9}, (X,), RUN[:, :, np.arange(9) // 2]),
    ("y[n,c,i] = max[k<=i](x[n,c,k])", {}, (X,), np.maximum.accumulate(X, -1)),
    ("y[n,c,i] = mean[k<=i](x[n,c,k])", {}, (X,), RUN / np.arange(1, 8)),
    ("y[n,c,i] = prod[k<=i](x[n,c,k])", {}, (X,), np.cumprod(X, -1)),
    ("y[n,c,i] = norm[i>=k](x[n,c,k])", {}, (X,), np.sqrt(np.cumsum(X**2, -1))),
    ("y[n,c,i] = logsumexp[k<=i](x[n,c,k])", {}, (X,), np.logaddexp.accumulate(X, -1)),
    ("y[n,c,i] = var[i>=k](x[n,c,k])", {}, (X,), np.stack([X[:, :, : i + 1].var(-1) for i in range(7)], -1)),
    ("y[n,c,i] = sum[i-2<=k<=i](x[n,c,k])", {}, (X,), RUN - np.pad(RUN, ((0, 0), (0, 0), (3, 0)))[:, :, :7]),
    ("y[n,c,i] = max[k: i-3 < k <= i](x[n,c,k])", {}, (X,),
     np.stack([X[:, :, max(0, i - 2) : i + 1].max(-1) for i in range(7)], -1)),
    ("y[n,c,i] = mean[i-1<=k<=i+1](x[n,c,k])", {}, (X,),
     np.stack([X[:, :, max(0, i - 1) : i + 2].mean(-1) for i in range(7)], -1)),
    ("y = sum[i<j](a[i,j])", {}, (A,), np.triu(A, 1).sum()),
    ("y[j] = sum[k: 0 <= j-k < 2](a[k,j])", {}, (A,), np.array([sum(A[k, j] for k in range(4) if 0 <= j - k < 2)
                                                                 for j in range(6)])),
    ("y[i,d] = sum[j<=i](sum[e](q[i,e]*k[j,e])*v[j,d])", {}, (Q, K, V), np.tril(Q @ K.T) @ V),
    ("y[i,d] = sum[j](softmax[j<=i](sum[e](q[i,e]*k[j,e]))*v[j,d])", {}, (Q, K, V),
     _softmax(Q @ K.T, np.tri(5, dtype=bool)) @ V),
    ("y[i,j] = softmax[j>=1](a[i,j])", {}, (A,), _softmax(A, np.arange(6) >= 1)),
    ("y[i,j] = softmax[1 <= j < 4](a[i,j])", {}, (A[:, :4],), _softmax(A[:, :4], np.arange(4) >= 1)),
    ("y[i,j] = softmax[j != 2](a[i,j])", {}, (A,), _softmax(A, np.arange(6) != 2)),
    ("y[i,j] = softmax[j, i>=j](a[i,j])", {}, (A,), _softmax(A, np.tri(4, 6, dtype=bool))),
)  # fmt: skip


@pytest.mark.parametrize(("source", "extents", "arrays", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_conditions_choose_the_terms(source, extents, arrays, wanted) -> None:
    op = sc.operator(source, extents=extents)
    got = sc.build(op, dtype="float64").forward(*arrays)
    assert got.shape == wanted.shape and np.allclose(got, wanted, rtol=1e-12, atol=1e-12)
    assert sc.verify(op)


@pytest.mark.parametrize("source", ["y[n,c,i] = sum[k<=i](x[n,c,k])", "y[n,c,i] = sum[j!=i](x[n,c,j])"])
def test_what_is_generated_is_proved(source) -> None:
    assert sc.validate(sc.operator(source))


def test_a_gradient_has_the_conditions_as_bounds() -> None:
    running = sc.operator("y[n,c,i] = sum[k<=i](x[n,c,k])")
    assert "Σ i=k..K−1 gy[n,c,i]" in str(sc.derive(running, "x"))
    assert sc.prove(running, "gx[n,c,k] = sum[i>=k](gy[n,c,i])").holds
    wrong = sc.prove(running, "gx[n,c,k] = sum[i>k](gy[n,c,i])")
    assert not wrong.holds and wrong.counterexample is not None
    others = sc.operator("y[n,c,i] = sum[j!=i](x[n,c,j])")
    assert sc.prove(others, "gx[n,c,j] = sum[i](gy[n,c,i]) - gy[n,c,j]").holds
    assert not sc.prove(others, "gx[n,c,j] = sum[i](gy[n,c,i])").holds


def test_a_masked_softmax_stays_finite() -> None:
    kernel = sc.build(sc.operator("y[i,j] = softmax[j<=i](a[i,j])"), dtype="float64")
    a = np.array([[1000.0, 2000.0, 5.0], [0.0, 999.0, 5000.0], [3.0, 4.0, 5.0]])
    assert np.array_equal(kernel.forward(a)[:2], [[1, 0, 0], [0, 1, 0]])
    assert np.isfinite(kernel.backward(np.ones((3, 3)), a).a).all()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("y[n,c,i] = prod[k!=i](x[n,c,k])", "!= stands in a sum"),
        ("y[n,c,i] = sum[k<=i//2](x[n,c,k])", r"k <= i//2 is written 2\*k <= i"),
        ("y[n,c,i] = x[n,c,i] - mean[i](x[n,c,i])", r"'i' is already in use here; .* is free, as mean\[j\]"),
        ("y[i,j] = log_softmax[j<=i](a[i,j])", r"log_softmax is -inf where .* softmax\[j<=i\] is 0"),
        ("y[i] = x[i: 3]", r"expected '\]'"),
        ("y[n] = sum[i+1](x[n,i])", "runs over index names"),
    ],
)
def test_what_cannot_be_is_said(source, said) -> None:
    with pytest.raises(SpecError, match=said):
        sc.operator(source)
