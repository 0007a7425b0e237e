"""Operands that are read where they lie, interpreted on small integers: every box, its borders, the operand's end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.errors import InternalError
from symconv.loops.interpret import interpret
from symconv.loops.ir import Binary, Const, Kernel, Store
from symconv.loops.traverse import rewrite
from symconv.loops.wellformed import wellformed
from symconv.notation.operator import Operator
from symconv.packed.candidates import packed_kernel
from symconv.packed.dot import DotTile
from symconv.packed.outer import Tile

CASES = {
    "1x1": (sc.conv2d(), [{"x": (2, 3, 4, 8), "w": (4, 3, 1, 1)}, {"x": (3, 2, 3, 5), "w": (6, 2, 1, 1)}, {"x": (2, 2, 4, 7), "w": (3, 2, 2, 3)}, {"x": (2, 2, 7, 4), "w": (2, 2, 3, 1)}]),
    "1x1 strided": (sc.conv2d(stride=(2, 3)), [{"x": (2, 3, 7, 12), "w": (2, 3, 1, 1)}, {"x": (1, 2, 5, 10), "w": (4, 2, 1, 1)}]),
    "1x1 groups": (sc.conv2d(groups=2), [{"x": (2, 4, 2, 6), "w": (4, 2, 1, 1)}]),
    "rows": (sc.conv1d(padding=[(3, 1)], dilation=2), [{"x": (2, 3, 41), "w": (4, 3, 3)}, {"x": (1, 2, 24), "w": (2, 2, 2)}]),
    "rows strided": (sc.conv1d(stride=3, padding=1), [{"x": (2, 2, 40), "w": (4, 2, 4)}, {"x": (3, 1, 17), "w": (2, 1, 2)}]),
    "bias": (sc.conv1d(bias=True, padding=1), [{"x": (2, 3, 23), "w": (4, 3, 2), "b": (4,)}]),
    "transposed": (sc.conv_transpose1d(stride=2), [{"x": (2, 3, 18), "w": (3, 2, 3)}]),
    "adder": (sc.adder1d(), [{"x": (2, 3, 26), "w": (4, 3, 3)}]),
    "3-D": (sc.conv3d(), [{"x": (2, 2, 3, 2, 4), "w": (2, 2, 1, 1, 1)}, {"x": (2, 2, 4, 3, 4), "w": (2, 2, 2, 2, 1)}]),
}  # fmt: skip
TILES = [
    Tile(2, 2, in_place=True),
    Tile(1, 3, in_place=True),
    DotTile(2, 3, in_place=True),
    DotTile(1, 2, in_place=True),
]


def _kernels(op: Operator, tile: Tile | DotTile) -> list[tuple[str, Kernel]]:
    derived = [(op.output.name, pipeline.forward(op))]
    derived += [(f"g{name}", pipeline.derive(op, name)) for name in pipeline.gradients(op)]
    made = [(name, packed_kernel(d.gather, name, tile)) for name, d in derived]
    return [(name, kernel) for name, kernel in made if kernel is not None]


def _given(kernel: Kernel, arrays: dict[str, Any]) -> dict[str, Any]:
    names = [b.name for b in kernel.buffers if b.role == "in"]
    return {name: (arrays[name].shape, arrays[name].ravel().tolist()) for name in names}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("tile", TILES)
def test_what_is_read_in_place_equals_the_definition(
    name: str, tile: Tile | DotTile, drawn: Callable[..., Any], wanted: Callable[..., Any]
) -> None:
    op, geometries = CASES[name]
    rng = np.random.default_rng(len(name) + tile.rows)
    for target, kernel in _kernels(op, tile):
        assert not wellformed(kernel)
        for seed, shapes in enumerate(geometries):
            arrays = drawn(op, shapes, seed)
            want = wanted(op, target[1:] if target.startswith("g") else "", arrays)
            plans = [dict.fromkeys(kernel.parameters, 100), _one_image(kernel, 100), _one_image(kernel, 8)]
            plans.append({p: int(rng.integers(1, 9)) for p in kernel.parameters})
            for numbers in plans:
                assert interpret(kernel, _given(kernel, arrays), parameters=numbers) == want, (target, shapes, numbers)


def _one_image(kernel: Kernel, most: int) -> dict[str, int]:
    return {p: 1 if p == "T_n_" else most for p in kernel.parameters}


def _beside(kernel: Kernel, buffer: str) -> Kernel:
    """The kernel with everything stored in one table one element too far."""

    def rule(node: object) -> object:
        if isinstance(node, Store) and node.buffer == buffer:
            return replace(node, value=Binary("+", node.value, Const(1)))
        return node

    return replace(kernel, nests=tuple(rewrite(nest, rule) for nest in kernel.nests))


def _differs(kernel: Kernel, arrays: dict[str, Any], want: list[Any]) -> bool:
    try:
        return bool(interpret(kernel, _given(kernel, arrays), parameters=_one_image(kernel, 8)) != want)
    except InternalError:
        return True


@pytest.mark.parametrize("name", ["1x1", "rows", "3-D"])
def test_both_ways_are_taken_and_their_tables_matter(
    name: str, drawn: Callable[..., Any], wanted: Callable[..., Any]
) -> None:
    op, (shapes, *_) = CASES[name]
    arrays = drawn(op, shapes, 5)
    for tile, table in ((Tile(2, 2, in_place=True), "distances_"), (DotTile(2, 3, in_place=True), "distances_")):
        for target, kernel in _kernels(op, tile):
            want = wanted(op, target[1:] if target.startswith("g") else "", arrays)
            assert not _differs(kernel, arrays, want)
            assert _differs(_beside(kernel, table), arrays, want), target
            if name == "rows":
                assert _differs(_beside(kernel, "offsets_"), arrays, want), target
