"""The first extreme element along an axis, told by ``argmax``: right and wrong gradients against difference quotients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symconv as sc

STEP = 1e-4

ROWS = """
import numpy as np
class Largest:
    def forward(self, x):
        N, D = x.shape
        self.x = x
        self.where = np.{find}(x, axis={axis}{keeps})
        return {values}
    def backward(self, dy):
        N, D = self.x.shape
        dx = np.zeros((N, D))
        {change}
        return dx
"""
USUAL = {"find": "argmax", "axis": 1, "keeps": "", "values": "np.max(x, axis=1)",
         "change": "dx[np.arange(N), self.where] = dy"}  # fmt: skip
ALONG = {"keeps": ", keepdims=True", "values": "np.max(x, axis=1, keepdims=True)"}
READ = {"values": "x[np.arange(N), self.where]"}
COLUMNS = {"axis": 0, "values": "np.max(x, axis=0)"}
CASES: dict[str, tuple[dict[str, Any], bool]] = {
    "rows": ({}, True),
    "added": ({"change": "np.add.at(dx, (np.arange(N), self.where), dy)"}, True),
    "flat": ({"change": "dx[np.arange(self.where.size), self.where.flatten()] = dy.flatten()"}, True),
    "doubled": ({"change": "dx[np.arange(N), self.where] = 2 * dy"}, False),
    "smallest": ({"find": "argmin"}, False),
    "least": ({"find": "argmin", "values": "np.min(x, axis=1)"}, True),
    "everywhere": ({"change": "dx[:, self.where] += dy"}, False),
    "columns": ({**COLUMNS, "change": "dx[self.where, np.arange(D)] = dy"}, True),
    "columns of the least": ({**COLUMNS, "find": "argmin", "change": "dx[self.where, np.arange(D)] = dy"}, False),
    "read there": (READ, True),
    "read there, negated": ({**READ, "change": "dx[np.arange(N), self.where] = -dy"}, False),
    "read at the least": ({**READ, "values": "x[np.arange(N), np.argmin(x, axis=1)]"}, False),
    "taken": ({"keeps": ", keepdims=True", "values": "np.take_along_axis(x, self.where, axis=1)",
               "change": "np.put_along_axis(dx, self.where, dy, axis=1)"}, True),
    "along": ({**ALONG, "change": "np.put_along_axis(dx, self.where, dy, axis=1)"}, True),
    "along, negated": ({**ALONG, "change": "np.put_along_axis(dx, self.where, -dy, axis=1)"}, False),
}  # fmt: skip


def layer(text: str, name: str) -> Any:
    held: dict[str, Any] = {}
    exec(text, held)  # noqa: S102
    return held[name]()


def differs(make: Callable[[], Any], shape: tuple[int, ...], rng: np.random.Generator) -> bool:
    """Whether a layer's gradient is another than that of its own outputs, at numbers that are all different."""
    x = rng.permutation(int(np.prod(shape))).reshape(shape).astype(np.float64)
    one = make()
    dy = rng.integers(1, 9, one.forward(x).shape).astype(np.float64)
    found, want = one.backward(dy), np.zeros(shape)
    for cell in np.ndindex(shape):
        step = np.zeros(shape)
        step[cell] = STEP
        want[cell] = ((make().forward(x + step) - make().forward(x - step)) * dy).sum() / (2 * STEP)
    return not np.allclose(found, want, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_gradients_at_the_place_of_an_extreme_are_decided(name: str) -> None:
    change, holds = CASES[name]
    text = ROWS.format(**{**USUAL, **change})
    rng = np.random.default_rng(0)
    wrong = [differs(lambda: layer(text, "Largest"), shape, rng) for shape in [(3, 3), (4, 4)]]
    assert any(wrong) is not holds
    assert sc.check(text, "Largest", explain=False)["x"].holds is holds


WINDOWS = """
import numpy as np
class Pool:
    def forward(self, x):
        N, C, H, W = x.shape
        self.shape = x.shape
        windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(2, 3))[:, :, ::2, ::2]
        N, C, OH, OW = windows.shape[:4]
        flat = windows.reshape(N, C, OH, OW, 4)
        self.where = flat.argmax(axis=-1)
        return flat.max(axis=-1)
    def backward(self, dy):
        N, C, OH, OW = dy.shape
        d = np.zeros((N, C, OH, OW, 4))
        np.put_along_axis(d, self.where[..., None], dy[..., None], axis=-1)
        d = d.reshape(N, C, OH, OW, 2, 2)
        dx = np.zeros(self.shape)
        for p in range(2):
            for q in range(2):
                dx[:, :, p:p + 2 * OH:2, q:q + 2 * OW:2] += d[:, :, :, :, p, q]
        return dx
"""


@pytest.mark.parametrize(("right", "other", "holds"), [
    ("", "", True), ("d[:, :, :, :, p, q]", "d[:, :, :, :, q, p]", False), ("argmax", "argmin", False),
])  # fmt: skip
def test_windows_that_are_flattened_are_told_by_their_taps(right: str, other: str, holds: bool) -> None:
    text = WINDOWS.replace(right, other) if right else WINDOWS
    rng = np.random.default_rng(0)
    assert differs(lambda: layer(text, "Pool"), (1, 2, 4, 5), rng) is not holds
    assert sc.check(text, "Pool", explain=False)["x"].holds is holds


def test_labels_without_an_axis_of_length_one_are_hot() -> None:
    text = """
import torch
import torch.nn.functional as F
class Largest(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        N, C = x.shape
        where = x.argmax(dim=1, keepdim=True)
        ctx.save_for_backward(x, where)
        return x.gather(1, where).squeeze(1)
    @staticmethod
    def backward(ctx, g):
        x, where = ctx.saved_tensors
        return F.one_hot(where.squeeze(1), x.shape[1]) * g[:, None]
"""
    assert sc.check(text, "Largest", explain=False).holds is True
    assert sc.check(text.replace("* g[:", "* -g[:"), "Largest", explain=False).holds is False


STORED = """
import numpy as np
class MaxPool:
    def __init__(self, k, stride):
        self.k = k
        self.stride = stride
    def forward(self, x):
        N, C, H, W = x.shape
        OH, OW = (H - self.k) // self.stride + 1, (W - self.k) // self.stride + 1
        self.x = x
        out = np.zeros((N, C, OH, OW))
        self.arg = np.zeros((N, C, OH, OW), dtype=int)
        for n in range(N):
            for c in range(C):
                for i in range(OH):
                    for j in range(OW):
                        window = x[n, c, i*self.stride:i*self.stride + self.k, j*self.stride:j*self.stride + self.k]
                        out[n, c, i, j] = np.max(window)
                        self.arg[n, c, i, j] = np.argmax(window)
        return out
    def backward(self, dout):
        N, C, OH, OW = dout.shape
        dx = np.zeros_like(self.x)
        for n in range(N):
            for c in range(C):
                for i in range(OH):
                    for j in range(OW):
                        p, q = np.unravel_index(self.arg[n, c, i, j], (self.k, self.k))
                        dx[n, c, i*self.stride + p, j*self.stride + q] += dout[n, c, i, j]
        return dx
"""
UNRAVELLED = "np.unravel_index(self.arg[n, c, i, j], (self.k, self.k))"


@pytest.mark.parametrize("other", [UNRAVELLED, "divmod(self.arg[n, c, i, j], self.k)",
                                   "self.arg[n, c, i, j] // self.k, self.arg[n, c, i, j] % self.k"])  # fmt: skip
def test_places_are_stored_one_by_one(other: str) -> None:
    assert sc.check(STORED.replace(UNRAVELLED, other), explain=False).holds is True


@pytest.mark.parametrize(
    ("right", "other"),
    [
        ("i*self.stride + p, j*self.stride + q]", "i*self.stride + q, j*self.stride + p]"),
        ("self.arg[n, c, i, j], (", "self.arg[n, c, i, 0], ("),
        ("= np.argmax(window)", "= np.argmin(window)"),
        ("                        self.arg", "                        if i > 0:\n                            self.arg"),
    ],
)
def test_places_of_other_windows_and_elements_are_wrong(right: str, other: str) -> None:
    assert right in STORED
    assert sc.check(STORED.replace(right, other), explain=False).holds is False


@pytest.mark.parametrize(
    ("right", "other"),
    [
        ("        return out\n", "        self.arg[0] = 0\n        return out\n"),
        ("dtype=int", "dtype=float"),
    ],
)
def test_places_that_are_not_stored_for_each_window_are_refused(right: str, other: str) -> None:
    assert right in STORED
    with pytest.raises(sc.SymconvError, match=r"places? of (an )?extremes?|given chosen"):
        sc.check(STORED.replace(right, other), explain=False)


PAIRS = """
import numpy as np
def maxpool_forward(x, K, stride):
    H, W = x.shape
    OH, OW = (H - K)//stride + 1, (W - K)//stride + 1
    out = np.zeros((OH, OW))
    arg = np.zeros((OH, OW, 2), dtype=int)
    for i in range(OH):
        for j in range(OW):
            window = x[i*stride:i*stride+K, j*stride:j*stride+K]
            out[i, j] = window.max()
            arg[i, j] = np.unravel_index(np.argmax(window), window.shape)
    return out, (x, arg, stride)
def maxpool_backward(dout, cache):
    x, arg, stride = cache
    dx = np.zeros_like(x)
    OH, OW = dout.shape
    for i in range(OH):
        for j in range(OW):
            p, q = arg[i, j]
            dx[i*stride + p, j*stride + q] += dout[i, j]
    return dx
"""


def test_both_numbers_of_places_are_stored() -> None:
    assert sc.check(PAIRS, "maxpool", explain=False).holds is True
    one_by_one = PAIRS.replace("p, q = arg[i, j]", "p, q = arg[i, j, 0], arg[i, j, 1]")
    assert sc.check(one_by_one, "maxpool", explain=False).holds is True
    assert sc.check(one_by_one.replace("arg[i, j, 1]", "arg[i, j, 0]"), "maxpool", explain=False).holds is False


OVERLAPPING = """
import numpy as np

def pool_forward(x, k=2, stride=1):
    N, C, H, W = x.shape
    OH, OW = (H - k) // stride + 1, (W - k) // stride + 1
    out = np.zeros((N, C, OH, OW))
    for n in range(N):
        for c in range(C):
            for i in range(OH):
                for j in range(OW):
                    out[n, c, i, j] = np.max(x[n, c, i*stride:i*stride+k, j*stride:j*stride+k])
    return out, (x, k, stride)

def pool_backward(dout, cache):
    x, k, stride = cache
    N, C, OH, OW = dout.shape
    dx = np.zeros_like(x)
    for n in range(N):
        for c in range(C):
            for i in range(OH):
                for j in range(OW):
                    window = x[n, c, i*stride:i*stride+k, j*stride:j*stride+k]
                    p, q = divmod(np.argmax(window), k)
                    dx[n, c, i*stride+p, j*stride+q] += dout[n, c, i, j]
    return dx
"""


@pytest.mark.parametrize(
    ("stride", "sign", "holds"), [(1, "+=", True), (1, "=", False), (2, "+=", True), (2, "=", True)]
)
def test_windows_that_overlap_put_several_gradients_at_one_place(stride: int, sign: str, holds: bool) -> None:
    text = OVERLAPPING.replace("stride=1", f"stride={stride}").replace("+= dout", f"{sign} dout")
    space: dict[str, Any] = {}
    exec(compile(text, "pool", "exec"), space)  # noqa: S102
    x = np.array([[[[0.0, 1.0, 2.0], [3.0, 9.0, 4.0], [5.0, 6.0, 7.0]]]])
    out, cache = space["pool_forward"](x)
    got = space["pool_backward"](np.ones_like(out), cache)
    assert bool(got.sum() == out.size) is holds
    assert sc.check(text, "pool", explain=False).holds is holds
