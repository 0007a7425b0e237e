"""Loops over iterators whose length is a size: enumerate, zip, reversed, places of an array, combinations."""

from __future__ import annotations

import textwrap

import pytest

import symconv as sc

OP = sc.operator("y[i,j] = 2*x[i,j]")


def holds(loops: str, op: sc.Operator = OP) -> bool | None:
    code = textwrap.dedent("""
    import itertools
    from itertools import product
    import numpy as np
    def backward(dy):
        N, M = dy.shape
        dx = np.zeros_like(dy)
    """) + textwrap.indent(textwrap.dedent(loops).strip("\n"), "    ")  # fmt: skip
    return sc.prove(op, code=f"{code}\n    return dx\n", explain=False).holds


@pytest.mark.parametrize("loop", [
    "np.ndindex(*dy.shape)", "np.ndindex(N, M)", "np.ndindex(dy.shape)", "product(range(N), range(M))",
    "itertools.product(range(N), reversed(range(M)))", "product(range(N), range(M - 1, -1, -1))",
])  # fmt: skip
@pytest.mark.parametrize(("value", "right"), [("2 * dy[i, j]", True), ("2 * dy[i, 0]", False)])
def test_combinations_are_loops_in_one_another(loop: str, value: str, right: bool) -> None:
    assert holds(f"for i, j in {loop}:\n    dx[i, j] += {value}") is right
    assert holds(f"for at in {loop}:\n    i, j = at\n    dx[at] += {value}") is right


def test_combinations_that_leave_cells_out() -> None:
    assert holds("for i, j in np.ndindex(N, M - 1):\n    dx[i, j] += 2 * dy[i, j]") is False
    assert holds("for i, j in product(range(N), repeat=2):\n    dx[i, j] += 2 * dy[i, j]") is False
    assert holds("for i, j in product(range(N), range(M)):\n    if j == 3:\n        continue\n"
                 "    dx[i, j] += 2 * dy[i, j]") is False  # fmt: skip
    assert holds("for i, j in product(range(N), range(M)):\n    if j == 3:\n        break\n"
                 "    dx[i, j] += 2 * dy[i, j]") is not True  # fmt: skip


@pytest.mark.parametrize(("loop", "right"), [
    ("for k, i in enumerate(range(N)):\n    dx[k] += 2 * dy[i]", True),
    ("for k, i in enumerate(range(0, N, 2)):\n    dx[k] += 2 * dy[i]", False),
    ("for k, i in enumerate(range(0, N, 2)):\n    dx[2 * k] += 2 * dy[i]\nfor i in range(1, N, 2):\n"
     "    dx[i] += 2 * dy[i]", True),
    ("for k, i in enumerate(range(N), 1):\n    dx[k - 1] += 2 * dy[i]", True),
    ("for k, i in enumerate(range(N), 1):\n    dx[k - 2] += 2 * dy[i]", False),
    ("for i, row in enumerate(dy):\n    dx[i] += 2 * row", True),
    ("for i, row in enumerate(dy):\n    dx[0] += 2 * row", False),
    ("for i, row in enumerate(dy[1:]):\n    dx[i + 1] += 2 * row\ndx[0] = 2 * dy[0]", True),
    ("for i in reversed(range(N)):\n    dx[i] = 2 * dy[i]", True),
    ("for i in reversed(range(1, N)):\n    dx[i] = 2 * dy[i]", False),
    ("for k, i in enumerate(reversed(range(N))):\n    dx[k] = 2 * dy[N - 1 - i]", True),
    ("for k, i in enumerate(reversed(range(N))):\n    dx[k] = 2 * dy[i]", False),
    ("for k, i in enumerate(reversed(range(N))):\n    dx[N - 1 - k] = 2 * dy[i]", True),
    ("for a, b in zip(range(N), range(N, 0, -1)):\n    dx[a] += 2 * dy[N - b]", True),
    ("for a, b in zip(range(N), range(1, N)):\n    dx[a] += 2 * dy[b - 1]", False),
    ("for a, b in zip(range(N), dy):\n    dx[a] += 2 * b", True),
    ("for a, b in zip(range(N), range(M)):\n    dx[a, b] += 2 * dy[a, b]", False),
    ("n = len(range(0, N, 2))\ndx[:n] += 2 * dy[:n]\ndx[n:] += 2 * dy[n:]", True),
    ("n = len(range(0, N, 2))\ndx[:n] += 2 * dy[:n]", False),
    ("dx = np.stack([2 * row for row in dy])", True),
    ("dx = np.stack([2 * row for k, row in enumerate(dy)])", True),
    ("dx = np.stack([2 * dy[i] for i in reversed(range(N))])", False),
])  # fmt: skip
def test_iterators_over_sizes(loop: str, right: bool) -> None:
    assert holds(loop) is right


@pytest.mark.parametrize("kept", ["np.ndindex(N, M)", "product(range(N), range(M))", "[np.ndindex(N, M)][0]"])
def test_an_iterator_that_is_kept_gives_its_items_once(kept: str) -> None:
    assert holds(f"at = {kept}\nfor i, j in at:\n    dx[i, j] += dy[i, j]\n"
                 "for i, j in at:\n    dx[i, j] += dy[i, j]") is not True  # fmt: skip


def test_a_strided_window_by_its_starts() -> None:
    code = """
import numpy as np
def conv_backward(dout, x, w):
    KH, KW = w.shape[2:]
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i, r in enumerate(range(0, x.shape[2] - KH + 1, 2)):
        for j, s in enumerate(range(0, x.shape[3] - {k} + 1, 2)):
            g = dout[:, :, i, j]
            dw += np.einsum("nf,nchw->fchw", g, x[..., r:r + KH, s:s + KW])
            dx[..., r:r + KH, s:s + KW] += np.einsum("nf,fchw->nchw", g, w)
    return dx, dw
"""
    op = sc.conv2d(stride=2)
    assert {n: p.holds for n, p in sc.prove(op, code=code.format(k="KW")).items()} == {"x": True, "w": True}
    assert {n: p.holds for n, p in sc.prove(op, code=code.format(k="KH"), explain=False).items()} == {
        "x": False, "w": False,
    }  # fmt: skip
