"""Softmax and logsumexp of scores that are sums, with their maximum subtracted: it cancels, or nothing is said."""

from __future__ import annotations

import textwrap
from itertools import product
from typing import Any

import numpy as np
import pytest

import symconv as sc

ATTENTION = """
import numpy as np
def attention_forward(q, k, v):
    s = q @ k.T / np.sqrt(q.shape[-1])
    s = s - s.max({axis}, keepdims=True)
    e = np.exp(s)
    a = e / e.sum(-1, keepdims=True)
    return a @ v, (q, k, v, a)
def attention_backward(gy, cache):
    q, k, v, a = cache
    root = np.sqrt(q.shape[-1])
    ga = gy @ v.T
    gs = a * (ga {sign} (ga * a).sum({summed}, keepdims=True))
    return gs @ k / root, {left} @ q / root, a.T @ gy
"""
RIGHT = {"axis": "-1", "sign": "-", "summed": "-1", "left": "gs.T"}

LOGSUMEXP = """
import numpy as np
def lse_forward(x, w):
    s = x @ w
    m = s.max(axis=1, keepdims=True)
    l = m + np.log(np.exp(s - m).sum(axis=1, keepdims=True))
    return l, (x, w, s, l)
def lse_backward(gy, cache):
    x, w, s, l = cache
    gs = gy * np.exp(s {sign} l)
    return gs @ w.T, x.T @ gs
"""


def filled(text: str, **given: str) -> str:
    for name, value in given.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def slopes_hold(text: str, forward: str, backward: str, shapes: dict[str, tuple[int, ...]]) -> dict[str, bool]:
    """Whether each gradient is the difference quotient, on random numbers."""
    space: dict[str, Any] = {}
    exec(compile(text, forward, "exec"), space)  # noqa: S102
    rng = np.random.default_rng(3)
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    out, cache = space[forward](*arrays.values())
    gy = rng.normal(size=out.shape)
    found = {}
    for (name, array), gradient in zip(arrays.items(), space[backward](gy, cache), strict=True):
        want = np.zeros_like(array)
        for at in product(*map(range, array.shape)):
            ends = []
            for step in (1e-6, -1e-6):
                moved = {**arrays, name: array.copy()}
                moved[name][at] += step
                ends.append((space[forward](*moved.values())[0] * gy).sum())
            want[at] = (ends[0] - ends[1]) / 2e-6
        found[name] = gradient.shape == want.shape and bool(np.allclose(gradient, want, atol=1e-6))
    return found


def holds(text: str) -> dict[str, bool | None]:
    return {name: proof.holds for name, proof in sc.check(text).items()}


@pytest.mark.parametrize("change", [{}, {"sign": "+"}, {"summed": "0"}])
def test_attention_whose_scores_lose_their_maximum(change: dict[str, str]) -> None:
    text = filled(ATTENTION, **{**RIGHT, **change})
    truth = slopes_hold(text, "attention_forward", "attention_backward", {"q": (2, 3), "k": (4, 3), "v": (4, 2)})
    assert truth == {"q": not change, "k": not change, "v": True}
    assert holds(text) == truth


def test_a_maximum_that_differs_along_the_sum_does_not_cancel() -> None:
    text = filled(ATTENTION, **{**RIGHT, "axis": "0"})
    truth = slopes_hold(text, "attention_forward", "attention_backward", {"q": (2, 3), "k": (4, 3), "v": (4, 2)})
    assert not truth["q"]
    with pytest.raises(sc.SpecError, match="line 5: max of sums"):
        sc.check(text)


@pytest.mark.parametrize(("sign", "right"), [("-", True), ("+", False)])
def test_a_maximum_of_sums_subtracted_and_added_again(sign: str, right: bool) -> None:
    text = filled(LOGSUMEXP, sign=sign)
    truth = slopes_hold(text, "lse_forward", "lse_backward", {"x": (2, 3), "w": (3, 4)})
    assert truth == {"x": right, "w": right}
    assert holds(text) == truth


@pytest.mark.parametrize(("divided", "right"), [(" / n", True), ("", False)])
def test_cross_entropy_of_a_layer(divided: str, right: bool) -> None:
    text = """
    import numpy as np
    def entropy_loss(x, w, y):
        n = x.shape[0]
        s = x @ w
        s -= s.max(axis=1, keepdims=True)
        p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(n), y]).sum() / n
        ds = p.copy()
        ds[np.arange(n), y] -= 1
        ds = ds{divided}
        dx = ds @ w.T
        dw = x.T @ ds
        return loss, dx, dw
    """
    assert holds(filled(textwrap.dedent(text), divided=divided)) == {"x": right, "w": right}


@pytest.mark.parametrize("index", ["n", "0"])
def test_a_maximum_in_a_loop_is_another_one_in_each_iteration(index: str) -> None:
    text = """
    import numpy as np
    def rows_backward(gy, x):
        gx = np.zeros_like(x)
        m = np.zeros(x.shape[0])
        for n in range(x.shape[0]):
            m[n] = (2 * x[n]).max()
        for n in range(x.shape[0]):
            gx[n] = 2 * gy[n] + m[n] - m[{index}]
        return gx
    """
    found = sc.prove(sc.operator("y[n,i] = 2*x[n,i]"), code=filled(textwrap.dedent(text), index=index))
    assert found.holds is (index == "n")
