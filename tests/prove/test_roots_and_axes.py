"""Roots of sizes however they are written, lengths as numbers of formulas, new axes, and products that libraries turn."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc

SCALED = "y[n,f] = sum[c](x[n,c]*w[f,c])/sqrt(C)"
ATTENTION = (
    "s[i,j] = sum[d](q[i,d]*k[j,d])/sqrt(D); p[i,j] = exp(s[i,j])/sum[l](exp(s[i,l])); y[i,e] = sum[j](p[i,j]*v[j,e])"
)


@pytest.mark.parametrize(
    ("root", "right"),
    [
        ("/np.sqrt(C)", True), ("/C**0.5", True), ("*C**-0.5", True), ("/C**.5", True), ("*x.shape[-1]**-0.5", True),
        ("*np.power(C, -0.5)", True), ("/math.sqrt(x.shape[1])", True), ("*C**0.5/C**1.", True), ("*C/C**1.5", True),
        ("/C", False), ("*C**0.5", False), ("/N**0.5", False), ("/F**0.5", False), ("/2.**0.5", False),
    ],
)  # fmt: skip
def test_a_root_of_a_size(root: str, right: bool) -> None:
    op = sc.operator(SCALED)
    assert sc.prove(op, f"gx = (gy @ w){root}").holds is right
    assert sc.prove(op, f"gx[n,c] = sum[f](gy[n,f]*w[f,c]){root}").holds is right


def test_a_root_has_a_name() -> None:
    op = sc.operator(SCALED)
    assert sc.prove(op, "d = x.shape[1]**0.5; gx = gy @ w/d").holds is True
    assert sc.prove(op, "d = x.shape[0]**0.5; gx = gy @ w/d").holds is False
    assert sc.prove(sc.operator("y[n] = sqrt(2)*x[n]"), "gx = 2*gy*2**-0.5").holds is True
    assert sc.prove(sc.operator("y[n] = sqrt(2)*x[n]"), "gx = gy*3**0.5").holds is False


def test_a_length_is_a_number_of_a_formula() -> None:
    op = sc.operator(SCALED)
    x, w = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(4, 3) - 5
    assert np.allclose(sc.build(op, dtype="float64").forward(x, w), x @ w.T / np.sqrt(3))
    assert sc.verify(op)
    assert r"\sqrt{C}" in sc.derive(op, "x").latex()


@pytest.mark.parametrize(
    ("formula", "at"),
    [("y[i] = N*x[i]", 8), ("y[n,f] = sum[c](x[n,c]*w[f,c])/sqrt(Q)", 37), ("s[n] = x[n]*x[n]; y[n] = s[n]/K", 31)],
)
def test_no_length_is_so_called(formula: str, at: int) -> None:
    with pytest.raises(sc.SpecError, match=f"column {at}.*nor a size"):
        sc.operator(formula)


def test_a_number_of_that_name_goes_first() -> None:
    op = sc.operator("y[n,c] = x[n,c]/C", params={"C": 8})
    assert np.array_equal(sc.build(op, dtype="float64").forward(np.full((2, 4), 8.0)), np.ones((2, 4)))


@pytest.mark.parametrize("scale", ["/np.sqrt(D)", "/q.shape[-1]**0.5", ""])
def test_attention_that_is_scaled(scale: str) -> None:
    claim = f"gp = gy @ v.T; gs = p*(gp - (gp*p).sum(1, keepdims=True)); gq = gs @ k{scale}"
    assert sc.prove(sc.operator(ATTENTION), claim).holds is bool(scale)


@pytest.mark.parametrize(
    ("claim", "right"),
    [
        ("gx = gy[:, np.newaxis]*t/x.shape[1]", True),
        ("gx = gy[:, tf.newaxis]*t/K", True),
        ("gx = gy[np.newaxis]*t/K", False),
        ("gx = gy[..., np.newaxis]*t/len(x[0])", True),
        ("gx = np.inner(gy[:, None], np.ones((K, 1)))*t/K", True),
    ],
)
def test_a_new_axis(claim: str, right: bool) -> None:
    assert sc.prove(sc.operator("y[n] = mean[k](x[n,k]*t[n,k])"), claim).holds is right


@pytest.mark.parametrize(
    ("claim", "right"),
    [
        ("gw = tf.matmul(gy, x, transpose_a=True)", True),
        ("gw = tf.linalg.matmul(gy, x, adjoint_a=True)", True),
        ("gw = tf.matmul(gy, x, transpose_a=False, transpose_b=True)", False),
        ("gx = tf.matmul(gy, w.T, transpose_b=True)", True),
        ("gw = torch.einsum('nf,nc->fc', [gy, x])", True),
        ("gw = np.inner(gy.T, x.T)", True),
        ("gw = np.inner(x.T, gy.T)", False),
    ],
)
def test_products_as_libraries_write_them(claim: str, right: bool) -> None:
    assert sc.prove(sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c])"), claim).holds is right


def test_an_option_of_a_product_is_known_or_said() -> None:
    with pytest.raises(sc.SpecError, match="matmul has no option transpose;"):
        sc.prove(sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c])"), "gw = tf.matmul(gy, x, transpose=True)")


@pytest.mark.parametrize(
    ("claim", "right"),
    [
        ("gx = gy/(4*np.cosh(x/2)**2)", True),
        ("gx = gy*expit(x)*expit(-x)", True),
        ("gx = gy*(1 - np.sinh(x/2)**2/np.cosh(x/2)**2)/4", True),
        ("gx = gy/(4*np.cosh(x)**2)", False),
    ],
)
def test_hyperbolic_functions(claim: str, right: bool) -> None:
    assert sc.prove(sc.operator("y[n] = sigmoid(x[n])"), claim).holds is right


def test_a_hypotenuse() -> None:
    op = sc.operator("y[n] = sqrt(x[n]**2 + z[n]**2 + 1)")
    assert sc.prove(op, "gx = gy*x/np.hypot(np.hypot(x, z), 1)").holds is True
    assert sc.prove(op, "gx = gy*x/np.hypot(x, z)").holds is False
    op = sc.operator("y[n] = sqrt(x[n]**2 + 1)")
    assert sc.prove(op, "gx = gy*x/np.hypot(x, 1)").holds is True
    assert sc.prove(op, "gx = gy*x/np.hypot(x, 2)").holds is False
    assert sc.prove(sc.operator("y[n] = sqrt(x[n]**2 + z[n]**2)"), "gx = gy*x/np.hypot(x, z)").holds is True
