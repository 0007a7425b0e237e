"""Layers as textbooks write them: losses of labels or one-hot rows, pooling over columns, batch norm in two methods."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

STEP = 1e-6

LOSS = """
import numpy as np
def softmax(a):
    if a.ndim == 2:
        a = a.T
        a = a - np.max(a, axis=0)
        return (np.exp(a) / np.sum(np.exp(a), axis=0)).T
    a = a - np.max(a)
    return np.exp(a) / np.sum(np.exp(a))
def cross_entropy(y, t):
    if y.ndim == 1:
        t = t.reshape(1, t.size)
        y = y.reshape(1, y.size)
    if t.size == y.size:
        t = t.argmax(axis=1)
    rows = y.shape[0]
    return -np.sum(np.log(y[np.arange(rows), t] + 1e-7)) / rows
class SoftmaxLoss:
    def __init__(self):
        self.out = None
        self.t = None
    def forward(self, x, t):
        self.t = t
        self.out = softmax(x)
        return cross_entropy(self.out, self.t)
    def backward(self, dout=1):
        rows = self.t.shape[0]
        if self.t.size == self.out.size:
            dx = (self.out - self.t) / rows
        else:
            dx = self.out.copy()
            dx[np.arange(rows), self.t] -= 1
            dx = dx / rows
        return dx
"""
WRONG = (
    ("dx = (self.out - self.t) / rows", "dx = self.out - self.t", "one-hot rows"),
    ("dx[np.arange(rows), self.t] -= 1", "dx[np.arange(rows), self.t] -= 2", "labels"),
    pytest.param("            dx = dx / rows\n", "", "labels", marks=pytest.mark.full),
    pytest.param("(self.out - self.t) / rows", "(self.t - self.out) / rows", "one-hot rows", marks=pytest.mark.full),
)


def layer(text: str, name: str) -> Any:
    space: dict[str, Any] = {}
    exec(compile(text, "layer", "exec"), space)  # noqa: S102
    return space[name]


def right_when_run(text: str, rows: bool) -> bool:
    """Whether difference quotients of the loss say so."""
    rng = np.random.default_rng(5)
    made, labels = layer(text, "SoftmaxLoss"), rng.integers(0, 4, 3)
    t = np.eye(4)[labels] if rows else labels
    x, d = rng.normal(size=(2, 3, 4))
    loss = made()
    loss.forward(x, t)
    slope = (made().forward(x + STEP * d, t) - made().forward(x - STEP * d, t)) / (2 * STEP)
    return bool(np.isclose(slope, (loss.backward() * d).sum(), rtol=1e-5))


def test_a_loss_is_looked_at_with_labels_and_with_one_hot_rows() -> None:
    assert right_when_run(LOSS, True) and right_when_run(LOSS, False)
    proofs = sc.check(LOSS, "SoftmaxLoss", explain=False)
    assert proofs.holds is True
    assert proofs.numbers == "proved with t = labels; with t = one-hot rows"
    # What it is told under: neither the guard nor the cotangent are part of the gradient.
    assert proofs["x"].where == "1e-7 (line 17) counts as 0, and dout is 1, its default, which backward does not use"


@pytest.mark.parametrize(("right", "wrong", "kind"), WRONG)
def test_a_branch_that_is_wrong_is_named(right: str, wrong: str, kind: str) -> None:
    text = LOSS.replace(right, wrong)
    assert text != LOSS
    assert not right_when_run(text, kind == "one-hot rows") and right_when_run(text, kind == "labels")
    proofs = sc.check(text, "SoftmaxLoss", explain=False)
    assert proofs.holds is False
    assert proofs.numbers.startswith(f"looked at with t = {kind}; proved with t = ")


NORM = """
import numpy as np
class BatchNorm:
    def __init__(self, gamma, beta, momentum=0.9, running_mean=None, running_var=None):
        self.gamma, self.beta = gamma, beta
        self.momentum = momentum
        self.running_mean, self.running_var = running_mean, running_var
        self.shape = None
        self.dgamma = None
        self.dbeta = None
    def forward(self, x, train_flg=True):
        self.shape = x.shape
        if x.ndim != 2:
            N, C, H, W = x.shape
            x = x.reshape(N, -1)
        return self.__forward(x, train_flg).reshape(*self.shape)
    def __forward(self, x, train_flg):
        if self.running_mean is None:
            N, D = x.shape
            self.running_mean = np.zeros(D)
            self.running_var = np.zeros(D)
        if train_flg:
            mu = x.mean(axis=0)
            xc = x - mu
            var = np.mean(xc**2, axis=0)
            std = np.sqrt(var + 10e-7)
            xn = xc / std
            self.rows, self.xc, self.xn, self.std = x.shape[0], xc, xn, std
            self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mu
            self.running_var = self.momentum * self.running_var + (1 - self.momentum) * var
        else:
            xn = (x - self.running_mean) / np.sqrt(self.running_var + 10e-7)
        return self.gamma * xn + self.beta
    def backward(self, dout):
        if dout.ndim != 2:
            N, C, H, W = dout.shape
            dout = dout.reshape(N, -1)
        return self.__backward(dout).reshape(*self.shape)
    def __backward(self, dout):
        self.dbeta = dout.sum(axis=0)
        self.dgamma = np.sum(self.xn * dout, axis=0)
        dxn = self.gamma * dout
        dxc = dxn / self.std
        dstd = -np.sum((dxn * self.xc) / (self.std * self.std), axis=0)
        dvar = 0.5 * dstd / self.std
        dxc += (2.0 / self.rows) * self.xc * dvar
        return dxc - np.sum(dxc, axis=0) / self.rows
"""


def test_parameters_and_gradients_of_methods_that_forward_and_backward_call() -> None:
    proofs = sc.check(NORM, "BatchNorm", explain=False)
    assert {name: proof.holds for name, proof in proofs.items()} == dict.fromkeys(("x", "gamma", "beta"), True)


@pytest.mark.full
def test_one_gradient_of_a_method_that_is_called_is_wrong() -> None:
    wrong = sc.check(NORM.replace("np.sum(self.xn * dout", "np.sum(self.xc * dout"), "BatchNorm", explain=False)
    assert {name: proof.holds for name, proof in wrong.items()} == {"x": True, "gamma": False, "beta": True}


POOL = """
import numpy as np
def columns(x, h, w, stride):
    N, C, H, W = x.shape
    OH, OW = (H - h) // stride + 1, (W - w) // stride + 1
    col = np.zeros((N, C, h, w, OH, OW))
    for y in range(h):
        y_max = y + stride * OH
        for z in range(w):
            z_max = z + stride * OW
            col[:, :, y, z, :, :] = x[:, :, y:y_max:stride, z:z_max:stride]
    return col.transpose(0, 4, 5, 1, 2, 3).reshape(N * OH * OW, -1)
def image(col, shape, h, w, stride):
    N, C, H, W = shape
    OH, OW = (H - h) // stride + 1, (W - w) // stride + 1
    col = col.reshape(N, OH, OW, C, h, w).transpose(0, 3, 4, 5, 1, 2)
    img = np.zeros((N, C, H + stride - 1, W + stride - 1))
    for y in range(h):
        y_max = y + stride * OH
        for z in range(w):
            z_max = z + stride * OW
            img[:, :, y:y_max:stride, z:z_max:stride] += col[:, :, y, z, :, :]
    return img[:, :, :H, :W]
class Pooling:
    def __init__(self, pool_h=2, pool_w=2, stride=2):
        self.pool_h, self.pool_w, self.stride = pool_h, pool_w, stride
    def forward(self, x):
        N, C, H, W = x.shape
        OH, OW = (H - self.pool_h) // self.stride + 1, (W - self.pool_w) // self.stride + 1
        col = columns(x, self.pool_h, self.pool_w, self.stride).reshape(-1, self.pool_h * self.pool_w)
        self.shape = x.shape
        self.where = np.argmax(col, axis=1)
        return np.max(col, axis=1).reshape(N, OH, OW, C).transpose(0, 3, 1, 2)
    def backward(self, dout):
        dout = dout.transpose(0, 2, 3, 1)
        size = self.pool_h * self.pool_w
        dmax = np.zeros((dout.size, size))
        dmax[np.arange(self.where.size), self.where.flatten()] = dout.flatten()
        dmax = dmax.reshape(dout.shape + (size,))
        dcol = dmax.reshape(dmax.shape[0] * dmax.shape[1] * dmax.shape[2], -1)
        return image(dcol, self.shape, self.pool_h, self.pool_w, self.stride)
"""


def gradient_of_pooling(x: Any, dout: Any) -> Any:
    """By the definition: each window's first largest element has it all."""
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(*dout.shape):
        window = x[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        p, q = np.unravel_index(window.argmax(), (2, 2))
        dx[n, c, 2 * i + p, 2 * j + q] += dout[n, c, i, j]
    return dx


@pytest.mark.parametrize(("right", "wrong", "holds"), [
    ("", "", True),
    ("dout = dout.transpose(0, 2, 3, 1)", "dout = dout.transpose(0, 3, 2, 1)", False),
    pytest.param("= dout.flatten()", "= dout.flatten() / size", False, marks=pytest.mark.full),
])  # fmt: skip
def test_rows_of_columns_that_are_counted_beside_the_places_of_their_extremes(
    right: str, wrong: str, holds: bool
) -> None:
    text = POOL.replace(right, wrong) if right else POOL
    rng = np.random.default_rng(3)
    x, dout = rng.integers(-2, 3, (2, 3, 5, 6)).astype(float), rng.normal(size=(2, 3, 2, 3))
    made = layer(text, "Pooling")()
    assert made.forward(x).shape == dout.shape
    try:
        same = np.array_equal(made.backward(dout), gradient_of_pooling(x, dout))
    except ValueError:
        same = False
    assert same is holds
    assert sc.check(text, "Pooling", explain=False).holds is holds


ROWS = """
import torch
def norm_forward(h, gain, shift):
    n = h.shape[0]
    mean = h.sum(0, keepdim=True) / n
    hat = h - mean
    return gain * hat + shift, (n, gain, hat)
def norm_backward(dy, cache):
    n, gain, hat = cache
    dgain = (hat * dy).sum(0, keepdim=True)
    dshift = dy.sum(0, keepdim=True)
    dhat = gain * dy
    return dhat - dhat.sum(0, keepdim=True) / n, dgain, dshift
"""


def test_parameters_whose_gradients_keep_the_axis_of_samples_are_rows() -> None:
    assert sc.check(ROWS, "norm", explain=False).holds is True
    wrong = sc.check(ROWS.replace("return dhat - dhat.sum(0, keepdim=True) / n", "return dhat"), "norm", explain=False)
    assert {name: proof.holds for name, proof in wrong.items()} == {"h": False, "gain": True, "shift": True}
