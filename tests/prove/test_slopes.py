"""Slopes by quotients: at one element of any tensor, of every output, and where there is no derivative."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv.prove.explain.slopes import slopes


@pytest.mark.parametrize(("tensor", "cell"), [("x", (1, 2)), ("w", (1,)), ("b", (1,))])
def test_they_are_the_gradient_where_there_is_one(tensor: str, cell: tuple[int, ...]) -> None:
    op = sc.operator("y[n,i] = abs(sum[p](x[n,2*i+p-1]*w[p])) + b[n]; z[n] = sum[i](x[n,i]**2)")
    rng = np.random.default_rng(1)
    arrays = {"x": rng.normal(size=(2, 5)), "w": rng.normal(size=3), "b": rng.normal(size=2)}
    arrays |= {"gy": rng.normal(size=(2, 3)), "gz": rng.normal(size=2)}
    found = slopes(op, tensor, cell, arrays)
    assert found.whole

    def loss(moved: float) -> float:
        there = {**arrays, tensor: arrays[tensor].copy()}
        there[tensor][cell] += moved
        x = np.pad(there["x"], ((0, 0), (1, 2)))
        y = np.abs(np.stack([x[:, k : k + 3] @ there["w"] for k in (0, 2, 4)], axis=1)) + there["b"][:, None]
        return float((y * arrays["gy"]).sum() + ((there["x"] ** 2).sum(axis=1) * arrays["gz"]).sum())

    assert found.gradient(arrays) == pytest.approx((loss(1e-5) - loss(-1e-5)) / 2e-5, rel=1e-5)


def test_a_kink_is_none_for_the_elements_that_have_it() -> None:
    found = slopes(sc.operator("y[i] = max(x[i], x[0])"), "x", (0,), {"x": np.array([1.0, 1.0, 2.0, -3.0])})
    assert found.known["y"].tolist() == [True, False, True, True]
    assert found.values["y"][[0, 2, 3]].tolist() == pytest.approx([1, 0, 1])
