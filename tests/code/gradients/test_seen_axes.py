"""Numbers of axes that subscripts, views and gradients show, where no shape is unpacked."""

from __future__ import annotations

import pytest

import symconv as sc

HEAD = "import numpy as np\n"
LOOPS = (
    HEAD
    + """
def matmul_forward(x, w):
    N, D = x.shape
    D, M = w.shape
    out = np.zeros((N, M))
    for i in range(N):
        for j in range(M):
            for k in range(D):
                out[i, j] += x[i, k] * w[k, j]
    return out, (x, w)
def matmul_backward(dout, cache):
    x, w = cache
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for i in range(dout.shape[0]):
        for j in range(dout.shape[1]):
            for k in range(x.shape[1]):
                dx[i, k] += dout[i, j] * w[k, j]
                dw[k, j] += dout[i, j] * x[i, k]
    return dx, dw
"""
)
FLAT = (
    HEAD
    + """
def affine_forward(x, w):
    N = x.shape[0]
    return x.reshape(N, -1).dot(w), (x, w)
def affine_backward(dout, cache):
    x, w = cache
    return dout.dot(w.T).reshape(x.shape), x.reshape(x.shape[0], -1).T.dot(dout)
"""
)
OUTER = (
    HEAD
    + """
def outer_forward(a, b):
    return np.outer(a, b), (a, b)
def outer_backward(dout, cache):
    a, b = cache
    return dout @ b, dout.T @ a
"""
)
TRACE = (
    HEAD
    + """
def trace_forward(A, B):
    return np.trace(A @ B), (A, B)
def trace_backward(dout, cache):
    A, B = cache
    return dout * B.T, dout * A.T
"""
)
RIDGE = (
    HEAD
    + """
def ridge_forward(X, y, w):
    r = X.dot(w) - y
    return 0.5 * np.sum(r ** 2), (X, w, r)
def ridge_backward(dout, cache):
    X, w, r = cache
    return dout * np.outer(r, w), -dout * r, dout * X.T.dot(r)
"""
)


@pytest.mark.parametrize(
    ("text", "name", "ranks"),
    [(LOOPS, "matmul", [2, 2]), (FLAT, "affine", [4, 2]), (OUTER, "outer", [1, 1]), (TRACE, "trace", [2, 2])],
)
def test_right_gradients_are_right_with_the_axes_that_are_meant(text: str, name: str, ranks: list[int]) -> None:
    proofs = sc.check(text, name, explain=False)
    assert proofs.holds is True
    op = next(iter(proofs.values())).operator
    assert [len(one.axes) for one in op.inputs] == ranks


@pytest.mark.parametrize(
    ("text", "name", "right", "wrong"),
    [
        (LOOPS, "matmul", "dout[i, j] * x[i, k]", "dout[i, j] * x[i, 0]"),
        (OUTER, "outer", "dout @ b, dout.T @ a", "dout.T @ a, dout @ b"),
        (TRACE, "trace", "dout * B.T", "dout * B"),
    ],
)
def test_wrong_ones_are_wrong(text: str, name: str, right: str, wrong: str) -> None:
    assert right in text
    assert sc.check(text.replace(right, wrong), name, explain=False).holds is False


def test_a_gradient_that_is_not_laid_out_as_its_samples_is_not_right() -> None:
    text = FLAT.replace("dout.dot(w.T).reshape(x.shape)", "dout.dot(w.T)")
    with pytest.raises(sc.SpecError, match=r"right where x has 2.* and wrong where x has 4"):
        sc.check(text, "affine", explain=False)


def test_vectors_beside_a_matrix_are_not_called_wrong() -> None:
    with pytest.raises(sc.SpecError, match="right where x has 2, y has 1, w has 1"):
        sc.check(RIDGE, "ridge", explain=False)
