"""Compiled kernels on arrays wider than the machine's vectors: several blocks of lanes, tiles and their remainders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from symconv import pipeline
from symconv.build.module import load
from symconv.notation.front import formula
from symconv.notation.operator import Operator
from symconv.ops.registry import conv1d, conv2d, conv3d
from symconv.options import Options
from symconv.verify.reference import evaluate, gradients

Shapes = dict[str, tuple[int, ...]]

CASES: dict[str, tuple[Operator, Shapes]] = {
    "plain": (conv2d(padding=(1, 2)), {"x": (2, 5, 4, 37), "w": (7, 5, 3, 2)}),
    "strided": (
        conv2d(stride=(2, 2), padding=((1, 0), (2, 1)), dilation=(1, 3)),
        {"x": (2, 6, 7, 53), "w": (9, 6, 2, 3)},
    ),
    "stride 3": (conv2d(stride=(1, 3), padding=1, bias=True), {"x": (1, 3, 4, 70), "w": (4, 3, 3, 2), "b": (4,)}),
    "depthwise": (conv2d(padding=(0, 3), groups=6), {"x": (2, 6, 5, 40), "w": (6, 1, 2, 7)}),
    "grouped": (conv2d(stride=(2, 1), padding=1, groups=2), {"x": (2, 10, 5, 35), "w": (6, 5, 3, 2)}),
    "last": (conv2d(padding=(1, 0), layout="NHWC"), {"x": (2, 4, 5, 19), "w": (3, 2, 19, 21)}),
    "flipped": (conv2d(padding=(1, 2), dilation=(2, 1), flip=True), {"x": (2, 3, 7, 41), "w": (5, 3, 2, 3)}),
    "line": (conv1d(padding=4, dilation=4), {"x": (3, 2, 101), "w": (3, 2, 3)}),
    "volume": (conv3d(padding=(1, 0, 1)), {"x": (1, 2, 3, 4, 36), "w": (3, 2, 3, 2, 3)}),
    "adder": (
        formula("y[n,f,i,j] = -sum[c,p,q](abs(x[n,c,i+p-1,j+q-2] - w[f,c,p,q]))"),
        {"x": (2, 5, 4, 37), "w": (6, 5, 3, 4)},
    ),
    "reflect": (
        formula("y[n,f,i,j] = sum[c,p,q](x[n,c,i+p-1,j+q-2] * w[f,c,p,q])", border="reflect"),
        {"x": (2, 3, 5, 37), "w": (4, 3, 3, 4)},
    ),
    "tallest": (
        formula("y[n,c,i,j] = max[p,q](x[n,c,i+p,2*j+q-1])", border="skip", extents={"p": 2, "q": 3}),
        {"x": (2, 3, 5, 75)},
    ),
    "transposed": (
        formula("y[n,f,i,j] = sum[c,p,q](x[n,c,(i+1-p)/2,(j+1-q)/2] * w[c,f,p,q])"),
        {"x": (2, 3, 4, 37), "w": (3, 4, 3, 4)},
    ),
    "few cells": (conv2d(padding=1), {"x": (8, 1, 64, 71), "w": (2, 1, 3, 2)}),
}


def _modules(names: list[str], dtype: str, fixed: bool, target: str) -> dict[str, tuple[object, object]]:
    """The cases in one module: compiling is what takes the time."""
    options = Options(dtype=dtype, target=target)
    units = []
    for number, (op, shapes) in enumerate(CASES[name] for name in names):
        chosen = replace(options, sizes=tuple(shapes.items())) if fixed else options
        units.append(pipeline.unit(op, chosen, f"u{number}").direct)
    module = load(pipeline.build_text(pipeline.generate(tuple(units), options).text, options))
    return {name: (getattr(module, f"u{k}_forward"), getattr(module, f"u{k}_backward")) for k, name in enumerate(names)}


@pytest.fixture(
    scope="module",
    params=[
        ("float32", True, "native"),
        pytest.param(("float64", True, "portable"), marks=pytest.mark.full),
        ("float64", False, "native"),
    ],
    ids=["float32-fixed", "float64-fixed-portable", "float64-runtime"],
)
def compiled(
    request: pytest.FixtureRequest, collected: Callable[..., list[str]]
) -> tuple[str, dict[str, tuple[object, object]]]:
    dtype, fixed, target = request.param
    return dtype, _modules(collected("name", compiled=request.param), dtype, fixed, target)


@pytest.mark.parametrize("name", CASES)
def test_wide_arrays_are_exact(compiled: tuple[str, dict[str, tuple[object, object]]], name: str) -> None:
    dtype, functions = compiled
    op, shapes = CASES[name]
    rng = np.random.default_rng(3)
    arrays = {tensor: rng.integers(-3, 4, shape).astype(dtype) for tensor, shape in shapes.items()}
    forward, backward = functions[name]
    want = evaluate(op, arrays)
    gy = rng.integers(-3, 4, want.shape).astype(dtype)
    wanted = gradients(op, arrays, gy)
    for threads in (1, 2):
        (got,) = forward(1, tuple(arrays.values()), None, threads)  # type: ignore[operator]
        assert got.dtype == dtype
        assert (got == want).all()
        results = backward((1 << len(arrays)) - 1, (gy, *arrays.values()), None, threads)  # type: ignore[operator]
        for tensor, result in zip(arrays, results, strict=True):
            assert (result == wanted[tensor]).all(), tensor
