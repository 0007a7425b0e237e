# ruff: noqa: RUF059 -- the functions are what people write
"""Normalisations: hand-written gradients as code, each run as it stands against differences of its forward."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import symconv as sc

BATCH = """m[d] = mean[n](x[n,d])
v[d] = mean[n]((x[n,d]-m[d])**2)
y[n,d] = gamma[d]*(x[n,d]-m[d])/sqrt(v[d]+1/1000)+beta[d]"""
SPATIAL = """m[c] = mean[n,i,j](x[n,c,i,j])
v[c] = mean[n,i,j]((x[n,c,i,j]-m[c])**2)
y[n,c,i,j] = gamma[c]*(x[n,c,i,j]-m[c])/sqrt(v[c]+1/1000)+beta[c]"""
LAYER = """m[n] = mean[d](x[n,d])
v[n] = mean[d]((x[n,d]-m[n])**2)
y[n,d] = gamma[d]*(x[n,d]-m[n])/sqrt(v[n]+1/1000)+beta[d]"""
RMS = "y[n,d] = x[n,d]*g[d]/sqrt(mean[e](x[n,e]**2)+1/1000)"
EPS = 1e-3


def normalised(x, axes, gamma, beta):
    mean = x.mean(axis=axes, keepdims=True)
    var = ((x - mean) ** 2).mean(axis=axes, keepdims=True)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return gamma.reshape(shape) * (x - mean) / np.sqrt(var + EPS) + beta.reshape(shape)


def batch_staged(dout, x, gamma, beta):
    N, D = dout.shape
    mu = 1.0 / N * np.sum(x, axis=0)
    xmu = x - mu
    var = 1.0 / N * np.sum(xmu**2, axis=0)
    sqrtvar = np.sqrt(var + 1e-3)
    ivar = 1.0 / sqrtvar
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * (xmu * ivar), axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + 1e-3) * dsqrtvar
    dsq = 1.0 / N * np.ones((N, D)) * dvar
    dxmu2 = 2 * xmu * dsq
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx = dxmu1 + dxmu2 + 1.0 / N * np.ones((N, D)) * dmu
    return dx, dgamma, dbeta


def batch_short(dout, x, gamma, beta):
    N = dout.shape[0]
    std = np.sqrt(x.var(axis=0) + 1e-3)
    xhat = (x - x.mean(axis=0)) / std
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    return gamma / (N * std) * (N * dout - dbeta - xhat * dgamma), dgamma, dbeta


def batch_without_mean(dout, x, gamma, beta):
    N = dout.shape[0]
    std = np.sqrt(x.var(axis=0) + 1e-3)
    xhat = (x - x.mean(axis=0)) / std
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    return gamma / (N * std) * (N * dout - xhat * dgamma), dgamma, dbeta


def batch_without_variance(dout, x, gamma, beta):
    N = dout.shape[0]
    std = np.sqrt(x.var(axis=0) + 1e-3)
    xhat = (x - x.mean(axis=0)) / std
    dbeta = dout.sum(axis=0)
    return gamma / (N * std) * (N * dout - dbeta), (dout * xhat).sum(axis=0), dbeta


def batch_scaled_twice(dout, x, gamma, beta):
    N = dout.shape[0]
    var = x.var(axis=0) + 1e-3
    xhat = (x - x.mean(axis=0)) / np.sqrt(var)
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    return gamma / (N * var) * (N * dout - dbeta - xhat * dgamma), dgamma, dbeta


def batch_other_eps(dout, x, gamma, beta):
    N = dout.shape[0]
    std = np.sqrt(x.var(axis=0) + 1e-2)
    xhat = (x - x.mean(axis=0)) / std
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    return gamma / (N * std) * (N * dout - dbeta - xhat * dgamma), dgamma, dbeta


def spatial(dout, x, gamma, beta):
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    std = np.sqrt(((x - mean) ** 2).mean(axis=(0, 2, 3), keepdims=True) + 1e-3)
    xhat = (x - mean) / std
    N, C, H, W = dout.shape
    count = N * H * W
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * xhat).sum(axis=(0, 2, 3))
    inner = count * dout - dbeta[None, :, None, None] - xhat * dgamma[None, :, None, None]
    return gamma[None, :, None, None] / std / count * inner, dgamma, dbeta


def spatial_of_one_sample(dout, x, gamma, beta):
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    std = np.sqrt(((x - mean) ** 2).mean(axis=(0, 2, 3), keepdims=True) + 1e-3)
    xhat = (x - mean) / std
    N, C, H, W = dout.shape
    count = H * W
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * xhat).sum(axis=(0, 2, 3))
    inner = count * dout - dbeta[None, :, None, None] - xhat * dgamma[None, :, None, None]
    return gamma[None, :, None, None] / std / count * inner, dgamma, dbeta


def layer_staged(dout, x, gamma, beta):
    N, D = x.shape
    mu = np.mean(x, axis=1, keepdims=True)
    var = np.var(x, axis=1, keepdims=True)
    ivar = 1.0 / np.sqrt(var + 1e-3)
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * ((x - mu) * ivar), axis=0)
    dxhat = dout * gamma
    dvar = np.sum(dxhat * (x - mu) * -0.5 * ivar**3, axis=1, keepdims=True)
    dmu = np.sum(-dxhat * ivar, axis=1, keepdims=True) + dvar * np.mean(-2.0 * (x - mu), axis=1, keepdims=True)
    return dxhat * ivar + dvar * 2.0 * (x - mu) / D + dmu / D, dgamma, dbeta


def layer_over_samples(dout, x, gamma, beta):
    N, D = x.shape
    mu = np.mean(x, axis=1, keepdims=True)
    ivar = 1.0 / np.sqrt(np.var(x, axis=1, keepdims=True) + 1e-3)
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * ((x - mu) * ivar), axis=0)
    dxhat = dout * gamma
    dvar = np.sum(dxhat * (x - mu) * -0.5 * ivar**3, axis=1, keepdims=True)
    dmu = np.sum(-dxhat * ivar, axis=1, keepdims=True)
    return dxhat * ivar + dvar * 2.0 * (x - mu) / N + dmu / N, dgamma, dbeta


def rms(dout, x, g):
    D = x.shape[-1]
    r = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-3)
    dxn = dout * g
    return dxn / r - x * np.sum(dxn * x, axis=-1, keepdims=True) / (D * r**3), np.sum(dout * x / r, axis=0)


def rms_without_count(dout, x, g):
    r = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-3)
    dxn = dout * g
    return dxn / r - x * np.sum(dxn * x, axis=-1, keepdims=True) / r**3, np.sum(dout * x / r, axis=0)


def _rms(x, g):
    return x * g / np.sqrt(np.mean(x**2, axis=1, keepdims=True) + EPS)


MATRICES = ((1, 1), (2, 3), (3, 2), (4, 5), (1, 4))
IMAGES = ((1, 2, 1, 1), (2, 1, 3, 2), (2, 3, 2, 3))
RIGHT = [
    (BATCH, batch_staged, lambda *a: normalised(a[0], 0, *a[1:]), MATRICES),
    (BATCH, batch_short, lambda *a: normalised(a[0], 0, *a[1:]), MATRICES),
    (SPATIAL, spatial, lambda *a: normalised(a[0], (0, 2, 3), *a[1:]), IMAGES),
    (LAYER, layer_staged, lambda *a: normalised(a[0], 1, *a[1:]), MATRICES),
    (RMS, rms, _rms, MATRICES),
]
WRONG = [
    (BATCH, batch_without_mean, lambda *a: normalised(a[0], 0, *a[1:]), MATRICES),
    (BATCH, batch_without_variance, lambda *a: normalised(a[0], 0, *a[1:]), MATRICES),
    (BATCH, batch_scaled_twice, lambda *a: normalised(a[0], 0, *a[1:]), MATRICES),
    (BATCH, batch_other_eps, lambda *a: normalised(a[0], 0, *a[1:]), MATRICES),
    (SPATIAL, spatial_of_one_sample, lambda *a: normalised(a[0], (0, 2, 3), *a[1:]), IMAGES),
    (LAYER, layer_over_samples, lambda *a: normalised(a[0], 1, *a[1:]), MATRICES),
    (RMS, rms_without_count, _rms, MATRICES),
]


def _differs(backward: Callable, forward: Callable, shape: tuple[int, ...], parameters: int) -> list[bool]:
    """Which of the results of ``backward`` are not the slopes that differences of ``forward`` show."""
    rng = np.random.default_rng(5)
    given = [rng.normal(size=shape), *(rng.normal(size=shape[1]) for _ in range(parameters))]
    cotangent = rng.normal(size=shape)
    answers = []
    for position, got in enumerate(backward(cotangent, *given)):
        want = np.empty_like(given[position])
        for cell in np.ndindex(want.shape):
            sides = []
            for step in (1e-5, -1e-5):
                moved = [one.copy() for one in given]
                moved[position][cell] += step
                sides.append(np.sum(forward(*moved) * cotangent))
            want[cell] = (sides[0] - sides[1]) / 2e-5
        answers.append(not np.allclose(got, want, rtol=1e-4, atol=1e-6))
    return answers


@pytest.mark.parametrize(("formula", "backward", "forward", "shapes"), RIGHT, ids=lambda v: getattr(v, "__name__", ""))
def test_right_ones_are_proved(formula: str, backward: Callable, forward: Callable, shapes: tuple) -> None:
    op = sc.operator(formula)
    assert not any(any(_differs(backward, forward, shape, len(op.tensors) - 1)) for shape in shapes)
    proofs = sc.prove(op, backward)
    assert proofs.holds, str(proofs)
    assert "fractions, roots and functions" in proofs["x"].text()


@pytest.mark.full
@pytest.mark.parametrize(("formula", "backward", "forward", "shapes"), WRONG, ids=lambda v: getattr(v, "__name__", ""))
def test_wrong_ones_are_refuted(formula: str, backward: Callable, forward: Callable, shapes: tuple) -> None:
    op = sc.operator(formula)
    wrong = np.any([_differs(backward, forward, shape, len(op.tensors) - 1) for shape in shapes], axis=0)
    assert wrong.any()
    proofs = sc.prove(op, backward)
    assert [proof.holds for proof in proofs.values()] == [not bad for bad in wrong]


CLAIMS = (
    ("y[n] = (sum[d](x[n,d]))**2", {
        "y = sum(x*x, 1)": False,
        "y[n] = sum[d,e](x[n,d]*x[n,e])": True,
        "gx[n,d] = 2*gy[n]*sum[e](x[n,e])": True,
        "gx[n,d] = 2*gy[n]*x[n,d]": False,
    }),
    ("m[n] = mean[d](x[n,d])\ny[n] = sum[d]((x[n,d]-m[n])**2)", {
        "gx[n,d] = 2*gy[n]*(x[n,d]-m[n])": True,
        "gx[n,d] = 2*gy[n]*(x[n,d]-m[n])*(1-1/D)": False,
        "y[n] = sum[d](x[n,d]**2) - D*m[n]**2": True,
        "y[n] = sum[d](x[n,d]**2) - m[n]**2": False,
    }),
    ("y[n,d] = x[n,d]*w[n,d]", {
        # Equal where they have a value, and without one where the gradient has one.
        "gx[n,d] = gy[n,d]*sqrt(w[n,d])**2": None,
        "gx[n,d] = gy[n,d]*exp(log(w[n,d]))": None,
        "gx[n,d] = gy[n,d]*sqrt(w[n,d]**2)": False,
    }),
    ("y[n] = log(sum[k](exp(x[n,k]))) - sum[k](t[n,k]*x[n,k])", {
        "gx = (softmax(x, 1) - t)*gy[:, None]": True,
    }),
    ("s[n,c,i] = 2 + sum[k<3](x[n,c+k-1,i]**2)/3\ny[n,c,i] = x[n,c,i]*s[n,c,i]**(-3/4)", {
        "gx[n,c,i] = gy[n,c,i]*s[n,c,i]**(-3/4) - x[n,c,i]/2*sum[k<3](gy[n,c+k-1,i]*y[n,c+k-1,i]/s[n,c+k-1,i])": True,
        "gx[n,c,i] = gy[n,c,i]*s[n,c,i]**(-3/4) - x[n,c,i]/2*sum[d: d<=c+1, d>=c-1](gy[n,d,i]*y[n,d,i]/s[n,d,i])":
            True,
    }),
)  # fmt: skip


@pytest.mark.parametrize(("formula", "claim", "holds"), [(f, c, h) for f, claims in CLAIMS for c, h in claims.items()])
def test_claims_over_shared_sums(formula: str, claim: str, holds: bool | None) -> None:
    assert sc.prove(sc.operator(formula), claim).holds is holds
