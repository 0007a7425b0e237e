"""Every candidate of a compiled module equals the definition, for sizes around its tiles and whatever a plan says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from symconv import entry as entries
from symconv.entry import Entry
from symconv.options import Options
from symconv.tune import plan as planning

Shapes = dict[str, tuple[int, ...]]
FAST = ("padded", "unpadded", "strided groups", "dilated", "depthwise", "whole rows")
FULL = ("transposed", "product", "gated", "3-D", "AVX2", "SSE", "portable", "adder", "unpadded AVX2")
NUMBERS = (1, 2, 3, 5, 8, 17, 1000)
"""Of a plan: what leaves tails nearly everywhere, and more than there is of anything."""


def _geometries(name: str) -> Iterator[Shapes]:
    """Channels around the 1, 4 and 8 rows of tiles, columns around 4, 8 and 16 lanes and several blocks of them."""
    around = ((1, 1, 1), (3, 7, 4), (4, 9, 8), (8, 15, 15), (9, 16, 16), (17, 5, 17), (5, 8, 33), (13, 3, 49))
    for turn, (c, f, columns) in enumerate(around):
        n, rows = 1 + turn % 3, 1 + (turn * 2) % 5
        match name:
            case "padded" | "AVX2" | "SSE":
                yield {"x": (n, c, rows, columns), "w": (f, c, 3, 3)}
                yield {"x": (n, c, rows, columns), "w": (f, c, 1 + turn % 3, 1 + turn % 5)}
            case "unpadded" | "unpadded AVX2":
                # Cells around tiles of 6 and 14, rows of the target around two vectors.
                yield {"x": (n, c, rows, columns), "w": (4 * f + 1, c, 1, 1)}
                yield {"x": (n, c, rows + 1, columns + 13), "w": (2 * f, c, 2, 1 + turn % 3)}
            case "distances":
                yield {"x": (n, c, 2 * columns + 3), "w": (3 * f, c, 1 + turn % 3)}
            case "strided groups":
                yield {"x": (n, 2 * c, rows + 2, 3 * columns + 1), "w": (2 * f, c, 1 + turn % 3, 4 - turn % 4)}
                if turn < 3:
                    square = 3 + 2 * turn
                    yield {"x": (n, 2 * c, rows + 6, 3 * columns + 5), "w": (2 * f, c, square, square)}
            case "dilated":
                yield {"x": (n, c, 2 * columns + 7), "w": (f, c, 1 + turn % 4), "b": (f,)}
            case "depthwise" | "whole rows":
                yield {"x": (n, 17, rows + 1, columns + 2), "w": (17, 1, 2, 3)}
                yield {"x": (n, 17, rows + 1, columns + 2), "w": (34, 1, 3, 1 + turn % 3)}
                square = 3 + 2 * (turn % 3)
                yield {"x": (n, 17, rows + 5, columns + 6), "w": (17, 1, square, square)}
                yield {"x": (n, 17, rows + 5, 3 + 2 * turn), "w": (17 + 17 * (turn % 2), 1, 3, 3)}
            case "transposed":
                yield {"x": (n, c, rows, columns), "w": (c, f, 1 + turn % 3, 3)}
            case "3-D":
                yield {"x": (n, c, 2, rows + 2, columns), "w": (f, c, 2, 3, 1 + turn % 3)}
                if turn < 3:
                    # Two taps in each residue class of the rows, and two columns.
                    yield {"x": (n, c, 2, rows + 4, columns), "w": (f, c, 2, 4, 2)}
            case "portable":
                yield {"x": (n, c, columns + 1), "w": (f, c, 3)}
            case "product":
                yield {"x": (n, c, 2 * columns + 1), "w": (f, c, 1 + turn % 3), "v": (f, c, 1 + turn % 3)}
            case "gated":
                weight = (f, c, 1 + turn % 3)
                yield {"x": (n, c, columns + 7), "w": weight, "a": (f,), "u": weight, "b": (f,)}
            case "adder":
                yield {"x": (n, c, rows + 1, columns + 2), "w": (f, c, 2, 3)}


@pytest.mark.parametrize("name", [*FAST, *(pytest.param(name, marks=pytest.mark.full) for name in FULL)])
def test_every_way_and_plan_is_the_definition(name: str, compiled: Callable[[str], Any]) -> None:
    """Direct sums of small integers are exact; transformed ones are near; the number of threads changes no bit."""
    made, seen = compiled(name), set()
    for turn, shapes in enumerate(_geometries(name)):
        arrays = made.drawn(shapes, turn)
        wanted = made.wanted(arrays)
        rng = np.random.default_rng(turn)
        for call in made.ways(arrays):
            seen.add((call.name, call.way.name))
            for most in (1, len(NUMBERS) - 1, len(NUMBERS)):
                numbers = tuple(int(rng.choice(NUMBERS[:most])) for _ in call.way.parameters)
                told = (call.name, call.way.name, shapes, dict(zip(call.way.parameters, numbers, strict=True)))
                _same(call, arrays, wanted[call.name], numbers, told)
    assert {(call.name, call.way.name) for _, call in made.calls} == seen, "a way that no geometry of this test allows"
    assert {what for what, _ in seen} >= {"y", "gx", "gw"}


def test_rows_abreast_have_any_body(compiled: Callable[[str], Any]) -> None:
    """Distances, whose gradients have no packed form."""
    made, seen = compiled("distances"), set()
    for turn, shapes in enumerate(_geometries("distances")):
        arrays = made.drawn(shapes, turn)
        wanted = made.wanted(arrays)
        rng = np.random.default_rng(turn)
        for call in made.ways(arrays):
            seen.add((call.name, call.way.name.split()[0]))
            numbers = tuple(int(rng.choice(NUMBERS)) for _ in call.way.parameters)
            _same(call, arrays, wanted[call.name], numbers, (call.name, call.way.name, shapes, numbers))
    assert ("y", "abreast") in seen


def _same(call: Any, arrays: Any, want: Any, numbers: tuple[int, ...], told: tuple[object, ...]) -> None:
    got = call(arrays, numbers)
    if call.way.bound is None:
        assert (got == want).all(), told
    else:
        assert np.abs(got - want).max() <= 1e-5 * np.abs(want).max(), told
    for threads in (2, 3):
        assert call(arrays, numbers, threads).tobytes() == got.tobytes(), (*told, threads)
    other = _cut_otherwise(call.way, numbers)
    assert call(arrays, other).tobytes() == got.tobytes(), (*told, other)


def _cut_otherwise(way: Any, numbers: tuple[int, ...]) -> tuple[int, ...]:
    """What a plan for other threads may change: blocks of rows where sums have chunks, else strips of cells."""
    if way.name.startswith("stencil"):
        return numbers
    names = [name.rstrip("_") for name in way.parameters]
    free = [name == "MB" if "S" in names else name.startswith("T_") for name in names]
    return tuple(NUMBERS[(NUMBERS.index(n) + 3) % len(NUMBERS)] if f else n for n, f in zip(numbers, free, strict=True))


def test_strips_change_no_bit_where_planes_are_many(compiled: Callable[[str], Any]) -> None:
    """Planes come in slabs, which boxes that are cut for more threads must not move."""
    made, seen = compiled("padded"), set()
    arrays = made.drawn({"x": (1, 150, 33, 75), "w": (140, 150, 3, 3)}, 0)
    for call in made.ways(arrays):
        if call.way.bound is None or call.name == "gw":
            continue
        seen.add((call.name, call.way.name))
        bits = {call(arrays, numbers).tobytes() for numbers in ((1, 1, 75), (1, 100, 100), (1, 3, 7))}
        assert len(bits) == 1, (call.name, call.way.name)
    assert len(seen) == 4


@pytest.mark.parametrize("cores", [2, 4])
def test_threads_change_no_bit_within_a_limit_of_memory(
    cores: int, compiled: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three threads are more than the two cores, and fewer than the four."""
    for module in (entries, planning):
        monkeypatch.setattr(module, "cores", lambda: cores)
    made, rng, ways = compiled("padded"), np.random.default_rng(cores), set()
    for turn, power in enumerate((15, 16, 17, 18, 20)):
        monkeypatch.setenv("SYMCONV_WORKSPACE_LIMIT", str(2**power))
        # Other sizes each time: plans are remembered.
        x, w = (rng.standard_normal(s, np.float32) for s in ((1, 16, 19 + cores, 23 + turn), (16, 16, 3, 3)))
        gy = rng.standard_normal(made.op.output_shape(x=x.shape, w=w.shape), np.float32)
        for name, arrays, shapes in (("forward", (x, w), [gy.shape]), ("backward", (gy, x, w), [x.shape, w.shape])):
            found = set()
            for threads in (1, 2, 3):
                entry = Entry(made.op, Options(), made.artifact, name, threads)
                results = tuple(np.empty(shape, np.float32) for shape in shapes)
                entry.run((1 << len(shapes)) - 1, arrays, results)
                assert entry.nbytes(tuple(array.shape for array in arrays)) <= 2**power
                ways |= {plan.way for plan in entry.plans()}
                found.add(tuple(result.tobytes() for result in results))
            assert len(found) == 1, (name, power)
    assert len(ways) > 2
