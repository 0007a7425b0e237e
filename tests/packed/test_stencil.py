"""Stencils, interpreted on small integers, equal the definition around every tile, and changed ones do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.errors import InternalError
from symconv.isa import isa
from symconv.loops.arith import add, const
from symconv.loops.interpret import interpret
from symconv.loops.ir import LANES, Declare, Kernel, Lanes, Prefetch, Shift, StoreLanes
from symconv.loops.lanewise import WIDTH
from symconv.loops.traverse import rewrite, walk
from symconv.loops.wellformed import wellformed
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.packed.candidates import packed_candidates, stencil_kernel
from symconv.packed.stencil import StencilTile
from symconv.tune.counts import counts, possible
from symconv.tune.numbers import value

Shapes = dict[str, tuple[int, ...]]

CASES: dict[str, tuple[Operator, list[Shapes]]] = {
    "padded": (sc.conv2d(groups=3, padding=(1, 2)), [{"x": (2, 3, 6, 9), "w": (3, 1, 3, 2)}, {"x": (1, 3, 2, 1), "w": (3, 1, 3, 3)}, {"x": (1, 3, 8, 8), "w": (3, 1, 7, 5)}]),
    "multiplied": (sc.conv2d(groups=3, padding=(2, 1)), [{"x": (2, 3, 5, 11), "w": (6, 1, 3, 3)}, {"x": (1, 6, 5, 9), "w": (3, 2, 5, 5)}]),
    "plain": (sc.conv2d(groups=2), [{"x": (2, 2, 7, 10), "w": (2, 1, 3, 5)}, {"x": (1, 2, 5, 6), "w": (2, 1, 5, 5)}]),
    "strided": (sc.conv2d(groups=2, stride=2, padding=1), [{"x": (1, 2, 9, 22), "w": (4, 1, 3, 3)}, {"x": (2, 2, 10, 7), "w": (2, 1, 5, 5)}]),
    "strides of three": (sc.conv2d(groups=3, stride=(2, 3), padding=(1, 2)), [{"x": (2, 3, 9, 22), "w": (3, 1, 3, 4)}, {"x": (1, 3, 11, 31), "w": (3, 1, 5, 3)}]),
    "dilated": (sc.conv2d(groups=3, stride=(1, 2), padding=(2, 1), dilation=(2, 1)), [{"x": (2, 3, 9, 21), "w": (3, 1, 3, 3)}]),
    "1-D": (sc.conv1d(groups=3, padding=1, stride=2, bias=True), [{"x": (5, 3, 13), "w": (3, 1, 3), "b": (3,)}]),
    "3-D": (sc.conv3d(groups=2, padding=(1, 0, 2)), [{"x": (1, 2, 3, 5, 7), "w": (2, 1, 3, 3, 2)}]),
    "3-D with strides": (sc.conv3d(groups=2, stride=(2, 1, 2), padding=(1, 0, 1)), [{"x": (1, 2, 4, 5, 9), "w": (2, 1, 3, 2, 3)}, {"x": (2, 2, 5, 4, 6), "w": (2, 1, 2, 3, 2)}]),
    "transposed": (sc.conv_transpose2d(groups=2, stride=(1, 2), padding=1, bias=True), [{"x": (2, 2, 5, 7), "w": (2, 1, 3, 3), "b": (2,)}]),
    "distance": (sc.operator("y[n,c,i,j] = sum[a,b](abs(x[n,c,i+a,j+b]-w[c,a,b]))"), [{"x": (2, 3, 7, 10), "w": (3, 3, 4)}]),
    "far apart": (sc.conv2d(groups=2, padding=2, dilation=2), [{"x": (1, 2, 7, 9), "w": (2, 1, 3, 3)}]),
    "shared window": (sc.operator("y[n,c,i,j] = sum[a,b](x[n,c,i+a-1,j+b-1]*w[a,b])"), [{"x": (2, 3, 7, 9), "w": (3, 3)}, {"x": (1, 2, 7, 12), "w": (5, 5)}]),
}  # fmt: skip
TILES = (StencilTile(3, 1), StencilTile(2, 3), StencilTile(3, 3, 3), StencilTile(2, 5, 5), StencilTile(4, 7))
WHOLE = StencilTile(3, 3, 3, whole=1)
SEVERAL = (StencilTile(3, 3, 3, whole=2), StencilTile(2, 3, 3, whole=3))
LENGTHS = (1, 3, WIDTH, WIDTH + 1, WIDTH + 2, 2 * WIDTH - 2, 2 * WIDTH, 2 * WIDTH + 1, 3 * WIDTH - 2, 3 * WIDTH)
ROWS: dict[str, list[Shapes]] = {
    "padded": [{"x": (2, 3, 6, 2), "w": (3, 1, 3, 3)}, {"x": (1, 3, 3, 1), "w": (3, 1, 3, 3)}],
    "multiplied": [{"x": (2, 3, 7, 4), "w": (6, 1, 3, 3)}, {"x": (1, 6, 4, 3), "w": (3, 2, 3, 3)}],
    "plain": [{"x": (2, 2, 7, 4), "w": (2, 1, 3, 3)}, {"x": (1, 2, 5, 3), "w": (2, 1, 3, 3)}],
    "distance": [{"x": (2, 3, 7, 4), "w": (3, 3, 3)}],
    "shared window": [{"x": (2, 3, 7, 4), "w": (3, 3)}, {"x": (1, 2, 2, 3), "w": (3, 3)}],
    "far apart": [{"x": (1, 2, 7, 4), "w": (2, 1, 3, 3)}, {"x": (2, 2, 3, 3), "w": (2, 1, 3, 3)}],
}
"""Rows of no more elements than the interpreter's vectors have lanes."""


@cache
def kernels(name: str, tile: StencilTile) -> list[tuple[str, Kernel, tuple[Any, ...]]]:
    """Every output of an operator that has such a stencil, and the sizes it is for."""
    op, _ = CASES[name]
    derived = [(op.output.name, pipeline.forward(op))]
    derived += [(f"g{wrt}", pipeline.derive(op, wrt)) for wrt in pipeline.gradients(op)]
    made = [(target, stencil_kernel(d.gather, target, tile)) for target, d in derived]
    return [(target, *kernel) for target, kernel in made if kernel is not None]


def _given(kernel: Kernel, arrays: Any) -> dict[str, Any]:
    return {b.name: (arrays[b.name].shape, arrays[b.name].ravel().tolist()) for b in kernel.buffers if b.role == "in"}


@pytest.mark.parametrize("name", CASES)
def test_stencils_equal_the_definition(name: str, drawn: Callable[..., Any], wanted: Callable[..., Any]) -> None:
    op, geometries = CASES[name]
    seen = set()
    for seed, shapes in enumerate(geometries):
        arrays, sizes = drawn(op, shapes, seed), op.sizes(**shapes)
        for tile in TILES:
            for target, kernel, requires in kernels(name, tile):
                assert not wellformed(kernel)
                if not all(value(condition, sizes) for condition in requires):
                    continue
                seen.add(target)
                want = wanted(op, target[1:] if target.startswith("g") else "", arrays)
                for most in (2, 100):
                    got = interpret(kernel, _given(kernel, arrays), parameters=dict.fromkeys(kernel.parameters, most))
                    assert got == want, (target, tile, shapes, most)
    assert {"y", "gx"} <= seen


def _equal(kernel: Kernel, arrays: Any, want: Any) -> bool:
    plans = (dict.fromkeys(kernel.parameters, most) for most in (2, 100))
    return all(interpret(kernel, _given(kernel, arrays), parameters=plan) == want for plan in plans)


@pytest.mark.parametrize("name", ROWS)
def test_whole_rows_are_moved_in_registers(name: str, drawn: Callable[..., Any], wanted: Callable[..., Any]) -> None:
    """One vector is loaded for a row, and all taps along the lanes take theirs from it; moved further they differ."""
    op, _ = CASES[name]
    seen = set()
    for seed, shapes in enumerate(ROWS[name]):
        arrays, sizes = drawn(op, shapes, seed), op.sizes(**shapes) | {LANES: WIDTH}
        for target, kernel, requires in kernels(name, WHOLE):
            assert not wellformed(kernel)
            if not all(value(condition, sizes) for condition in requires):
                continue
            seen.add(target)
            want = wanted(op, target[1:] if target.startswith("g") else "", arrays)
            assert _equal(kernel, arrays, want), (target, shapes)
            nests = rewrite(kernel.nests[0], lambda n: Shift(n.value, n.by + 1) if isinstance(n, Shift) else n)
            assert not _equal(replace(kernel, nests=(nests, *kernel.nests[1:])), arrays, want), (target, shapes)
    assert {"y", "gx", "gw"} <= seen


@pytest.mark.parametrize("name", ROWS)
def test_whole_rows_of_several_vectors(name: str, drawn: Callable[..., Any], wanted: Callable[..., Any]) -> None:
    """Lengths around those of one, two and three vectors, also of fewer vectors than are in work."""
    op, _ = CASES[name]
    seen = set()
    for length, tile in product(LENGTHS, SEVERAL):
        shapes = {tensor: (*shape[:-1], length) if tensor == "x" else shape for tensor, shape in ROWS[name][0].items()}
        try:
            sizes, arrays = op.sizes(**shapes) | {LANES: WIDTH}, drawn(op, shapes, length)
        except sc.SpecError:
            continue
        made = kernels(name, tile)
        assert [target for target, *_ in made] == ["gw"]
        for _, kernel, requires in made:
            assert not wellformed(kernel)
            if all(value(condition, sizes) for condition in requires):
                seen.add((tile, -(-sizes["OW"] // WIDTH)))
                assert _equal(kernel, arrays, wanted(op, "w", arrays)), (tile, shapes)
    assert seen == {(tile, vectors) for tile in SEVERAL for vectors in range(1, tile.whole + 1)}


def test_rows_longer_than_two_vectors_are_refused() -> None:
    op = sc.conv2d(groups=3, padding=1)
    made = packed_candidates(pipeline.derive(op, "w").gather, "gw", isa("x86-64-v3"))
    (facts,) = (one.facts for one in made if one.schedule.name == "stencil 4x3 of whole rows")
    for width, lanes, fits in ((16, 8, True), (17, 8, False), (8, 4, True), (9, 4, False)):
        assert possible(facts, op.sizes(x=(2, 3, 9, width), w=(3, 1, 3, 3)), lanes) is fits


def test_rows_longer_than_a_vector_are_refused() -> None:
    op = sc.conv2d(groups=3, padding=1)
    made = packed_candidates(pipeline.derive(op, "x").gather, "gx", isa("x86-64-v4"))
    (facts,) = (one.facts for one in made if one.schedule.name == "stencil 7x3 of whole rows")
    for width, lanes, fits in ((8, 8, True), (9, 8, False), (16, 16, True), (17, 16, False)):
        assert possible(facts, op.sizes(x=(2, 3, 9, width), w=(3, 1, 3, 3)), lanes) is fits
    assert not possible(facts, op.sizes(x=(2, 3, 9, 8), w=(3, 1, 3, 5)), 16)


def test_strides_and_far_taps_have_no_whole_rows() -> None:
    for op in (sc.conv2d(groups=2, stride=2, padding=1), sc.conv2d(groups=2, padding=7, dilation=7)):
        assert stencil_kernel(pipeline.forward(op).gather, "y", WHOLE) is None
        assert stencil_kernel(pipeline.derive(op, "w").gather, "gw", WHOLE) is None


def test_weights_have_stencils_too() -> None:
    """Lanes summed: one tap along the rows is unrolled, so operators with rows alone have none."""
    found = {name for name in CASES for tile in TILES for target, *_ in kernels(name, tile) if target == "gw"}
    assert found == set(CASES) - {"1-D"}


def test_what_moves_with_a_group_is_left_to_plain_loops() -> None:
    """A plan is made from sizes alone: it cannot count rows that lie elsewhere for each place of the output."""
    op = sc.locally_connected2d(padding=1)
    sizes = {"N": 4, "C": 2, "F": 3, "H": 14, "W": 15, "KH": 3, "KW": 2, "OH": 14, "OW": 16}
    made = [
        c for entry in pipeline.unit(op, Options(target="portable"), every=True).entries for c in sum(entry.outputs, ())
    ]
    assert {candidate.kernel.name for candidate in made} == {"y", "gx", "gw"}
    assert all(counts(candidate.facts, sizes) for candidate in made if candidate.facts is not None)


def test_terms_beyond_a_border_are_left_out(drawn: Callable[..., Any]) -> None:
    """An infinity meets nothing but what the definition multiplies it with: no other result becomes NaN."""
    op, (given, *_) = CASES["padded"]
    for tile, shapes in ((StencilTile(2, 3), given), (WHOLE, ROWS["padded"][0])):
        arrays = {name: array.astype(float) for name, array in drawn(op, shapes, 1).items()}
        arrays["w"][1, 0, 0, 0] = np.inf
        read = np.zeros(op.output_shape(**shapes), bool)
        read[:, 1, 1:, 2 : 2 + shapes["x"][-1]] = True  # the rows and columns whose first tap lies in x
        (kernel,) = (kernel for target, kernel, _ in kernels("padded", tile) if target == "y")
        got = np.array(interpret(kernel, _given(kernel, arrays), parameters=dict.fromkeys(kernel.parameters, 2)))
        assert (~np.isfinite(got.reshape(read.shape).astype(float)) == read).all(), tile


def test_an_infinity_reaches_the_taps_that_read_it(drawn: Callable[..., Any]) -> None:
    """In the corner of the cotangent it meets the taps that find the operand there, in its own channel alone."""
    op, (given, *_) = CASES["padded"]
    read = np.zeros((3, 1, 3, 3), bool)
    read[2, 0, 1:, 2:] = True  # padding is 1 row above and 2 columns beside
    tiles = ((StencilTile(2, 3), given["x"]), (StencilTile(3, 3, 3), given["x"]), (WHOLE, (2, 3, 6, 2)))
    for tile, x in (*tiles, *((one, (2, 3, 6, 6)) for one in SEVERAL)):
        arrays = {name: array.astype(float) for name, array in drawn(op, {"x": x, "w": (3, 1, 3, 3)}, 1).items()}
        arrays["x"] = np.ones_like(arrays["x"])
        arrays["gy"][1, 2, 0, 0] = np.inf
        (kernel,) = (kernel for target, kernel, _ in kernels("padded", tile) if target == "gw")
        got = np.array(interpret(kernel, _given(kernel, arrays), parameters=dict.fromkeys(kernel.parameters, 2)))
        assert (~np.isfinite(got.reshape(read.shape).astype(float)) == read).all(), tile


def _more(expr: Any) -> Any:
    return add(expr, const(1))


def _is_mask(node: Any) -> bool:
    return isinstance(node, Declare) and node.scalar.kind == "mask"


def _changed(kernel: Kernel) -> Iterator[Kernel]:
    """One mask a lane longer or shorter, or one store a cell further."""

    def chosen(node: Any) -> bool:
        return isinstance(node, Lanes | StoreLanes) or _is_mask(node)

    def change(node: Any) -> Any:
        match node:
            case StoreLanes(_, index):
                return replace(node, index=(*index[:-1], _more(index[-1])))
            case Declare(_, Lanes(lower, upper)):
                return replace(node, value=Lanes(lower, _more(upper)))
        return replace(node, lower=_more(node.lower))

    count = sum(chosen(node) for nest in kernel.nests for node in walk(nest))
    for target in range(count):
        place = iter(range(count))

        def rule(node: Any, target: int = target, place: Iterator[int] = place) -> Any:
            return change(node) if chosen(node) and next(place) == target else node

        yield replace(kernel, nests=tuple(rewrite(nest, rule) for nest in kernel.nests))


def _differs(mutant: Kernel, cases: Sequence[tuple[Any, Any]]) -> bool:
    """Whether a kernel gives something else than is wanted for some arrays, or reads outside of one."""
    for (arrays, want), most in product(cases, (1, 100)):
        try:
            got = interpret(mutant, _given(mutant, arrays), parameters=dict.fromkeys(mutant.parameters, most))
        except InternalError:
            return True
        if got != want:
            return True
    return False


@pytest.mark.parametrize("target", ["gx", "gw"])
def test_changed_stencils_are_rejected(target: str, drawn: Callable[..., Any], wanted: Callable[..., Any]) -> None:
    op, _ = CASES["padded"]
    shapes = (
        {"x": (2, 3, 5, 9), "w": (3, 1, 3, 3)},
        {"x": (1, 3, 4, 2), "w": (3, 1, 3, 3)},
        {"x": (1, 3, 3, 3), "w": (3, 1, 3, 4)},
    )
    cases = [(arrays, wanted(op, target[1:], arrays)) for arrays in (drawn(op, shape, 5) for shape in shapes)]
    (kernel,) = (kernel for name, kernel, _ in kernels("padded", StencilTile(2, 3)) if name == target)
    assert not _differs(kernel, cases)
    mutants = list(_changed(kernel))
    alive = [number for number, mutant in enumerate(mutants) if not _differs(mutant, cases)]
    assert len(mutants) > 4, len(mutants)
    assert not alive, alive
    assert any(isinstance(node, Prefetch) for nest in kernel.nests for node in walk(nest))


def test_changed_rows_of_two_vectors_are_rejected(drawn: Callable[..., Any], wanted: Callable[..., Any]) -> None:
    """Of both vectors every mask is needed as it is, but that no lane of the second one lies before the row."""
    op, _ = CASES["padded"]
    ((_, kernel, _),) = kernels("padded", SEVERAL[0])
    shapes = [{"x": (2, 3, 6, length), "w": (3, 1, 3, 3)} for length in (1, WIDTH - 1, 2 * WIDTH - 3, 2 * WIDTH - 2)]
    cases = [(arrays, wanted(op, "w", arrays)) for arrays in (drawn(op, shape, 5) for shape in shapes)]
    assert not _differs(kernel, cases)
    mutants = list(_changed(kernel))
    masks = [{n.name: n.value for nest in one.nests for n in walk(nest) if _is_mask(n)} for one in (kernel, *mutants)]
    alive = [number for number, mutant in enumerate(mutants, 1) if not _differs(mutant, cases)]
    changed = [(name, mask) for number in alive for name, mask in masks[number].items() if mask != masks[0][name]]
    assert sorted(name for name, _ in changed) == ["mask0_1_", "mask1_1_", "mask2_1_"]
    assert all(mask.upper == masks[0][name].upper for name, mask in changed)
    assert len(alive) == len(changed) < len(mutants) // 3
