"""Convolutions as shifted slices in a loop, ``y[:, k:] += w[k]*x[:, :L - k]``: windows no longer than the axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

CAUSAL = """
import numpy as np
def conv_forward(x, w):
    '''x: (N, L), w: (K,)'''
    N, L = x.shape
    y = np.zeros_like(x)
    for k in range(w.shape[0]):
        y[:, k:] += w[k] * x[:, :L - k]
    return y, (x, w)
def conv_backward(dy, cache):
    x, w = cache
    N, L = x.shape
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for k in range(w.shape[0]):
        dx[:, :L - k] += w[k] * dy[:, k:]
        dw[k] = np.sum(dy[:, k:] * x[:, :L - k])
    return dx, dw
"""
CHANNELS = """
import numpy as np
def conv_forward(x, w):
    N, C, L = x.shape
    F, _, K = w.shape
    y = np.zeros((N, F, L))
    for k in range(K):
        y[:, :, k:] += np.einsum("ncl,fc->nfl", x[:, :, :L - k], w[:, :, k])
    return y, (x, w)
def conv_backward(dy, cache):
    x, w = cache
    L = x.shape[2]
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for k in range(w.shape[2]):
        dx[:, :, :L - k] += np.einsum("nfl,fc->ncl", dy[:, :, k:], w[:, :, k])
        dw[:, :, k] = np.einsum("nfl,ncl->fc", dy[:, :, k:], x[:, :, :L - k])
    return dx, dw
"""


def _with(*changes: tuple[str, str]) -> str:
    text = CAUSAL
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text


AHEAD = _with(
    ("y[:, k:] += w[k] * x[:, :L - k]", "y[:, :L - k] += w[k] * x[:, k:]"),
    ("dx[:, :L - k] += w[k] * dy[:, k:]", "dx[:, k:] += w[k] * dy[:, :L - k]"),
    ("dy[:, k:] * x[:, :L - k]", "dy[:, :L - k] * x[:, k:]"),
)
RIGHT = {
    "causal": CAUSAL,
    "without a word on shapes": _with(("    '''x: (N, L), w: (K,)'''\n", "")),
    "channels": CHANNELS,
    "dilated": _with(("k:]", "2*k:]"), ("L - k]", "L - 2*k]")),
    "ahead": AHEAD,
}
WRONG = {
    "shifted the same way": (_with(("dx[:, :L - k] += w[k] * dy[:, k:]", "dx[:, k:] += w[k] * dy[:, :L - k]")), "x"),
    "the same slices": (_with(("dy[:, k:] * x[:, :L - k]", "dy[:, k:] * x[:, k:]")), "w"),
    "the last one alone": (_with(("dx[:, :L - k] +=", "dx[:, :L - k] =")), "x"),
    "one too far": (CHANNELS.replace("dx[:, :, :L - k] += np.einsum(\"nfl,fc->ncl\", dy[:, :, k:]",
                                     "dx[:, :, 1:L - k] += np.einsum(\"nfl,fc->ncl\", dy[:, :, k + 1:]"), "x"),
}  # fmt: skip


def _agrees(text: str) -> dict[str, bool]:
    """By operand, whether central difference quotients agree; the sum is linear in each, so that steps may be long."""
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102
    rng = np.random.default_rng(0)
    shapes = ((2, 3, 7), (4, 3, 3)) if "ncl" in text else ((2, 7), (3,))
    given = dict(zip("xw", (rng.integers(-4, 5, shape).astype(float) for shape in shapes), strict=True))
    g = rng.integers(-4, 5, np.shape(names["conv_forward"](**given)[0])).astype(float)
    got = dict(zip("xw", names["conv_backward"](g, (given["x"], given["w"])), strict=True))

    def loss(tensor: str, cell: tuple[int, ...], step: float) -> float:
        moved = given[tensor].copy()
        moved[cell] += step
        return float((names["conv_forward"](**{**given, tensor: moved})[0] * g).sum())

    return {
        name: all(
            got[name][cell] == (loss(name, cell, 1) - loss(name, cell, -1)) / 2 for cell in np.ndindex(array.shape)
        )
        for name, array in given.items()
    }


@pytest.mark.parametrize("name", RIGHT)
def test_right_ones_are_proved(name: str) -> None:
    assert _agrees(RIGHT[name]) == {"x": True, "w": True}
    proofs = sc.check(RIGHT[name])
    assert proofs.holds is True, str(proofs)
    (said,) = (one.sentence for one in proofs["x"].operator.assumptions)
    assert said.startswith("the forward function is defined there: ")


@pytest.mark.parametrize("name", WRONG)
def test_slips_are_refuted(name: str) -> None:
    text, wrong = WRONG[name]
    assert [one for one, right in _agrees(text).items() if not right] == [wrong]
    proofs = sc.check(text, explain=False)
    assert proofs[wrong].holds is False
    assert all(proofs[one].holds is not False for one in "xw" if one != wrong)


def test_longer_windows_are_not_spoken_of() -> None:
    """What ``x[:, :-1]`` is at a window longer than the axis is another matter: it is left out, not wrong."""
    op = sc.check(CAUSAL)["x"].operator
    longest = op.sizes(x=(2, 4), w=(5,))
    assert longest
    with pytest.raises(sc.SymconvError):
        op.sizes(x=(2, 4), w=(6,))
