"""Pools of libraries in code: the largest element or the mean of each window, against sums written by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import symconv as sc

MAXIMA = """
import torch
import torch.nn.functional as F
def pool_forward(x):
    N, C, L = x.shape
    return F.max_pool1d(x, {kernel}), x
def pool_backward(g, x):
    gx = torch.zeros_like(x)
    for i in range(g.shape[2]):
        window = x[:, :, {step}*i:{step}*i + 2]
        gx[:, :, {step}*i:{step}*i + 2] += (window == window.amax(2, keepdim=True)) * g[:, :, i:i + 1]{times}
    return gx
"""


@pytest.mark.parametrize(("kernel", "step", "times", "right"), [
    ("2", 2, "", True), ("2, stride=1", 1, "", True), ("2", 2, " * 2", False), ("2, 1", 1, " * 2", False),
])  # fmt: skip
def test_largest_elements_of_windows(kernel: str, step: int, times: str, right: bool) -> None:
    """What takes every largest element differs from PyTorch's at ties alone."""
    text = MAXIMA.format(kernel=kernel, step=step, times=times)
    space: dict[str, object] = {}
    exec(compile(text, "pools", "exec"), space)  # noqa: S102
    torch.manual_seed(0)
    x = torch.randn(2, 3, 5, dtype=torch.float64, requires_grad=True)
    y, _ = space["pool_forward"](x)  # type: ignore[operator]
    g = torch.randn_like(y)
    found = space["pool_backward"](g, x.detach())  # type: ignore[operator]
    assert torch.allclose(found, torch.autograd.grad(y, x, g)[0]) == right
    proof = sc.check(text)["x"]
    assert proof.holds is False
    assert ("right but at kinks" in str(proof.cause)) == right


@pytest.mark.parametrize(("name", "forward"), [
    ("mean", "tf.nn.avg_pool2d(x, 2, 2, 'VALID')"),
    ("mean", "tf.nn.avg_pool(x, [1, 2, 2, 1], strides=[1, 2, 2, 1], padding='VALID')"),
    ("mean", "tf.nn.avg_pool2d(x, ksize=2, strides=2, padding='VALID', data_format='NCHW')"),
])  # fmt: skip
def test_means_of_windows_in_tensorflow(name: str, forward: str) -> None:
    first = 2 if "NCHW" in forward else 1
    spread = f"np.repeat(np.repeat(g, 2, axis={first}), 2, axis={first + 1})"
    code = f"""
import numpy as np
import tensorflow as tf
def pool_forward(x):
    A, B, C, D = x.shape
    return {forward}, x
def pool_backward(g, x):
    gx = np.zeros_like(x)
    full = {spread}
    gx[{":, " * first}:full.shape[{first}], :full.shape[{first + 1}]] = full / 4
    return gx
"""
    assert sc.check(code, explain=False).holds
    assert sc.check(code.replace("/ 4", "/ 2"), explain=False).holds is False
    # By hand: a window of ones has the mean of its four cells.
    g = np.arange(6.0).reshape(1, 2, 3, 1) if first == 1 else np.arange(6.0).reshape(1, 1, 2, 3)
    full = eval(spread, {"np": np, "g": g})  # noqa: S307
    x = np.random.default_rng(0).normal(size=full.shape)
    shape = [(n // 2, 2) if k in (first, first + 1) else (n,) for k, n in enumerate(x.shape)]
    y = x.reshape([n for row in shape for n in row]).mean((first + 1, first + 3))
    assert np.isclose((y * g).sum(), (x * full / 4).sum())


@pytest.mark.parametrize("forward", [
    "F.max_pool2d(x, 2, padding=1)", "F.max_pool2d(x, 2, ceil_mode=True)", "F.max_pool2d(x, 2, dilation=2)",
    "F.adaptive_max_pool2d(x, 2)", "tf.nn.max_pool2d(x, 2, 2, 'SAME')", "tf.nn.avg_pool2d(x, 2, 2, 'SAME')",
])  # fmt: skip
def test_other_pools_are_refused(forward: str) -> None:
    code = f"""
import torch.nn.functional as F
import tensorflow as tf
def pool_forward(x):
    A, B, C, D = x.shape
    return {forward}, x
def pool_backward(g, x):
    return g
"""
    with pytest.raises(sc.SpecError, match="with these arguments"):
        sc.check(code)
