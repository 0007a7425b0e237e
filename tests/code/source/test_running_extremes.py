"""Extremes that loops keep in a variable, and their places: what is said is what difference quotients say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

POOL = """
import numpy as np
def pool_forward(x, kh=3, kw=2, sh=2, sw=3):
    N, C, H, W = x.shape
    OH, OW = (H - kh) // sh + 1, (W - kw) // sw + 1
    out = np.zeros((N, C, OH, OW))
    for n in range(N):
        for c in range(C):
            for i in range(OH):
                for j in range(OW):
                    best = -np.inf
                    for p in range(kh):
                        for q in range(kw):
                            if x[n, c, i*sh + p, j*sw + q] > best:
                                best = x[n, c, i*sh + p, j*sw + q]
                    out[n, c, i, j] = best
    return out, (x, kh, kw, sh, sw)
def pool_backward(dout, cache):
    x, kh, kw, sh, sw = cache
    N, C, OH, OW = dout.shape
    dx = np.zeros_like(x)
    for n in range(N):
        for c in range(C):
            for i in range(OH):
                for j in range(OW):
                    m = -np.inf
                    a, b = 0, 0
                    for p in range(kh):
                        for q in range(kw):
                            v = x[n, c, i*sh + p, j*sw + q]
                            if v > m:
                                m = v
                                a, b = i*sh + p, j*sw + q
                    dx[n, c, a, b] += dout[n, c, i, j]
    return dx
"""
BEGUN = "m = -np.inf\n                    a, b = 0, 0"
NOTED = "a, b = i*sh + p, j*sw + q"
LOOPS = """                    for p in range(kh):
                        for q in range(kw):
                            v = x[n, c, i*sh + p, j*sw + q]
                            if v > m:
"""
EDITS: dict[str, tuple[str, str]] = {
    "as it is": ("", ""),
    "turned around": ("if v > m", "if m < v"),
    "infinity in words": ("m = -np.inf", 'm = float("-inf")'),
    "from the first element": (BEGUN, "m = x[n, c, i*sh, j*sw]\n                    a, b = i*sh, j*sw"),
    "positions of the input": (LOOPS, LOOPS.replace("p in range(kh)", "h in range(i*sh, i*sh + kh)")
                               .replace("q in range(kw)", "w in range(j*sw, j*sw + kw)")
                               .replace("i*sh + p, j*sw + q", "h, w")),
    "one number": (NOTED, "a = p*kw + q"),
    "rows and columns exchanged": (NOTED, "a, b = i*sh + q, j*sw + p"),
    "without the stride": (NOTED, "a, b = i + p, j*sw + q"),
    "another first place": (BEGUN, "m = x[n, c, i*sh, j*sw]\n                    a, b = 0, 0"),
    "from 0": ("m = -np.inf", "m = 0.0"),
    "begun once": (BEGUN, "pass"),
    "the last place of the window": ("dx[n, c, a, b]", "dx[n, c, i*sh + p, j*sw + q]"),
    "the mean of the window": ("+= dout[n, c, i, j]", "+= dout[n, c, i, j]/kh/kw"),
}  # fmt: skip
MORE = {
    "positions of the input": (NOTED, "a, b = h, w"),
    "one number": ("dx[n, c, a, b]", "dx[n, c, i*sh + a//kw, j*sw + a%kw]"),
    "begun once": ("    dx = np.zeros_like(x)\n", "    dx = np.zeros_like(x)\n    m = -np.inf\n    a, b = 0, 0\n"),
}
OPEN = frozenset({"begun once"})
"""What is not read, and left open: numbers say nothing of infinity."""
ROWS = """
import numpy as np
def rows_forward(x):
    N, L = x.shape
    y = np.zeros(N)
    for n in range(N):
        m = x[n, 0]
        for i in range(1, L):
            m = max(m, x[n, i])
        y[n] = m
    return y, x
def rows_backward(dy, x):
    N, L = x.shape
    dx = np.zeros_like(x)
    for n in range(N):
        m = x[n, 0]
        at = 0
        for i in range(1, L):
            if x[n, i] > m:
                m = x[n, i]
                at = i
        dx[n, at] = dy[n]
    return dx
"""


def edited(name: str) -> str:
    text = POOL
    for right, wrong in (EDITS[name], *([MORE[name]] if name in MORE else [])):
        assert right in text
        text = text.replace(right, wrong) if right else text
    return text


def is_right(text: str, name: str, shape: tuple[int, ...]) -> bool:
    """Whether the gradient is that of difference quotients."""
    space: dict[str, Any] = {}
    exec(compile(text, name, "exec"), space)  # noqa: S102
    rng = np.random.default_rng(5)
    x = rng.permutation(int(np.prod(shape))).reshape(shape) - np.prod(shape) - 0.5
    forward = space[f"{name}_forward"]
    out, cache = forward(x)
    dout = rng.normal(size=out.shape)
    try:
        got = space[f"{name}_backward"](dout, cache)
    except IndexError:
        return False
    want = np.zeros(shape)
    for place in np.ndindex(*shape):
        ends = []
        for step in (1e-3, -1e-3):
            moved = x.copy()
            moved[place] += step
            ends.append((forward(moved)[0] * dout).sum())
        want[place] = (ends[0] - ends[1]) / 2e-3
    return bool(np.allclose(got, want))


@pytest.mark.parametrize("name", EDITS)
def test_a_loop_that_keeps_the_largest_element_and_its_place(name: str) -> None:
    text = edited(name)
    right = is_right(text, "pool", (2, 2, 7, 8))
    assert right is ([*EDITS].index(name) < [*EDITS].index("rows and columns exchanged"))
    wanted = None if name in OPEN else right
    assert sc.check(text, "pool", explain=False).holds is wanted


def test_a_wrong_place_has_its_line() -> None:
    text = edited("rows and columns exchanged")
    proof = sc.check(text, "pool")["x"]
    assert proof.holds is False
    assert proof.line is not None
    assert 19 <= proof.line <= 36


@pytest.mark.parametrize(("right", "wrong"), [
    ("", ""), ("at = i", "at = i - 1"), ("range(1, L):\n            if", "range(1, L - 1):\n            if"),
    ("m = x[n, 0]\n        at = 0", "m = x[n, 1]\n        at = 0"), ("at = 0", "at = 1"), ("> m", "< m"),
])  # fmt: skip
def test_the_largest_of_a_row(right: str, wrong: str) -> None:
    assert right in ROWS
    text = ROWS.replace(right, wrong) if right else ROWS
    assert is_right(text, "rows", (40, 5)) is (not right)
    assert (sc.check(text, "rows", explain=False).holds is True) is (not right)


def test_names_that_are_read_behind_the_loop_leave_it_as_it_is() -> None:
    text = ROWS.replace("        y[n] = m\n", "        y[n] = m + 0*i\n")
    with pytest.raises(sc.SpecError, match="has the value of an earlier iteration"):
        sc.check(text, "rows", explain=False)
