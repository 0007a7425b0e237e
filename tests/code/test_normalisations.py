"""Layers that normalise, forward and backward from the code: courses' pairs with what they keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symconv as sc

STAGED = """import numpy as np

def batchnorm_forward(x, gamma, beta, eps=1e-5):
    N, D = x.shape
    mu = 1./N * np.sum(x, axis=0)
    xmu = x - mu
    sq = xmu ** 2
    var = 1./N * np.sum(sq, axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1./sqrtvar
    xhat = xmu * ivar
    out = gamma * xhat + beta
    cache = (xhat, gamma, xmu, ivar, sqrtvar, var, eps)
    return out, cache

def batchnorm_backward(dout, cache):
    xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    N, D = dout.shape
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1. / (sqrtvar**2) * divar
    dvar = 0.5 * 1. / np.sqrt(var + eps) * dsqrtvar
    dsq = 1. / N * np.ones((N, D)) * dvar
    dxmu2 = 2 * xmu * dsq
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1. / N * np.ones((N, D)) * dmu
    return dxmu1 + dxmu2 + dx2, dgamma, dbeta
"""

SHORT = """import numpy as np

def batchnorm_forward(x, gamma, beta, eps=1e-5):
    std = np.sqrt(x.var(axis=0) + eps)
    xhat = (x - x.mean(axis=0)) / std
    return gamma * xhat + beta, (xhat, gamma, std)

def batchnorm_backward(dout, cache):
    xhat, gamma, std = cache
    N = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dx = (gamma / (N * std)) * (N * dout - dbeta - xhat * dgamma)
    return dx, dgamma, dbeta
"""

SPATIAL = """import numpy as np

def norm_forward(x, gamma, beta):
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    std = np.sqrt(((x - mean) ** 2).mean(axis=(0, 2, 3), keepdims=True) + 1e-5)
    xhat = (x - mean) / std
    return gamma.reshape(1, -1, 1, 1) * xhat + beta.reshape(1, -1, 1, 1), (xhat, gamma, std)

def norm_backward(dout, cache):
    xhat, gamma, std = cache
    N, C, H, W = dout.shape
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * xhat).sum(axis=(0, 2, 3))
    rest = N * H * W * dout - dbeta[None, :, None, None] - xhat * dgamma[None, :, None, None]
    return gamma[None, :, None, None] / std / (N * H * W) * rest, dgamma, dbeta
"""

ROOT = """import numpy as np

def rms_forward(x, g, eps=1e-6):
    r = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + eps)
    return x / r * g, (x, g, r)

def rms_backward(dout, cache):
    x, g, r = cache
    dxn = dout * g
    dx = dxn / r - x * np.sum(dxn * x, axis=-1, keepdims=True) / (x.shape[-1] * r**3)
    return dx, np.sum(dout * x / r, axis=0)
"""


@pytest.mark.parametrize(("text", "name"), [(STAGED, "batchnorm"), (SHORT, "batchnorm"), (ROOT, "rms")])
def test_right_pairs_are_proved(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / "layer.py"
    path.write_text(text)
    proofs = sc.check(path, name)
    assert proofs.holds, str(proofs)
    assert set(proofs) == ({"x", "g"} if name == "rms" else {"x", "gamma", "beta"})


@pytest.mark.full
def test_planes_of_a_batch_are_proved(tmp_path: Path) -> None:
    path = tmp_path / "layer.py"
    path.write_text(SPATIAL)
    assert sc.check(path, "norm").holds


@pytest.mark.full
@pytest.mark.parametrize(
    ("text", "name", "old", "new"),
    [
        (SHORT, "batchnorm", " - dbeta - xhat", " - xhat"),
        (SHORT, "batchnorm", "(N * std)", "(N * std**2)"),
        (SHORT, "batchnorm", "(dout * xhat).sum(axis=0)", "dout.sum(axis=0)"),
        (STAGED, "batchnorm", "2 * xmu * dsq", "xmu * dsq"),
        (STAGED, "batchnorm", "-1. / (sqrtvar**2)", "1. / (sqrtvar**2)"),
        (ROOT, "rms", "r**3", "r**2"),
        (ROOT, "rms", "x.shape[-1]", "x.shape[0]"),
    ],
)
def test_wrong_pairs_are_refuted(tmp_path: Path, text: str, name: str, old: str, new: str) -> None:
    path = tmp_path / "layer.py"
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    proofs = sc.check(path, name)
    assert proofs.holds is False, str(proofs)


LAYER = """import numpy as np

def ln_forward(x, gamma, beta):
    mu = x.mean(axis=-1, keepdims=True)
    var = x.var(axis=-1, keepdims=True)
    rstd = (var + 1e-5) ** -0.5
    xhat = (x - mu) * rstd
    return xhat * gamma + beta, (xhat, rstd, gamma)

def ln_backward(dout, cache):
    xhat, rstd, gamma = cache
    dbeta = dout.sum(axis=(0, 1))
    dgamma = (dout * xhat).sum(axis=(0, 1))
    dnorm = dout * gamma
    dx = dnorm - dnorm.mean(axis=-1, keepdims=True) - xhat * (dnorm * xhat).mean(axis=-1, keepdims=True)
    dx *= rstd
    return dx, dgamma, dbeta
"""
ROWS = """import numpy as np

def ln_forward(x, gamma, beta):
    B, T, C = x.shape
    mean = x.sum(-1, keepdims=True) / C
    shifted = x - mean
    rstd = ((shifted ** 2).sum(-1, keepdims=True) / C + 1e-5) ** -0.5
    return shifted * rstd * gamma + beta, (x, gamma, mean, rstd)

def ln_backward(dout, cache):
    x, gamma, mean, rstd = cache
    norm = (x - mean) * rstd
    dnorm = dout * gamma
    dx = dnorm - dnorm.mean(-1, keepdims=True) - norm * (dnorm * norm).mean(-1, keepdims=True)
    return dx * rstd, (dout * norm).sum((0, 1)), dout.sum((0, 1))
"""


def as_run(code: str, shape: tuple[int, int, int]) -> dict[str, bool]:
    """Which gradients of a layer norm are those of difference quotients, for an input of this shape."""
    space: dict[str, Any] = {}
    exec(code, space)  # noqa: S102
    rng = np.random.default_rng(sum(shape))
    arrays = {"x": rng.normal(size=shape), "gamma": rng.normal(size=shape[-1:]), "beta": rng.normal(size=shape[-1:])}
    dout = rng.normal(size=shape)
    given = space["ln_backward"](dout, space["ln_forward"](*arrays.values())[1])
    right = {}
    for (name, array), got in zip(arrays.items(), given, strict=True):
        want = np.zeros(array.shape)
        for cell in np.ndindex(array.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = array.copy()
                moved[cell] += step
                ends.append((space["ln_forward"](*{**arrays, name: moved}.values())[0] * dout).sum())
            want[cell] = (ends[0] - ends[1]) / 2e-6
        right[name] = got.shape == want.shape and np.allclose(got, want, rtol=1e-4, atol=1e-5)
    return right


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (LAYER, "", ""),
        (LAYER, "dx *= rstd", "dx /= rstd"),
        (LAYER, "- dnorm.mean(axis=-1, keepdims=True) - xhat", "- xhat"),
        (LAYER, "(dnorm * xhat).mean", "(dnorm * xhat).sum"),
        (LAYER, "(dnorm * xhat).mean", "(dout * xhat).mean"),
        (LAYER, "dout.sum(axis=(0, 1))", "dout.mean(axis=(0, 1))"),
        (ROWS, "", ""),
        (ROWS, "dx * rstd", "dx * rstd ** 2"),
        (ROWS, "norm * (dnorm * norm)", "(dnorm * norm)"),
    ],
)
def test_layer_norm_by_powers_is_decided_as_it_runs(text: str, old: str, new: str) -> None:
    assert not old or text.count(old) == 1
    code = text.replace(old, new) if old else text
    runs = [as_run(code, shape) for shape in ((2, 3, 4), (1, 2, 3), (3, 2, 2))]
    right = {name: all(run[name] for run in runs) for name in runs[0]}
    assert all(right.values()) is not bool(old)
    found = sc.check(code, "ln", explain=False)
    assert {name: proof.holds for name, proof in found.items()} == right
