"""Slips that one edit of a line undoes: the repair is the line as it was, which difference quotients say is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

SWAPPED = """
import numpy as np
def swapped_forward(x):
    N, A, B, C = x.shape
    return 2 * x.transpose(0, 3, 1, 2), None
def swapped_backward(dout, cache):
    dx = 2 * dout.transpose(0, 2, 3, 1)
    return dx
"""
SUMS = """
import numpy as np
def sums_forward(h, a):
    N, T, C = h.shape
    return (h * a[:, :, None]).sum(axis=1), (h, a)
def sums_backward(dc, cache):
    h, a = cache
    dh = dc[:, None, :] * a[:, :, None]
    da = np.sum(dc[:, None, :] * h, axis=2)
    return dh, da
"""
PRODUCTS = """
import numpy as np
def products_forward(a, u, v):
    return np.einsum("ni,kij,nj->nk", a, u, v), (a, u, v)
def products_backward(g, cache):
    a, u, v = cache
    da = np.einsum("nk,kij,nj->ni", g, u, v)
    du = np.einsum("nk,ni,nj->kij", g, a, v)
    dv = np.einsum("nk,kij,ni->nj", g, u, a)
    return da, du, dv
"""
CUBES = """
import numpy as np
def cubes_forward(x, w):
    N, C = x.shape
    s = np.tanh(x @ w)
    return s ** 3, (x, w, s)
def cubes_backward(dy, cache):
    x, w, s = cache
    N = x.shape[0]
    ds = dy * 3 * s ** 2
    dz = ds * (1 - s ** 2)
    dx = dz @ w.T
    dw = x.T @ dz
    return dx, dw
"""
LINES = (
    (SWAPPED, "    dx = 2 * dout.transpose(0, 2, 3, 1)", "    dx = 2 * dout.transpose(0, 3, 2, 1)", "x"),
    (SUMS, "np.sum(dc[:, None, :] * h, axis=2)", "np.sum(dc[:, None, :] * h, axis=1)", "a"),
    (SUMS, "np.sum(dc[:, None, :] * h, axis=2)", "np.sum(dc[:, None, :] * h, axis=0)", "a"),
    (PRODUCTS, "nk,ni,nj->kij", "nk,nj,ni->kij", "u"),
    (PRODUCTS, "g, u, a)", "g, u, v)", "v"),
    (CUBES, "s ** 2\n    dz", "s\n    dz", "w"),
    (CUBES, "(1 - s ** 2)", "(1 - s)", "w"),
    (CUBES, "dw = x.T @ dz", "dw = x.T @ ds", "w"),
    (CUBES, "dw = x.T @ dz", "dw = x.T @ dz / N", "w"),
    (CUBES, "dw = x.T @ dz", "dw = -(x.T @ dz)", "w"),
)
SHAPES = {
    "swapped": [(2, 3, 4, 5)], "sums": [(2, 3, 4), (2, 3)], "products": [(2, 3), (4, 3, 5), (2, 5)],
    "cubes": [(3, 2), (2, 4)],
}  # fmt: skip


def right_when_run(text: str, name: str, at: int) -> bool:
    """Whether difference quotients say that one gradient is right."""
    space: dict[str, Any] = {}
    exec(compile(text, name, "exec"), space)  # noqa: S102
    rng = np.random.default_rng(2)
    given = [rng.normal(size=shape) for shape in SHAPES[name]]
    step = rng.normal(size=given[at].shape)
    y, cache = space[f"{name}_forward"](*given)
    d = rng.normal(size=y.shape)
    try:
        back = space[f"{name}_backward"](d, cache)
        got = (back if isinstance(back, tuple) else (back,))[at]
    except ValueError:
        return False
    ahead, behind = (
        space[f"{name}_forward"](*[a + s * step if j == at else a for j, a in enumerate(given)])[0]
        for s in (1e-6, -1e-6)
    )
    slope = ((ahead - behind) * d).sum() / 2e-6
    return got.shape == step.shape and bool(np.isclose(slope, (got * step).sum(), rtol=1e-5))


@pytest.mark.parametrize("case", range(len(LINES)))
def test_the_line_is_told_and_its_repair_is_right(case: int) -> None:
    text, right, wrong, tensor = LINES[case]
    name = text.partition("def ")[2].partition("_forward")[0]
    slipped = text.replace(right, wrong)
    at = text.partition("def ")[2].partition("(")[2].partition(")")[0].split(", ").index(tensor)
    assert right_when_run(text, name, at) and not right_when_run(slipped, name, at)
    found = list(sc.check(slipped, name).values())[at]
    assert found.holds is False
    number = next(k for k, (a, b) in enumerate(zip(text.splitlines(), slipped.splitlines(), strict=True), 1) if a != b)
    lines = slipped.splitlines()
    # A sign may as well be mended where the gradient is returned.
    assert found.line == number or (found.cause == "the sign" and lines[found.line - 1].startswith("    return"))
    lines[found.line - 1] = "    " + found.repair.partition(": ")[2]
    assert right_when_run("\n".join(lines), name, at)


PRODUCTS = """
import numpy as np
def lin_forward(x, w, b):
    return x @ w + b, (x, w)
def lin_backward(dy, cache):
    x, w = cache
    dx = {}
    dw = {}
    return dx, dw, dy.sum(0)
"""


@pytest.mark.parametrize(
    ("name", "line", "wrong", "repaired"),
    [
        ("x", 7, "w @ dy.T", "dy @ w.T"),
        ("x", 7, "np.dot(w, dy.T)", "np.dot(dy, w.T)"),
        ("w", 8, "dy.T @ x", "x.T @ dy"),
        ("w", 8, "np.matmul(dy.T, x)", "np.matmul(x.T, dy)"),
    ],
)
def test_a_product_that_is_transposed_is_turned(name: str, line: int, wrong: str, repaired: str) -> None:
    right = {"x": "dy @ w.T", "w": "x.T @ dy"}
    assert sc.check(PRODUCTS.format(*right.values()), explain=False).holds is True
    proof = sc.check(PRODUCTS.format(*(right | {name: wrong}).values()))[name]
    target = f"d{name} = "
    assert (proof.line, proof.repair) == (line, f"line {line}: {target}{repaired}")
    assert sc.check(PRODUCTS.format(*(right | {name: repaired}).values()), explain=False).holds is True
