"""Normalisations by hand with a mistake: each is refuted by numbers, at sizes none of which can be 1 less.

What is wrong is told by difference quotients of the functions as they run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symconv as sc

GROUP = """
import numpy as np


def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
    eps = gn_param.get("eps", 1e-5)
    N, C, H, W = x.shape
    x_group = np.reshape(x, (N, G, C // G, H, W))
    mean = np.mean(x_group, axis=(2, 3, 4), keepdims=True)
    var = np.var(x_group, axis=(2, 3, 4), keepdims=True)
    x_groupnorm = (x_group - mean) / np.sqrt(var + eps)
    x_norm = np.reshape(x_groupnorm, (N, C, H, W))
    out = x_norm * gamma + beta
    cache = (G, x, x_norm, mean, var, beta, gamma, eps)
    return out, cache


def spatial_groupnorm_backward(dout, cache):
    G, x, x_norm, mean, var, beta, gamma, eps = cache
    N, C, H, W = dout.shape
    dbeta = np.sum(dout, axis=(0, 2, 3), keepdims=True)
    dgamma = np.sum(dout * x_norm, axis=(0, 2, 3), keepdims=True)
    dx_norm = dout * gamma
    dx_groupnorm = dx_norm.reshape((N, G, C // G, H, W))
    x_group = x.reshape((N, G, C // G, H, W))
    dvar = np.sum(dx_groupnorm * -1.0 / 2 * (x_group - mean) / (var + eps) ** (3.0 / 2), axis=(2, 3, 4), keepdims=True)
    N_GROUP = C // G * H * W
    dmean1 = np.sum(dx_groupnorm * -1.0 / np.sqrt(var + eps), axis=(2, 3, 4), keepdims=True)
    dmean2_var = dvar * -2.0 / N_GROUP * np.sum(x_group - mean, axis=(2, 3, 4), keepdims=True)
    dmean = dmean1 + dmean2_var
    dx_group1 = dx_groupnorm * 1 / np.sqrt(var + eps)
    dx_group2_mean = dmean * 1.0 / N_GROUP
    dx_group3_var = dvar * 2.0 / N_GROUP * (x_group - mean)
    dx_group = dx_group1 + dx_group2_mean + dx_group3_var
    dx = dx_group.reshape((N, C, H, W))
    return dx, dgamma, dbeta
"""

BATCH = """
import numpy as np


def batchnorm_forward(x, gamma, beta, eps=1e-5):
    N, D = x.shape
    mu = x.mean(axis=0)
    var = x.var(axis=0)
    std = np.sqrt(var + eps)
    xhat = (x - mu) / std
    out = gamma * xhat + beta
    return out, (x, xhat, mu, std, gamma)


def batchnorm_backward(dout, cache):
    x, xhat, mu, std, gamma = cache
    N = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dxhat = dout * gamma
    dvar = (dxhat * (x - mu)).sum(axis=0) * -0.5 * std ** -3
    dmu = (-dxhat / std).sum(axis=0)
    dx = dxhat / std + dvar * 2 * (x - mu) / N + dmu / N
    return dx, dgamma, dbeta
"""

LAYER = """
import numpy as np


def layernorm_forward(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=-1, keepdims=True)
    std = np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    xhat = (x - mu) / std
    return gamma * xhat + beta, (xhat, std, gamma)


def layernorm_backward(dout, cache):
    xhat, std, gamma = cache
    D = dout.shape[-1]
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    g = dout * gamma
    dx = (g - g.mean(axis=-1, keepdims=True) - xhat * (g * xhat).mean(axis=-1, keepdims=True)) / std
    return dx, dgamma, dbeta
"""

MISTAKES = {
    "power of the variance": (GROUP, "** (3.0 / 2)", "** (1.0 / 2)", ("x",)),
    "mean left out": (GROUP, "dx_group1 + dx_group2_mean", "dx_group1", ("x",)),
    "number of all channels": (GROUP, "N_GROUP = C // G * H * W", "N_GROUP = C * H * W", ("x",)),
    "axes of the variance": (GROUP, "** (3.0 / 2), axis=(2, 3, 4)", "** (3.0 / 2), axis=(3, 4)", ("x",)),
    "scale left out": (GROUP, "dx_norm = dout * gamma", "dx_norm = dout", ("x",)),
    "scale of what is not normalised": (GROUP, "dout * x_norm, axis=(0, 2, 3)", "dout * x, axis=(0, 2, 3)", ("gamma",)),
    "sign": (GROUP, "dvar * 2.0 / N_GROUP", "dvar * -2.0 / N_GROUP", ("x",)),
    "half left out": (GROUP, "* -1.0 / 2 *", "* -1.0 *", ("x",)),
    "channels of other groups": (GROUP, "dx_norm.reshape((N, G, C // G, H, W))",
                                 "dx_norm.reshape((N, C // G, G, H, W)).transpose(0, 2, 1, 3, 4)", ("x",)),
    "no root": (GROUP, "dx_groupnorm * 1 / np.sqrt(var + eps)", "dx_groupnorm * 1 / (var + eps)", ("x",)),
    "no mean of a batch": (BATCH, " + dmu / N", "", ("x",)),
    "square for a cube": (BATCH, "std ** -3", "std ** -2", ("x",)),
    "scale of x": (BATCH, "dgamma = (dout * xhat)", "dgamma = (dout * x)", ("gamma",)),
    "variance of x": (BATCH, "(dxhat * (x - mu))", "(dxhat * x)", ("x",)),
    "x for its difference": (BATCH, "dvar * 2 * (x - mu) / N", "dvar * 2 * x / N", ("x",)),
    "2 left out": (BATCH, "dvar * 2 *", "dvar *", ("x",)),
    "N left out": (BATCH, "dmu / N", "dmu", ("x",)),
    "mean of the other axis": (LAYER, "g.mean(axis=-1", "g.mean(axis=0", ("x",)),
    "sum for a mean": (LAYER, "(g * xhat).mean(", "(g * xhat).sum(", ("x",)),
    "cotangent without scale": (LAYER, "(g - g.mean(axis=-1", "(dout - g.mean(axis=-1", ("x",)),
    "variance for deviation": (LAYER, ") / std\n    return dx", ") / std**2\n    return dx", ("x",)),
    "mean for a sum": (LAYER, "dbeta = dout.sum(axis=0)", "dbeta = dout.mean(axis=0)", ("beta",)),
    "gradient for values": (LAYER, "xhat * (g * xhat)", "g * (g * xhat)", ("x",)),
}  # fmt: skip
QUICK = ("power of the variance", "number of all channels", "N left out", "sum for a mean")


def wrong_as_run(code: str, groups: bool) -> tuple[str, ...]:
    """The gradients that difference quotients along drawn directions are not."""
    space: dict[str, Any] = {}
    exec(compile(code, "layer", "exec"), space)  # noqa: S102
    ahead, back = (next(one for name, one in space.items() if name.endswith(way)) for way in ("_forward", "_backward"))
    rng = np.random.default_rng(0)
    shape, scale = ((3, 4, 2, 3), (1, 4, 1, 1)) if groups else ((4, 3), (3,))
    arrays = {"x": rng.normal(size=shape), "gamma": rng.normal(size=scale), "beta": rng.normal(size=scale)}
    dout = rng.normal(size=shape)
    beside = (2, {}) if groups else ()

    def loss(name: str, step: np.ndarray) -> float:
        return float((ahead(*{**arrays, name: arrays[name] + step}.values(), *beside)[0] * dout).sum())

    got = dict(zip(arrays, back(dout, ahead(*arrays.values(), *beside)[1]), strict=True))
    ways = {name: [rng.normal(size=one.shape) * 1e-5 for _ in range(4)] for name, one in arrays.items()}
    near: Callable[[str, np.ndarray], bool] = lambda name, way: (  # noqa: E731
        abs((loss(name, way) - loss(name, -way)) / 2 - (got[name] * way).sum()) < 1e-10
    )
    return tuple(name for name in arrays if not all(near(name, way) for way in ways[name]))


def made(case: str) -> tuple[str, dict[str, int]]:
    """The text with its mistake, and the numbers of the layer."""
    text, old, new, _ = MISTAKES[case]
    assert text.count(old) == 1
    return text.replace(old, new), {"G": 2} if text is GROUP else {}


@pytest.mark.parametrize("case", MISTAKES)
def test_the_oracle_says_which_gradients_are_wrong(case: str) -> None:
    text, _, _, wrong = MISTAKES[case]
    assert wrong_as_run(made(case)[0], text is GROUP) == wrong
    assert wrong_as_run(text, text is GROUP) == ()


@pytest.mark.parametrize("text", [pytest.param(GROUP, marks=pytest.mark.full), BATCH, LAYER])
def test_right_ones_are_proved(text: str) -> None:
    assert sc.check(text, arguments={"G": 2} if text is GROUP else {}, explain=False).holds


@pytest.mark.parametrize("case", [pytest.param(c, marks=() if c in QUICK else pytest.mark.full) for c in MISTAKES])
def test_each_mistake_is_found_and_nothing_else(case: str) -> None:
    code, numbers = made(case)
    found = sc.check(code, arguments=numbers, explain=False)
    wrong = MISTAKES[case][3]
    assert {name: proof.holds for name, proof in found.items()} == {name: name not in wrong for name in found}


def test_a_counterexample_is_as_small_as_it_can_be() -> None:
    code, numbers = made("power of the variance")
    example = sc.check(code, arguments=numbers, explain=False)["x"].counterexample
    # Of one element of a group both the difference from the mean and the gradient are 0.
    assert example is not None and dict(example.shapes)["x"] == (1, 4, 1, 1)
    code, numbers = made("sum for a mean")
    example = sc.check(code, arguments=numbers, explain=False)["x"].counterexample
    assert example is not None and dict(example.shapes)["x"] == (1, 2)
