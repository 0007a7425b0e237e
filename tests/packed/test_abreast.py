"""Sums whose lanes are neighbouring rows of the target, interpreted on small integers, equal the definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.loops.interpret import interpret
from symconv.loops.ir import Kernel
from symconv.notation.operator import Operator
from symconv.packed.abreast import AbreastTile
from symconv.packed.candidates import abreast_kernel
from symconv.tune.numbers import value

CASES: dict[str, tuple[Operator, list[dict[str, tuple[int, ...]]]]] = {
    "plain": (sc.conv2d(), [{"x": (2, 2, 4, 7), "w": (5, 2, 2, 3)}, {"x": (1, 1, 2, 3), "w": (1, 1, 2, 3)}]),
    "strided": (sc.conv2d(stride=(2, 3)), [{"x": (2, 3, 6, 11), "w": (5, 3, 3, 2)}, {"x": (3, 2, 1, 13), "w": (9, 2, 1, 1)}]),
    "dilated": (sc.conv1d(stride=3, dilation=2), [{"x": (3, 2, 14), "w": (3, 2, 3)}, {"x": (1, 2, 9), "w": (6, 2, 1)}]),
    "grouped": (sc.conv2d(groups=2), [{"x": (2, 4, 3, 5), "w": (6, 2, 3, 2)}]),
    "3-D": (sc.conv3d(stride=(1, 2, 1)), [{"x": (2, 2, 3, 4, 5), "w": (3, 2, 2, 3, 2)}]),
    "distances": (sc.operator("y[n,f,i] = sum[c,p](abs(x[n,c,2*i+p] - w[f,c,p]))"), [{"x": (2, 3, 12), "w": (5, 3, 3)}]),
    "no batch": (sc.operator("y[f,i] = sum[c](x[c,3*i]*w[f,c])"), [{"x": (4, 22), "w": (7, 4)}]),
    "w turned": (sc.operator("y[n,f,i] = sum[c,p](x[n,c,i+p]*w[p,c,f])"), [{"x": (2, 3, 8), "w": (2, 3, 5)}]),
    "one row for each": (sc.operator("y[n,f,i] = sum[p](x[n,i+p]*w[f,p])"), [{"x": (2, 9), "w": (5, 3)}]),
}  # fmt: skip

POINTS = [
    (sc.conv2d(), {"x": (2, 5, 3, 7), "w": (4, 5, 1, 1)}),
    (sc.conv2d(groups=2), {"x": (3, 6, 1, 15), "w": (4, 3, 1, 1)}),
    (sc.conv1d(dilation=2), {"x": (2, 3, 8), "w": (5, 3, 1)}),
]
"""Layers whose gradients of x read nothing outside at these sizes."""


def _equal(
    kernel: Kernel, op: Operator, shapes: dict[str, tuple[int, ...]], wrt: str, drawn: Any, wanted: Any, seed: int
) -> bool:
    """Whether a kernel computes the definition for drawn numbers of a plan, in vectors of 1, 2 and 4 lanes."""
    rng, arrays = np.random.default_rng(seed), drawn(op, shapes, seed)
    given = {b.name: (arrays[b.name].shape, arrays[b.name].ravel().tolist()) for b in kernel.buffers if b.role == "in"}
    want = wanted(op, wrt, arrays)
    return all(
        interpret(kernel, given, parameters={p: int(rng.integers(1, most + 1)) for p in kernel.parameters}, width=width)
        == want
        for most in (1, 3, 9, 100)
        for width in (1, 2, 4)
    )


@pytest.mark.parametrize("tile", [AbreastTile(2, 2), AbreastTile(3, 1), AbreastTile(5, 3)])
@pytest.mark.parametrize("name", CASES)
def test_rows_abreast_equal_the_definition(
    name: str, tile: AbreastTile, drawn: Callable[..., Any], wanted: Callable[..., Any]
) -> None:
    op, geometries = CASES[name]
    made = abreast_kernel(pipeline.forward(op).gather, "y", tile)
    assert made is not None
    kernel, requires = made
    assert not requires
    for seed, shapes in enumerate(geometries):
        assert _equal(kernel, op, shapes, "", drawn, wanted, seed + tile.cells)


@pytest.mark.parametrize("tile", [AbreastTile(2, 2), AbreastTile(3, 1)])
@pytest.mark.parametrize(("op", "shapes"), POINTS)
def test_gradients_equal_the_definition_where_nothing_is_read_outside(
    op: Operator,
    shapes: dict[str, tuple[int, ...]],
    tile: AbreastTile,
    drawn: Callable[..., Any],
    wanted: Callable[..., Any],
) -> None:
    made = abreast_kernel(pipeline.derive(op, "x").gather, "gx", tile)
    assert made is not None
    kernel, requires = made
    sizes = op.sizes(**shapes)
    assert requires
    assert all(value(test, sizes) for test in requires)
    assert _equal(kernel, op, shapes, "x", drawn, wanted, tile.cells)
    wider = op.sizes(**{**shapes, "w": (*shapes["w"][:-1], 2)})
    assert not all(value(test, wider) for test in requires)


def test_what_has_no_such_form() -> None:
    """A border of zeros, residue classes of the target, something at the cell, and no rows."""
    tile = AbreastTile(2, 2)
    extreme = sc.operator("y[n,i] = max[p](x[n,2*i+p])", extents={"p": 3})
    for op in (sc.conv2d(padding=1), sc.conv1d(bias=True), sc.conv2d(groups=3, padding=1), extreme):
        assert abreast_kernel(pipeline.forward(op).gather, "y", tile) is None
    assert abreast_kernel(pipeline.derive(sc.conv2d(padding=1), "x").gather, "gx", tile) is None
    assert abreast_kernel(pipeline.derive(sc.conv1d(stride=2), "x").gather, "gx", tile) is None
    assert abreast_kernel(pipeline.derive(sc.conv1d(), "w").gather, "gw", tile) is None
