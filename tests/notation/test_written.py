"""Lengths of axes in the indices of a formula, against arrays turned by NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv.errors import SpecError

RNG = np.random.default_rng(11)
X = RNG.integers(-4, 5, (2, 3, 9)).astype(float)
V = RNG.integers(-4, 5, (4, 3, 9)).astype(float)
W = RNG.integers(-4, 5, (4, 3, 3)).astype(float)
Z = RNG.integers(-4, 5, (2, 3, 7)).astype(float)
M = RNG.integers(-4, 5, (4, 5)).astype(float)


def _windows(x: np.ndarray, w: np.ndarray, low: int = 0, high: int = 0) -> np.ndarray:
    wide = np.pad(x, ((0, 0), (0, 0), (low, high)))
    cut = np.lib.stride_tricks.sliding_window_view(wide, w.shape[2], axis=2)
    return np.einsum("ncik,fck->nfi", cut, w)


SUMS = np.lib.stride_tricks.sliding_window_view(X, 3, axis=2).sum(-1)
CASES = (
    ("y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,K-1-p])", {}, (X, W), _windows(X, W[:, :, ::-1])),
    ("y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,-p+R-1])", {}, (X, W), _windows(X, W[:, :, ::-1])),
    ("y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,size(p)-1-p])", {}, (X, W), _windows(X, W[:, :, ::-1])),
    ("y[n,f,i] = sum[c,p](x[n,c,i+p-K//2]*w[f,c,p])", {"i": "L"}, (X, W), _windows(X, W, 1, 1)),
    ("y[n,f,i] = sum[c,p](x[n,c,i+p-K+1]*w[f,c,p])", {"i": "L"}, (X, W), _windows(X, W, 2, 0)),
    ("y[n,c,i] = x[n,c,L-1-i]", {}, (X,), X[:, :, ::-1]),
    ("y[n,c,i] = (x[n,c,i] + x[n,c,L-1-i])/2", {}, (X,), (X + X[:, :, ::-1]) / 2),
    ("y[n,c,i] = x[n,C-1-c,i]", {}, (X,), X[:, ::-1]),
    ("y[n,c,i] = x[n,c,i] - x[n,c,L-1]", {}, (X,), X - X[:, :, -1:]),
    ("y[n,c,i] = x[n,c,L-1-2*i]", {"i": "(L+1)//2"}, (X,), X[:, :, ::-2]),
    ("y[n,c,i] = sum[p](x[n,c,i+p])*z[n,c,L-1-i]", {"p": 3}, (X, Z), SUMS * Z[:, :, ::-1]),
    ("y[n,c,i] = sum[p](x[n,c,i+p])*z[n,c,OL-1-i]", {"p": 3}, (X, Z), SUMS * Z[:, :, ::-1]),
    ("y[i,j] = x[N-1-j,i]", {}, (M,), np.rot90(M, -1)),
    ("y[n,f] = sum[c,k](x[n,c,k]*v[f,c,T-1-k])", {}, (X, V), np.einsum("nck,fck->nf", X, V[:, :, ::-1])),
    ("u[n,c,i] = x[n,c,L-1-i]; y[n,f,i] = sum[c,p](u[n,c,i+p]*w[f,c,K-1-p])", {}, (X, W),
     _windows(X[:, :, ::-1], W[:, :, ::-1])),
)  # fmt: skip


@pytest.mark.parametrize(("source", "extents", "arrays", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_lengths_in_indices_mean_what_numpy_does(source, extents, arrays, wanted):
    op = sc.operator(source, extents=extents)
    assert np.array_equal(sc.build(op, dtype="float64").forward(*arrays), wanted)
    assert sc.verify(op)


def test_an_axis_is_called_as_the_formula_calls_it():
    op = sc.operator("y[n,f,i,j] = sum[c,p,q](x[n,c,2*i+p-1,j+q]*w[f,c,R-1-p,S-1-q])")
    assert [str(size) for size in op.inputs[1].sizes] == ["F", "C", "R", "S"]
    assert op.output_shape(x=(2, 3, 9, 8), w=(4, 3, 3, 2)) == (2, 4, 5, 7)
    square = sc.operator("y[i,j] = x[N-1-j,N-1-i]")
    with pytest.raises(SpecError, match=r"x has shape \(4, 5\)"):
        square.output_shape(x=(4, 5))


def test_a_turned_kernel_is_as_fast_a_sum_as_a_plain_one():
    from symconv import pipeline
    from symconv.options import Options

    def names(source: str) -> list[list[str]]:
        unit = pipeline.unit(sc.operator(source), Options(target="portable"), every=True)
        return [[c.schedule.name for c in cs] for entry in unit.entries for cs in entry.outputs]

    turned = names("y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,K-1-p])")
    assert turned == names("y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,p])")


def test_claims_about_a_turned_kernel():
    op = sc.operator("y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,K-1-p])")
    assert sc.prove(op, "gw[f,c,p] = sum[n,i](gy[n,f,i]*x[n,c,i+K-1-p])").holds
    assert not sc.prove(op, "gw[f,c,p] = sum[n,i](gy[n,f,i]*x[n,c,i+p])").holds
    assert sc.prove(op, "gx = conv_transpose(gy, flip(w))").holds
    assert not sc.prove(op, "gx = conv_transpose(gy, w)").holds


@pytest.mark.parametrize(
    ("source", "extents", "said"),
    [
        ("y[n,c,i] = x[n,c,S*i]", {}, "'S' is no index here.*params={'S': 2}"),
        ("y[n,c,i] = x[n,c,i] - x[n,c,I-1]", {}, r"'I' is neither an index \(c, i, n\), nor a size \(C, L, N\)"),
        ("y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,K-1-p])", {"p": 3},
         "K-1-p counts from the end where p runs to K; it runs to 3 here"),
        ("y[n,c,i] = x[n,c,N-1-i]", {}, "the extent of i does not follow"),
        ("y[n,f,i] = sum[c,p](x[n,c,i+p-K//2]*w[f,c,p])", {}, r"the low pad of x is \(K//2\).*'\(K//2\) \+ L'"),
        ("y[n,c,i] = u[i]*z[n,c,M-1-i]", {"i": "L"}, "M-1-i counts from the end where i runs to M; it runs to L here"),
    ],
)  # fmt: skip
def test_what_is_no_length_is_said(source, extents, said):
    with pytest.raises(SpecError, match=said):
        sc.operator(source, extents=extents)


def test_one_number_is_written_with_empty_brackets() -> None:
    op = sc.operator("y[n,i] = sum[p](x[n,i+p]*w[p]) + b[]", extents={"p": 2})
    assert [len(one.axes) for one in op.inputs] == [2, 1, 0]
    assert sc.operator(op.source, extents={"p": 2}) == op
    kernel = sc.build(op, dtype="float64")
    x, w, b = RNG.integers(-4, 5, (2, 6)).astype(float), np.array([1.0, -2.0]), np.array(3.0)
    assert (kernel(x, w, b) == x[:, :-1] - 2 * x[:, 1:] + 3).all()
    assert kernel.backward(np.ones((2, 5)), x, w, b).b == 10
    assert sc.prove(op, "gb = sum(gy)").holds and not sc.prove(op, "gb = sum(gy, axis=0)").holds


@pytest.mark.parametrize("formula", ["y[i] = sum[](x[i])", "y[i] = x[i] + max[]", "y[i] = x[]"])
def test_empty_brackets_where_something_is_missing(formula: str) -> None:
    with pytest.raises(SpecError):
        sc.operator(formula)
