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
