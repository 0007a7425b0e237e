"""TensorFlow's and JAX's gradients of convolutions: what is decided is what plain loops, and the libraries, compute."""

from __future__ import annotations

import ast
import importlib.util
from functools import cache
from itertools import product
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symconv as sc

FILE = Path(__file__).parents[2] / "code/corpus/libraries.py"
LINES = {
    one.name: ast.unparse(one.body[0].value)
    for one in ast.parse(FILE.read_text()).body
    if isinstance(one, ast.FunctionDef) and isinstance(one.body[0], ast.Return) and one.body[0].value
}
STRIDES = (2, 3)
OPERATORS = {
    "same": lambda: sc.conv2d(layout="NHWC", stride=STRIDES, padding="same"),
    "valid": lambda: sc.conv2d(layout="NHWC", stride=STRIDES),
    "pads": lambda: sc.conv2d(layout="NHWC", stride=STRIDES, padding=((1, 0), (1, 2))),
}
CASES = [
    ("transpose_same", "same", True), ("transpose_same", "pads", False), ("transpose_valid", "valid", True),
    ("transpose_valid", "same", False), ("transpose_pads", "pads", True), ("input_same", "same", True),
    ("filter_same", "same", True), ("filter_same", "pads", False), ("filter_valid", "valid", True),
    ("lax_same", "same", False), ("lax_valid", "valid", False), ("lax_pads", "pads", False), ("lax_plain", "pads", False),
]  # fmt: skip
"""Which line is the gradient of which operator for all sizes."""


@cache
def operator(name: str) -> sc.Operator:
    return OPERATORS[name]()


def pads_of(kind: str, shape: tuple[int, ...], taps: tuple[int, ...]) -> list[tuple[int, int]]:
    if kind in {"valid", "pads"}:
        return [(0, 0), (0, 0)] if kind == "valid" else [(1, 0), (1, 2)]
    totals = [max((ceil(n / s) - 1) * s + k - n, 0) for n, s, k in zip(shape, STRIDES, taps, strict=True)]
    return [(total // 2, total - total // 2) for total in totals]


def gradients(kind: str, gy: Any, x: Any, w: Any) -> tuple[Any, Any]:
    """What a convolution with these pads gives back, tap by tap; raises ValueError where the cotangent does not fit."""
    (_, h, v, _), (kh, kw, _, _) = x.shape, w.shape
    (top, bottom), (left, right) = pads_of(kind, (h, v), (kh, kw))
    rows, columns = (h + top + bottom - kh) // 2 + 1, (v + left + right - kw) // 3 + 1
    if gy.shape[1:3] != (rows, columns):
        raise ValueError("the cotangent has another size")
    around = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    gx, gw = np.zeros_like(around), np.zeros_like(w)
    for p, q in product(range(kh), range(kw)):
        at = np.s_[:, p : p + 2 * rows - 1 : 2, q : q + 3 * columns - 2 : 3]
        gx[at] += gy @ w[p, q].T
        gw[p, q] = np.tensordot(around[at], gy, ([0, 1, 2], [0, 1, 2]))
    return gx[:, top : top + h, left : left + v], gw


def dilated(kind: str, gy: Any, w: Any) -> Any:
    """What ``lax.conv_transpose`` computes: zeros between the elements, pads as its source has them, a correlation."""
    n, rows, columns, _ = gy.shape
    zeros = np.zeros((n, (rows - 1) * 2 + 1, (columns - 1) * 3 + 1, gy.shape[3]), gy.dtype)
    zeros[:, ::2, ::3] = gy
    pairs: list[tuple[int, int]] = []
    for k, s, stated in zip(w.shape, STRIDES, [(1, 0), (1, 2)], strict=False):
        if kind == "same":
            low = k - 1 if s > k - 1 else ceil((k + s - 2) / 2)
            pairs.append((low, k + s - 2 - low))
        elif kind == "valid":
            pairs.append((k - 1, k + s - 2 + max(k - s, 0) - (k - 1)))
        else:
            pairs.append((k - 1 - stated[0], k - 1 - stated[1]))
    if kind == "plain":
        pairs, kernel = [(1, 0), (0, 1)], w.swapaxes(2, 3)
    else:
        kernel = w[::-1, ::-1].swapaxes(2, 3)
    wide = [max(0, lo) for lo, _ in pairs], [max(0, hi) for _, hi in pairs]
    around = np.pad(zeros, ((0, 0), *zip(*wide, strict=True), (0, 0)))
    ends = [size + min(0, hi) for size, (_, hi) in zip(around.shape[1:3], pairs, strict=True)]
    around = around[:, max(0, -pairs[0][0]) : ends[0], max(0, -pairs[1][0]) : ends[1]]
    out = [size - k + 1 for size, k in zip(around.shape[1:3], w.shape, strict=False)]
    if min(out) < 1:
        raise ValueError("nothing is left")
    taps = product(range(w.shape[0]), range(w.shape[1]))
    return sum(around[:, p : p + out[0], q : q + out[1]] @ kernel[p, q] for p, q in taps)


def plainly(name: str, gy: Any, x: Any, w: Any) -> Any:
    family, _, kind = name.rpartition("_")
    if family == "lax":
        return dilated(kind, gy, w)
    return gradients(kind, gy, x, w)["filter" in family]


def arrays(op: sc.Operator, x: tuple[int, ...], w: tuple[int, ...]) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(sum(x) + sum(w))
    gy, first, second = (rng.integers(1, 9, shape).astype(np.float32) for shape in (op.output_shape(x=x, w=w), x, w))
    return gy, first, second


SIZES = [((2, h, v, 2), (kh, kw, 2, 3)) for h, v, kh, kw in
         [(4, 5, 1, 2), (5, 7, 2, 3), (6, 6, 3, 2), (7, 9, 2, 4), (8, 8, 4, 4), (5, 6, 2, 5), (4, 6, 3, 4), (9, 7, 1, 1)]]  # fmt: skip


def agree(proof: sc.Proof, name: str, kind: str, computed: Any) -> None:
    """That the proof says of each size what the function computes there."""
    op = operator(kind)
    for x, w in SIZES:
        try:
            given = arrays(op, x, w)
        except sc.SpecError:
            continue
        want = gradients(kind, *given)["filter" in name]
        try:
            got = np.asarray(computed(name, *given))
            right = got.shape == want.shape and bool(np.array_equal(got, want))
        except Exception:  # noqa: BLE001 - whatever a library says of sizes that do not fit
            right = False
        assert proof.fails(x=x, w=w) != right, (name, kind, x, w)


@pytest.mark.parametrize(("name", "kind", "holds"), CASES)
def test_claims_mean_what_loops_compute(name: str, kind: str, holds: bool) -> None:
    proof = sc.prove(operator(kind), f"{'gw' if 'filter' in name else 'gx'} = {LINES[name]}", explain=False)
    assert proof.holds is holds, str(proof)
    agree(proof, name, kind, plainly)


QUICK = {"transpose_pads", "filter_valid", "lax_pads", "lax_plain"}


@pytest.mark.parametrize(
    ("name", "kind", "holds"), [c if c[0] in QUICK else pytest.param(*c, marks=pytest.mark.full) for c in CASES]
)
def test_code_means_what_claims_mean(name: str, kind: str, holds: bool) -> None:
    wrt = "w" if "filter" in name else "x"
    proof = sc.prove(operator(kind), code=FILE, name=name, returns=(wrt,), explain=False)[wrt]
    assert proof.holds is holds, str(proof)
    agree(proof, name, kind, plainly)


@pytest.mark.parametrize("name", ["depthwise_input_same", "depthwise_filter_same"])
def test_depthwise_filters_are_of_one_channel(name: str) -> None:
    wrt = "w" if "filter" in name else "x"
    op = sc.operator("y[n,i,j,(c,m)] = sum[p<1,q<1](x[n,2*i+p,2*j+q,c]*w[p,q,c,m])")
    assert sc.prove(op, f"g{wrt} = {LINES[name]}", explain=False).holds
    assert sc.prove(op, code=FILE, name=name, returns=(wrt,), explain=False)[wrt].holds
    wrong = LINES[name].replace("[1, 2, 2, 1]", "[1, 1, 1, 1]")
    assert sc.prove(op, f"g{wrt} = {wrong}", explain=False).holds is False


def run(name: str, gy: Any, x: Any, w: Any) -> Any:
    spec = importlib.util.spec_from_file_location("libraries", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)(gy, x, w)


@pytest.mark.full
@pytest.mark.parametrize(("name", "kind", "holds"), CASES)
def test_the_libraries_themselves_compute_it(name: str, kind: str, holds: bool) -> None:
    pytest.importorskip("tensorflow")
    pytest.importorskip("jax")
    proof = sc.prove(operator(kind), f"{'gw' if 'filter' in name else 'gx'} = {LINES[name]}", explain=False)
    agree(proof, name, kind, run)
