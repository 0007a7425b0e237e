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
