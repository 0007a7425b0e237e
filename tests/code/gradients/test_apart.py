"""Forward functions whose formula is a product of sums: it has their values, at the cost of the sums."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv.verify import reference
from symconv.verify.grid import points

pytest.importorskip("torch")
import torch
import torch.nn.functional as F  # noqa: N812


def hard(x, w):
    return F.hardswish(F.conv1d(x, w, dilation=2))


def cut(x, w):
    return torch.maximum(F.conv1d(x, w), torch.zeros(1))


def norm(x, g, b):
    return F.layer_norm(x, (x.shape[-1],), g, b)


def attention(q, k, v):
    _, _, d = q.shape
    return F.softmax(q @ k.transpose(1, 2) / d**0.5, dim=-1) @ v


CASES = [
    (hard, {"x": (2, 3, 9), "w": (4, 3, 2)}, {"x": (2, 6, 9), "w": (4, 6, 2)}),
    (cut, {"x": (2, 3, 9), "w": (4, 3, 2)}, {"x": (2, 6, 9), "w": (4, 6, 2)}),
    (norm, {"x": (2, 8), "g": (8,), "b": (8,)}, {"x": (4, 8), "g": (8,), "b": (8,)}),
    (attention, {"q": (2, 3, 4), "k": (2, 5, 4), "v": (2, 5, 3)}, {"q": (2, 3, 4), "k": (2, 5, 4), "v": (2, 5, 6)}),
]
"""A function, shapes, and shapes at which it has twice as much to do (attention, its last product)."""


@pytest.mark.parametrize(("function", "shapes", "more"), CASES, ids=[one[0].__name__ for one in CASES])
def test_a_forward_function_costs_what_its_sums_cost(function, shapes, more) -> None:
    op = sc.operator(function)
    rng = np.random.default_rng(2)
    given = {name: rng.uniform(-1, 1, shape) for name, shape in shapes.items()}
    wanted = function(*(torch.tensor(a) for a in given.values()))
    np.testing.assert_allclose(reference.evaluate(op, given), wanted, rtol=1e-9)
    few, many = (points(op, op.sizes(**sizes)) for sizes in (shapes, more))
    assert many <= 2.2 * few
