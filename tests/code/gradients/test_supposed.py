"""Lengths that are only taken as equal: the answer says so, and what is wrong where they differ is not hidden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.prove.proof import UNASKED

ENCODER = """
import numpy as np
def encoder_forward(inp, wte, wpe):
    B, T = inp.shape
    C = wte.shape[1]
    out = np.zeros((B, T, C))
    for b in range(B):
        for t in range(T):
            ix = inp[b, t]
            for i in range(C):
                out[b, t, i] = wte[ix, i] + wpe[t, i]
    return out, (inp, wte, wpe)
def encoder_backward(dout, cache):
    inp, wte, wpe = cache
    B, T, C = dout.shape
    dwte = np.zeros_like(wte)
    dwpe = np.zeros((T, C))
    for b in range(B):
        for t in range(T):
            ix = inp[b, t]
            for i in range(C):
                dwte[ix, i] += dout[b, t, i]
                dwpe[t, i] += dout[b, t, i]
    return dwte, dwpe
"""
WHOLE = ENCODER.replace("dwpe = np.zeros((T, C))", "dwpe = np.zeros_like(wpe)")
MATMUL = """
import numpy as np
def matmul_forward(a, b):
    M, K = a.shape
    N = b.shape[1]
    y = np.zeros((M, N))
    for i in range(M):
        for j in range(N):
            for k in range(K):
                y[i, j] += a[i, k] * b[k, j]
    return y, (a, b)
def matmul_backward(dy, cache):
    a, b = cache
    M, K = a.shape
    N = b.shape[1]
    da = np.zeros((M, K))
    db = np.zeros((K, N))
    for i in range(M):
        for j in range(N):
            for k in range(K):
                da[i, k] += dy[i, j] * b[k, j]
                db[k, j] += dy[i, j] * a[i, k]
    return da, db
"""
ROWS = """
import numpy as np
def rows_forward(x, w):
    "x: (N, C), w: (M,)"
    return np.stack([x[i] * w[i] for i in range(x.shape[0])]), (x, w)
def rows_backward(dy, cache):
    x, w = cache
    return dy * w[:len(x), None], (dy * x).sum(axis=1)
"""
CONV = """
import numpy as np
def conv_forward(x, w):
    N, C, L = x.shape
    O, _, K = w.shape
    y = np.zeros((N, O, L - K + 1))
    for n in range(N):
        for o in range(O):
            for i in range(L - K + 1):
                for c in range(C):
                    for k in range(K):
                        y[n, o, i] += x[n, c, i + k] * w[o, c, k]
    return y, (x, w)
def conv_backward(dy, cache):
    x, w = cache
    N, C, L = x.shape
    O, _, K = w.shape
    dx = np.zeros_like(x)
    dw = np.zeros((O, C, K))
    for n in range(N):
        for o in range(O):
            for i in range(L - K + 1):
                for c in range(C):
                    for k in range(K):
                        dx[n, c, i + k] += dy[n, o, i] * w[o, c, k]
                        dw[o, c, k] += dy[n, o, i] * x[n, c, i + k]
    return dx, dw
"""
TABLES: dict[str, tuple[str, str, list[Any], list[Any], str]] = {
    "encoder": (ENCODER, "np.zeros((T, C))", ["ids", (4, 3), (5, 3)], ["ids", (4, 3), (7, 3)], "np.zeros_like(wpe)"),
    "matmul": (MATMUL, "np.zeros((K, N))", [(2, 3), (3, 4)], [(2, 3), (5, 4)], "np.zeros_like(b)"),
    "conv": (CONV, "np.zeros((O, C, K))", [(2, 3, 6), (4, 3, 2)], [(2, 3, 6), (4, 5, 2)], "np.zeros_like(w)"),
    "rows": (ROWS, "(dy * x).sum(axis=1)", [(3, 2), (3,)], [(3, 2), (5,)],
             "np.concatenate(((dy * x).sum(axis=1), np.zeros(len(w) - len(x))))"),
}  # fmt: skip
"""A text whose last gradient is as long as the loops run, what of it, sizes that are equal, others, and the repair."""


def right(text: str, name: str, shapes: list[Any]) -> list[bool]:
    """Whether each gradient of a text has the shape and the values that difference quotients have."""
    space: dict[str, Any] = {}
    exec(compile(text, name, "exec"), space)  # noqa: S102
    rng = np.random.default_rng(3)
    given = [rng.integers(0, 4, (2, 5)) if one == "ids" else rng.normal(size=one) for one in shapes]
    forward = space[f"{name}_forward"]
    out, cache = forward(*given)
    dout = rng.normal(size=out.shape)
    found = []
    for array, got in zip((a for a in given if a.dtype == float), space[f"{name}_backward"](dout, cache), strict=True):
        want = np.zeros_like(array)
        for place in np.ndindex(*array.shape):
            held, ends = array[place], list[float]()
            for step in (1e-6, -1e-6):
                array[place] = held + step
                ends.append(float((forward(*given)[0] * dout).sum()))
            array[place], want[place] = held, (ends[0] - ends[1]) / 2e-6
        found.append(got.shape == want.shape and bool(np.allclose(got, want, atol=1e-5)))
    return found


@pytest.mark.parametrize("name", TABLES)
def test_what_is_right_for_equal_lengths_alone_is_told_so(name: str) -> None:
    text, _, equal, longer, _ = TABLES[name]
    assert (right(text, name, equal)[-1], right(text, name, longer)[-1]) == (True, False)
    *others, last = sc.check(text, name, explain=False).values()
    assert last.holds is True
    assert "is as long as" in last.where
    assert UNASKED not in last.where
    assert "wrong elsewhere" in str(last)
    assert all(one.holds is True and not one.where for one in others)


@pytest.mark.parametrize("name", TABLES)
def test_what_is_right_for_all_lengths_is_proved_for_all(name: str) -> None:
    text, part, equal, longer, repair = TABLES[name]
    assert part in text
    whole = text.replace(part, repair)
    assert all(right(whole, name, equal) + right(whole, name, longer))
    proofs = sc.check(whole, name, explain=False)
    assert [(one.holds, one.where) for one in proofs.values()] == [(True, "")] * len(proofs)


def test_an_operator_of_a_longer_table_is_for_longer_tables() -> None:
    op = sc.check(WHOLE, "encoder", explain=False)["wpe"].operator
    assert "axis 0 of wpe may be longer than axis 1 of inp" in op.source
    shapes = {"wte": (7, 3), "wpe": (6, 3), "𝟙inp": (2, 5, 7)}
    assert op.output_shape(**shapes) == (2, 5, 3)
    with pytest.raises(sc.SpecError, match="what is indexed is as long as loops run"):
        op.output_shape(**{**shapes, "wpe": (4, 3)})


@pytest.mark.parametrize("condition", ["assert T <= wpe.shape[0]", "if T > len(wpe): raise ValueError"])
def test_lengths_that_the_text_compares_differ(condition: str) -> None:
    line = "    C = wte.shape[1]\n"
    proof = sc.check(ENCODER.replace(line, f"{line}    {condition}\n"), "encoder", explain=False)["wpe"]
    shapes = {"wte": (7, 3), "wpe": (6, 3), "𝟙inp": (2, 5, 7)}
    assert proof.holds is False
    assert proof.fails(**shapes)
    assert not proof.fails(**{**shapes, "wpe": (5, 3)})
    whole = sc.check(WHOLE.replace(line, f"{line}    {condition}\n"), "encoder", explain=False)
    assert whole.holds is True
    rows = "    maxT = wpe.shape[0]\n    dwpe = np.zeros((maxT, C))"
    own = WHOLE.replace(line, f"{line}    {condition}\n").replace("    dwpe = np.zeros_like(wpe)", rows)
    found = sc.check(own, "encoder", explain=False)["wpe"]
    assert found.holds is True
    assert found.where == "axis 1 of wpe is as long as axis 1 of wte"


def test_an_operator_of_a_function_tells_which_lengths_it_takes_as_equal(tmp_path: Path) -> None:
    file = tmp_path / "rows.py"
    file.write_text(ROWS[: ROWS.index("def rows_backward")].replace(", (x, w)\n", "\n"))
    assert (
        "lengths are taken as equal: axis 0 of w is as long as axis 0 of x" in sc.operator(f"{file}:rows_forward").notes
    )
