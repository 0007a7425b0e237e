"""Winograd kernels, interpreted on fractions, equal the definition exactly: a transform is an identity."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

import symconv as sc
from symconv import pipeline
from symconv.isa import Isa
from symconv.loops.candidate import Candidate
from symconv.loops.interpret import interpret
from symconv.loops.ir import Kernel
from symconv.loops.wellformed import wellformed
from symconv.notation.operator import Operator
from symconv.options import options as sc_options
from symconv.packed import candidates, packed_candidates, present, stencil_form
from symconv.packed.dot import DotTile
from symconv.packed.outer import Tile
from symconv.tune.counts import counts, possible
from symconv.tune.facts import Facts

Shapes = dict[str, tuple[int, ...]]
SMALL = Isa("small", 32, 4)
"""Registers for tiles so small that little tensors have several, and tails."""

CASES: dict[str, tuple[Operator, Shapes]] = {
    "padded": (sc.conv2d(padding=1), {"x": (2, 3, 5, 7), "w": (3, 3, 3, 3)}),
    "asymmetric groups": (sc.conv2d(padding=[(0, 2), (1, 0)], groups=2), {"x": (1, 4, 6, 5), "w": (6, 2, 3, 3)}),
    "bias": (sc.conv1d(padding=1, bias=True), {"x": (2, 3, 9), "w": (3, 3, 3), "b": (3,)}),
    "unpadded": (sc.conv1d(), {"x": (3, 2, 12), "w": (5, 2, 3)}),
    "one tile": (sc.conv2d(padding=1), {"x": (1, 2, 1, 2), "w": (2, 2, 3, 3)}),
    "five by four": (sc.conv2d(padding=(2, 1)), {"x": (1, 2, 5, 7), "w": (3, 2, 5, 4)}),
    "two by one": (sc.conv2d(padding=(1, 0)), {"x": (2, 2, 4, 6), "w": (2, 2, 2, 1)}),
    "seven taps": (sc.conv1d(padding=[(2, 3)]), {"x": (2, 3, 11), "w": (3, 3, 7)}),
    "dilated": (sc.conv2d(padding=(1, 2), dilation=(2, 3)), {"x": (1, 2, 9, 11), "w": (3, 2, 3, 3)}),
    "dilated columns": (sc.conv2d(padding=(1, 4), dilation=(1, 2), groups=2), {"x": (2, 4, 4, 9), "w": (2, 2, 2, 5)}),
    "dilated rows": (sc.conv2d(padding=1, dilation=(3, 1)), {"x": (1, 2, 12, 5), "w": (2, 2, 4, 3)}),
    "turns of a vector": (sc.conv1d(padding=3, dilation=4), {"x": (1, 2, 27), "w": (3, 2, 4)}),
    "long turns": (sc.conv1d(padding=[(3, 5)], dilation=7, bias=True), {"x": (2, 2, 41), "w": (3, 2, 3), "b": (3,)}),
}
DEEP: dict[str, tuple[Operator, Shapes]] = {
    "3-D": (sc.conv3d(padding=(1, 0, 2)), {"x": (2, 2, 3, 5, 4), "w": (3, 2, 3, 3, 3)}),
    "dilated 3-D": (sc.conv3d(padding=(1, 2, 2), dilation=(2, 1, 2)), {"x": (2, 2, 5, 5, 6), "w": (3, 2, 3, 4, 3)}),
    "wide": (sc.conv2d(padding=1), {"x": (2, 5, 9, 14), "w": (6, 5, 3, 3)}),
}


IN_CLASSES: dict[str, tuple[Operator, Shapes, str]] = {
    "ten taps by five": (sc.conv1d(stride=5), {"x": (2, 2, 52), "w": (3, 2, 10)}, "4,2"),
    "four by four": (sc.conv2d(stride=2, padding=1), {"x": (2, 2, 12, 14), "w": (3, 2, 4, 4)}, "4x4,2x2"),
    "classes without a tap": (
        sc.conv2d(stride=(2, 3), padding=(2, 1)),
        {"x": (1, 2, 9, 17), "w": (2, 2, 3, 4)},
        "4x4,2x2",
    ),
    "fewer taps than classes": (sc.conv1d(stride=3, padding=1), {"x": (2, 2, 20), "w": (2, 2, 2)}, "4,2"),
    "blocks": (sc.conv1d(stride=2, padding=[(3, 4)], bias=True), {"x": (1, 2, 21), "w": (2, 2, 7), "b": (2,)}, "4,2"),
    "rows alone": (sc.conv2d(stride=(2, 1), padding=1), {"x": (1, 2, 11, 7), "w": (2, 2, 4, 3)}, "4x4,2x2"),
    "dilated rows": (sc.conv2d(stride=(1, 2), dilation=(2, 1)), {"x": (1, 2, 9, 13), "w": (2, 2, 2, 4)}, "4x4,2x2"),
    "taps as far apart": (sc.conv1d(stride=2, dilation=2, padding=2), {"x": (1, 2, 19), "w": (2, 2, 3)}, "4,2"),
    "two classes of four": (sc.conv1d(stride=4, dilation=2, padding=3), {"x": (1, 2, 33), "w": (2, 2, 4)}, "4,2"),
    "groups": (
        sc.conv2d(stride=2, padding=[(0, 1), (2, 1)], groups=2),
        {"x": (1, 4, 9, 8), "w": (4, 2, 4, 2)},
        "4x4,2x2",
    ),
    "flipped": (sc.conv1d(stride=3, padding=2, flip=True), {"x": (2, 2, 30), "w": (2, 2, 6)}, "4,2"),
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Isa:
    monkeypatch.setitem(candidates._OUTER, SMALL.registers, (Tile(2, 2),))
    monkeypatch.setitem(candidates._DOT, SMALL.registers, (DotTile(2, 2),))
    monkeypatch.setitem(stencil_form._STEPS, SMALL.registers, ())
    monkeypatch.setitem(stencil_form._CELLS, SMALL.registers, ())
    # Sums over planes in several parts, the last one shorter.
    monkeypatch.setattr(present, "LONGEST", 2)
    return SMALL


def _ways(op: Operator, small: Isa) -> list[Candidate]:
    derived = [(op.output.name, pipeline.forward(op))]
    derived += [(f"g{name}", pipeline.derive(op, name)) for name in pipeline.gradients(op)]
    made = [one for name, d in derived for one in packed_candidates(d.gather, name, small)]
    return [one for one in made if one.bound is not None]


def _fractions(array: Any) -> tuple[tuple[int, ...], list[Fraction]]:
    return array.shape, [Fraction(int(value)) for value in array.ravel()]


def _exact(kernel: Kernel, arrays: Any, most: tuple[int, ...], wanted: list[Any]) -> None:
    given = {b.name: _fractions(arrays[b.name]) for b in kernel.buffers if b.role == "in"}
    for turn, number in enumerate(most):
        numbers = {
            p: number if number in (1, 100) else 1 + (turn + k) % number for k, p in enumerate(kernel.parameters)
        }
        assert interpret(kernel, given, parameters=numbers) == wanted, (kernel.name, numbers)


def _compared(
    op: Operator, shapes: Shapes, small: Isa, drawn: Callable[..., Any], wanted: Callable[..., Any], *most: int
) -> set[tuple[str, str]]:
    arrays, seen = drawn(op, shapes, 3), set()
    for way in _ways(op, small):
        name = way.kernel.name
        wrt = name[1:] if name.startswith("g") else ""
        _exact(way.kernel, arrays, most, wanted(op, wrt, arrays))
        seen.add((name, str(way.schedule.name)))
    return seen


def _every(op: Operator) -> set[tuple[str, str]]:
    """The output and the gradients of the operands, each with both transforms; a bias is a plain sum."""
    side = len(op.output.axes) - 2
    names = [f"Winograd F({'x'.join([str(m)] * side)},{'x'.join(['3'] * side)})" for m in (4, 2)]
    return {(what, name) for what in ("y", "gx", "gw") for name in names}


@pytest.mark.parametrize("name", CASES)
def test_winograd_is_the_definition(
    name: str, small: Isa, drawn: Callable[..., Any], wanted: Callable[..., Any]
) -> None:
    """Boxes of one tile, of one or two, and of everything."""
    op, shapes = CASES[name]
    assert _compared(op, shapes, small, drawn, wanted, 1, 2, 100) == _every(op)


@pytest.mark.parametrize("name", IN_CLASSES)
def test_residue_classes_of_taps_are_planes(
    name: str, small: Isa, drawn: Callable[..., Any], wanted: Callable[..., Any]
) -> None:
    """What is read with a stride has windows of every class; a gradient of the data has none of its own."""
    op, shapes, transform = IN_CLASSES[name]
    seen = _compared(op, shapes, small, drawn, wanted, 1, 2, 100)
    assert seen == {(what, f"Winograd F({transform})") for what in ("y", "gw")}


LEAVING_OUT: dict[str, tuple[Operator, Shapes]] = {
    "three taps by two": (sc.conv2d(stride=2, padding=1), {"x": (1, 3, 9, 12), "w": (3, 3, 3, 3)}),
    "three by two taps": (sc.conv2d(stride=2, padding=(1, 0)), {"x": (1, 2, 11, 8), "w": (2, 2, 3, 2)}),
    "five taps by three": (sc.conv1d(stride=3, padding=2), {"x": (2, 3, 26), "w": (2, 3, 5)}),
    "seven taps by two": (sc.conv1d(stride=2, padding=3, groups=2), {"x": (1, 4, 21), "w": (4, 2, 7)}),
    "one tap": (sc.conv1d(stride=2), {"x": (2, 3, 17), "w": (2, 3, 1)}),
    "blocks": (sc.conv2d(padding=(2, 1)), {"x": (1, 2, 6, 7), "w": (3, 2, 5, 2)}),
}


@pytest.mark.parametrize("longest", [3, 8, 128])
@pytest.mark.parametrize("name", LEAVING_OUT)
def test_points_that_lack_taps_are_left_out(
    name: str,
    longest: int,
    small: Isa,
    drawn: Callable[..., Any],
    wanted: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Slabs of less than all classes, of some planes of each, and of all."""
    op, shapes = LEAVING_OUT[name]
    monkeypatch.setattr(present, "LONGEST", longest)
    assert {"y", "gw"} <= {what for what, _ in _compared(op, shapes, small, drawn, wanted, 2, 100)}


@pytest.mark.full
@pytest.mark.parametrize("name", DEEP)
def test_winograd_of_more_loops_and_tiles(
    name: str, small: Isa, drawn: Callable[..., Any], wanted: Callable[..., Any]
) -> None:
    op, shapes = DEEP[name]
    assert _compared(op, shapes, small, drawn, wanted, 1, 2, 3, 100)


@pytest.mark.parametrize("columns", [9, 13])
@pytest.mark.parametrize("strip", [5, 6])
def test_a_short_box_keeps_nothing_of_a_longer_one(
    columns: int, strip: int, small: Isa, drawn: Callable[..., Any], wanted: Callable[..., Any]
) -> None:
    """Tiles of a box that is shorter than the one before: what lies between its rows adds nothing."""
    op = sc.conv2d(padding=(1, 2))
    arrays = drawn(op, {"x": (1, 1, 5, columns), "w": (1, 1, 3, 3)}, 3)
    for way in _ways(op, small):
        name, kernel = way.kernel.name, way.kernel
        given = {b.name: _fractions(arrays[b.name]) for b in kernel.buffers if b.role == "in"}
        _, rows, last, *_ = kernel.parameters
        numbers = {**dict.fromkeys(kernel.parameters, 1), rows: 100, last: strip}
        want = wanted(op, name[1:] if name.startswith("g") else "", arrays)
        assert interpret(kernel, given, parameters=numbers) == want, (name, way.schedule.name)


@pytest.mark.parametrize("window", [(2, 3), (1, 1), (7, 4)])
def test_windows_of_any_size_are_blocks_of_three_taps(window: tuple[int, int], small: Isa) -> None:
    """One kernel serves them all: a block more is a plane more, or a column more of a gradient of the kernel."""
    sizes = {"N": 2, "C": 5, "F": 3, "H": 8, "W": 9, "KH": window[0], "KW": window[1], "OH": 8, "OW": 9}
    blocks = 5 * -(-window[0] // 3) * -(-window[1] // 3)
    for way in _ways(sc.conv2d(padding=1), small):
        facts = way.facts
        assert isinstance(facts, Facts)
        found = counts(facts, sizes)
        assert possible(facts, sizes, 16)
        assert {"y": found.planes, "gx": found.planes * 5 // 3, "gw": found.columns}[way.kernel.name] == blocks


@pytest.mark.parametrize("op", [sc.conv1d(stride=2, dilation=3), sc.conv3d(stride=(2, 1, 1)), sc.adder2d()])
def test_what_is_no_correlation_has_no_winograd(op: Operator, small: Isa) -> None:
    assert all(way.kernel.name != "y" for way in _ways(op, small))


def test_strict_sums_are_direct() -> None:
    op = sc.conv2d(padding=1)
    for accuracy, expected in (("default", True), ("strict", False)):
        ways = pipeline.candidates(pipeline.forward(op), "y", sc_options(accuracy=accuracy))
        assert any(way.bound is not None for way in ways) is expected


@pytest.mark.parametrize(
    "formula", ["y[n,i,f] = sum[c,p](x[n,c,i+p]*w[f,c,p])", "y[n,i,f] = sum[c,p](x[n,i+p,c]*w[f,c,p])"]
)
def test_kernels_are_well_formed_wherever_the_channels_stand(formula: str) -> None:
    op, options = sc.operator(formula), sc_options(target="portable")
    unit = pipeline.unit(op, options, every=True)
    assert [c.schedule.name for c in unit.candidates if wellformed(c.kernel)] == []
    assert len(unit.candidates) > 3
