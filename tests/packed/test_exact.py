"""Packed kernels, interpreted on small integers, equal the definition for every box, tile and tail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.loops.interpret import interpret
from symconv.notation.operator import Operator
from symconv.packed.across import AcrossTile
from symconv.packed.candidates import packed_kernel
from symconv.packed.dot import DotTile
from symconv.packed.outer import Tile

CASES = {
    "padded": (sc.conv2d(padding=(1, 2)), [{"x": (2, 3, 5, 9), "w": (5, 3, 3, 2)}, {"x": (1, 1, 1, 2), "w": (1, 1, 2, 3)}]),
    "plain": (sc.conv2d(), [{"x": (2, 2, 4, 7), "w": (3, 2, 2, 3)}]),
    "strided": (sc.conv2d(stride=(2, 3), padding=(1, 0)), [{"x": (2, 3, 6, 11), "w": (5, 3, 3, 4)}, {"x": (1, 2, 4, 4), "w": (2, 2, 1, 2)}]),
    "dilated": (sc.conv1d(stride=3, padding=[(2, 1)], dilation=2), [{"x": (3, 2, 14), "w": (3, 2, 3)}, {"x": (1, 2, 9), "w": (3, 2, 1)}]),
    "grouped": (sc.conv2d(groups=2, padding=1), [{"x": (2, 4, 3, 5), "w": (6, 2, 3, 2)}]),
    "depthwise": (sc.conv2d(groups=3, padding=(0, 1)), [{"x": (2, 3, 4, 5), "w": (3, 1, 2, 3)}]),
    "3-D": (sc.conv3d(stride=(1, 2, 1), padding=1), [{"x": (2, 2, 3, 4, 5), "w": (3, 2, 2, 3, 2)}]),
    "3-D strided": (sc.conv3d(stride=(3, 2, 3), padding=(0, 1, 2)), [{"x": (1, 2, 8, 5, 7), "w": (3, 2, 2, 3, 3)}]),
    "far padded": (sc.conv1d(stride=2, padding=[(3, 4)]), [{"x": (2, 2, 13), "w": (3, 2, 3)}, {"x": (1, 1, 4), "w": (2, 1, 5)}]),
    "transposed": (sc.conv_transpose2d(stride=(2, 1), padding=1), [{"x": (2, 3, 3, 4), "w": (3, 2, 3, 2)}]),
    "bias": (sc.conv1d(bias=True, padding=1), [{"x": (2, 3, 6), "w": (5, 3, 2), "b": (5,)}]),
    "adder": (sc.adder1d(), [{"x": (2, 3, 8), "w": (5, 3, 3)}]),
    "same": (sc.conv1d(padding="same", stride=2), [{"x": (2, 3, 7), "w": (2, 3, 4)}]),
}  # fmt: skip

STORING = [Tile(2, 2, stores=True), Tile(3, 1, stores=True), Tile(1, 3, stores=True)]
TILES = [Tile(2, 2), Tile(3, 1), Tile(1, 3), *STORING, DotTile(2, 3), DotTile(3, 2), AcrossTile(2, 2), AcrossTile(3, 1)]


def _kernels(op: Operator, tile: Tile | DotTile | AcrossTile) -> list[tuple[str, Any]]:
    derived = [(op.output.name, pipeline.forward(op))]
    derived += [(f"g{name}", pipeline.derive(op, name)) for name in pipeline.gradients(op)]
    made = [(name, packed_kernel(d.gather, name, tile)) for name, d in derived]
    return [(name, kernel) for name, kernel in made if kernel is not None]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("tile", TILES)
def test_packed_equals_the_definition(
    name: str, tile: Tile | DotTile | AcrossTile, drawn: Callable[..., Any], wanted: Callable[..., Any]
) -> None:
    op, geometries = CASES[name]
    rng = np.random.default_rng(len(name) + tile.rows)
    for target, kernel in _kernels(op, tile):
        for seed, shapes in enumerate(geometries):
            arrays = drawn(op, shapes, seed)
            given = {
                b.name: (arrays[b.name].shape, arrays[b.name].ravel().tolist())
                for b in kernel.buffers
                if b.role == "in"
            }
            want = wanted(op, target[1:] if target.startswith("g") else "", arrays)
            for most in (1, 3, 100):
                parameters = {p: int(rng.integers(1, most + 1)) if most < 100 else 100 for p in kernel.parameters}
                assert interpret(kernel, given, parameters=parameters) == want, (target, shapes, parameters)


@pytest.mark.parametrize("shapes", [{"x": (1, 1, 3, 1), "w": (1, 1, 1, 5)}, {"x": (2, 1, 3, 4), "w": (1, 1, 2, 5)}])
def test_rows_that_run_over_behind_a_short_strip(
    shapes: dict[str, tuple[int, ...]], drawn: Callable[..., Any], wanted: Callable[..., Any]
) -> None:
    """The last row of a strip that is shorter than others has zeros behind it, too."""
    op = sc.conv2d(padding=(1, 2))
    kernel = dict(_kernels(op, Tile(2, 2)))["gx"]
    arrays = drawn(op, shapes, 0)
    given = {b.name: (arrays[b.name].shape, arrays[b.name].ravel().tolist()) for b in kernel.buffers if b.role == "in"}
    for strip in (1, 2, 3):
        parameters = {**dict.fromkeys(kernel.parameters, 100), "T_u_": strip}
        assert interpret(kernel, given, parameters=parameters) == wanted(op, "x", arrays), strip


def test_tiles_store_wherever_neighbouring_lanes_are_neighbours_in_the_result() -> None:
    """Sums with rows, one residue class, and nothing to read at the result's own cell; no sums are kept elsewhere."""
    storing = {name: [target for target, _ in _kernels(op, STORING[0])] for name, (op, _) in CASES.items()}
    assert storing["padded"] == storing["plain"] == storing["grouped"] == ["y", "gx"]
    assert storing["strided"] == storing["same"] == storing["adder"] == ["y"]
    assert storing["transposed"] == ["gx"]
    for op, _ in CASES.values():
        for _, kernel in _kernels(op, STORING[0]):
            assert {b.name for b in kernel.buffers if b.role == "private"} <= {"wide_"}
            assert "FB_" not in kernel.parameters


def test_lanes_go_across_planes_where_one_loop_chooses_them() -> None:
    """The gradient of a weight whose channels are planes of what slides, and nothing read at the result's own cell."""
    made = {name: [target for target, _ in _kernels(op, AcrossTile(2, 2))] for name, (op, _) in CASES.items()}
    assert made.pop("adder") == []
    assert all(targets == ["gw"] for targets in made.values()), made
