"""No kernel computes with what memory happens to hold: such numbers may be too small to be normal, which CPUs
compute with slowly, though nothing that comes of it is stored."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.build.module import load
from symconv.emit import scratch
from symconv.manifest import outputs
from symconv.options import Options

Shapes = dict[str, tuple[int, ...]]
INVALID = 1
"""FE_INVALID on x86 and ARM: raised where a number is computed from a signalling NaN; copying raises nothing."""
SIGNALLING = {"float32": (np.uint32, 0x7FA00001), "float64": (np.uint64, 0x7FF4000000000001)}
NUMBERS = (1, 2, 3, 5, 8, 17, 1000)
GEOMETRIES: dict[str, tuple[Shapes, ...]] = {
    "padded": (
        {"x": (2, 7, 9, 4), "w": (3, 7, 3, 3)},
        {"x": (3, 4, 5, 8), "w": (9, 4, 3, 3)},
        {"x": (1, 17, 3, 33), "w": (6, 17, 2, 5)},
        {"x": (2, 13, 5, 49), "w": (3, 13, 3, 3)},
    ),
    "strided groups": (
        {"x": (2, 14, 6, 13), "w": (6, 7, 3, 3)},
        {"x": (3, 16, 4, 49), "w": (18, 8, 2, 4)},
        {"x": (1, 6, 11, 17), "w": (10, 3, 5, 5)},
    ),
    "dilated": ({"x": (2, 5, 41), "w": (9, 5, 3), "b": (9,)}, {"x": (3, 7, 105), "w": (4, 7, 4), "b": (4,)}),
    "depthwise": ({"x": (2, 17, 4, 13), "w": (17, 1, 2, 3)}, {"x": (1, 17, 9, 22), "w": (34, 1, 3, 3)}),
    "transposed": ({"x": (2, 9, 5, 18), "w": (9, 5, 2, 3)}, {"x": (2, 13, 5, 49), "w": (13, 3, 2, 3)}),
    "AVX2": ({"x": (2, 3, 3, 4), "w": (7, 3, 2, 2)}, {"x": (3, 17, 1, 17), "w": (5, 17, 3, 1)}),
    "3-D": ({"x": (2, 3, 2, 7, 9), "w": (5, 3, 2, 4, 2)}, {"x": (1, 9, 2, 3, 16), "w": (3, 9, 2, 3, 3)}),
    "product": ({"x": (2, 7, 31), "w": (4, 7, 3), "v": (4, 7, 3)}, {"x": (3, 9, 11), "w": (8, 9, 2), "v": (8, 9, 2)}),
    "gated": (
        {"x": (3, 4, 15), "w": (9, 4, 3), "a": (9,), "u": (9, 4, 3), "b": (9,)},
        {"x": (2, 13, 56), "w": (3, 13, 2), "a": (3,), "u": (3, 13, 2), "b": (3,)},
    ),
    "adder": ({"x": (2, 7, 4, 5), "w": (3, 7, 2, 3)}, {"x": (1, 9, 3, 18), "w": (8, 9, 2, 3)}),
    "SSE": ({"x": (2, 7, 5, 3), "w": (3, 7, 3, 3)}, {"x": (3, 4, 5, 8), "w": (9, 4, 2, 3)}),
}
FAST = ("padded", "strided groups", "dilated", "depthwise")


@pytest.fixture(scope="module")
def flags() -> Any:
    """The C library's floating-point flags, of the thread that asks."""
    name = ctypes.util.find_library("m")
    if name is None:
        pytest.skip("no C library to ask for floating-point flags")
    return ctypes.PyDLL(name)


def _raised(call: Any, arrays: dict[str, Any], numbers: tuple[int, ...], flags: Any, dtype: str) -> bool:
    """Whether a call computes with a workspace as it is given."""
    plan: list[int] = []
    for place, _ in enumerate(call.known):
        plan += [call.number, *numbers] if place == call.place else [0]
    sizes, mask = call.sizes(arrays), 1 << call.result
    assert getattr(call.module, f"u0_{call.entry}_plan")(sizes, tuple(plan), 1) == 0
    nbytes = getattr(call.module, f"u0_{call.entry}_bytes")(sizes, mask, 1, 1)
    word, bits = SIGNALLING[dtype]
    workspace = np.full(nbytes // word().itemsize + 16, bits, word)
    function, given = getattr(call.module, f"u0_{call.entry}"), call.given(arrays)
    flags.feclearexcept(INVALID)
    made = function(mask, given, None, 1, 1, sc_workspace=workspace.view(np.uint8))
    raised = bool(flags.fetestexcept(INVALID))
    assert type(made) is tuple
    return raised


def _calls(made: Any, name: str) -> Iterator[tuple[Any, dict[str, Any], tuple[int, ...]]]:
    for turn, shapes in enumerate(GEOMETRIES[name]):
        arrays = made.drawn(shapes, turn)
        rng = np.random.default_rng(turn)
        for call in made.ways(arrays):
            for most in (1, len(NUMBERS) - 1, len(NUMBERS), len(NUMBERS)):
                yield call, arrays, tuple(int(rng.choice(NUMBERS[:most])) for _ in call.way.parameters)


@pytest.mark.parametrize(
    "name", [name if name in FAST else pytest.param(name, marks=pytest.mark.full) for name in GEOMETRIES]
)
def test_lanes_that_mean_nothing_hold_numbers_all_the_same(
    name: str, flags: Any, compiled: Callable[[str], Any]
) -> None:
    made, seen = compiled(name), set()
    for call, arrays, numbers in _calls(made, name):
        told = (call.name, call.way.name, {k: a.shape for k, a in arrays.items()}, numbers)
        assert not _raised(call, arrays, numbers, flags, made.dtype), told
        seen.add(call.name)
    assert {"y", "gx", "gw"} <= seen


def test_without_clearing_it_shows(flags: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that only fill the last tile are not packed: what they hold is multiplied and thrown away."""
    monkeypatch.setattr(scratch, "_cleared", lambda _printer, _buffer: "")
    op = sc.conv1d(padding=1)
    artifact = pipeline.build(op, Options(target="portable"), every=True)
    module = load(artifact)
    _, known = outputs(artifact.meta, "backward")
    place = next(at for at, output in enumerate(known) if output.name == "gw")
    number = next(at for at, way in enumerate(known[place].ways) if way.name.startswith("dot"))
    arrays = {"gy": np.ones((2, 3, 40), np.float32), "x": np.ones((2, 5, 40), np.float32)}
    arrays["w"] = np.ones((3, 5, 3), np.float32)
    call = _Call(module, known, place, number)
    assert _raised(call, arrays, (1000,) * len(known[place].ways[number].parameters), flags, "float32")


class _Call:
    """One gradient by one way, as the calls of this folder's fixture are."""

    entry = "backward"

    def __init__(self, module: Any, known: tuple[Any, ...], place: int, number: int) -> None:
        self.module, self.known, self.place, self.number = module, known, place, number
        self.result = (known[place].mask & -known[place].mask).bit_length() - 1

    def given(self, arrays: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(arrays[name] for name in ("gy", "x", "w"))

    def sizes(self, arrays: dict[str, Any]) -> tuple[int, ...]:
        found: tuple[int, ...] = self.module.u0_backward_sizes(tuple(a.shape for a in self.given(arrays)))
        return found
