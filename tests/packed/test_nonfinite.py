"""One NaN or infinity among the inputs: every way gives what the definition gives, cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symconv as sc

Shapes = dict[str, tuple[int, ...]]
SHAPES: dict[str, Shapes] = {
    "padded": {"x": (2, 9, 5, 19), "w": (10, 9, 3, 3)},
    "strided groups": {"x": (2, 6, 5, 20), "w": (10, 3, 3, 2)},
    "dilated": {"x": (2, 5, 41), "w": (9, 5, 3), "b": (9,)},
    "depthwise": {"x": (2, 17, 4, 13), "w": (17, 1, 2, 3)},
    "transposed": {"x": (1, 9, 5, 18), "w": (9, 5, 2, 3)},
}
NUMBERS = (1, 2, 3, 1000)


@pytest.mark.parametrize("value", [np.nan, np.inf, pytest.param(-np.inf, marks=pytest.mark.full)])
@pytest.mark.parametrize("name", SHAPES)
def test_what_is_not_finite_spreads_as_in_the_definition(
    name: str, value: float, compiled: Callable[[str], Any]
) -> None:
    """Zeros that packed operands hold, and transforms, meet no cell that the definition does not read."""
    made = compiled(name)
    plain = made.drawn(SHAPES[name], 7)
    rng = np.random.default_rng(len(name))
    linear, ones = _Linear(made, plain), _Linear(made, {n: np.ones_like(array) for n, array in plain.items()})
    for where in plain:
        for cell in (0, int(rng.integers(plain[where].size))):
            arrays = {**plain, where: plain[where].copy()}
            arrays[where].flat[cell] = value
            wanted = _spread(linear, ones, where, cell, value)
            for call in made.ways(arrays):
                numbers = tuple(int(rng.choice(NUMBERS)) for _ in call.way.parameters)
                told = f"{call.name} {call.way.name} {numbers}, {value} in {where} at {cell}"
                _same(call(arrays, numbers), wanted[call.name], call.way.bound is None, told)


class _Linear:
    """What the definition gives on arrays of small integers, exactly: results are linear in each of them."""

    def __init__(self, made: Any, arrays: dict[str, Any]) -> None:
        self.made = made
        self.arrays = arrays
        self.whole: dict[str, Any] = made.wanted(arrays)
        self.without: dict[str, dict[str, Any]] = {}

    def factor(self, where: str, cell: int) -> dict[str, Any]:
        """By the name of a result, what a cell of an array is multiplied with in it."""
        nothing = np.zeros_like(self.arrays[where])
        if where not in self.without:
            self.without[where] = self.made.wanted({**self.arrays, where: nothing})
        nothing.flat[cell] = 1
        found = self.made.wanted({**self.arrays, where: nothing})
        return {name: result - self.without[where][name] for name, result in found.items()}


def _spread(plain: _Linear, ones: _Linear, where: str, cell: int, value: float) -> dict[str, Any]:
    """Results are linear in each array, and have one term at most of a cell: it is there, or what it meets is outside.

    So what a cell is multiplied with, and whether there is such a term, is asked with finite numbers alone.
    """
    factor, there = plain.factor(where, cell), ones.factor(where, cell)
    held = float(plain.arrays[where].flat[cell])
    with np.errstate(invalid="ignore"):
        return {name: np.where(there[name] != 0, value * factor[name], result - held * factor[name])
                for name, result in plain.whole.items()}  # fmt: skip


def _same(got: Any, want: Any, exact: bool, told: str) -> None:
    finite = np.isfinite(want)
    np.testing.assert_array_equal(np.isfinite(got), finite, told)
    np.testing.assert_array_equal(got[~finite], want[~finite], told)
    error = np.abs(got[finite] - want[finite]).max(initial=0)
    assert error <= (0 if exact else 1e-5 * np.abs(want[finite]).max(initial=0)), told


@pytest.mark.parametrize("place", [(0, 0), (47, 191), (95, 383)])
def test_large_results_are_looked_at_by_every_thread(place: tuple[int, int]) -> None:
    """Each thread looks at a part of the result for what is not finite; it may lie in any of them."""
    rng = np.random.default_rng(1)
    x = rng.integers(-4, 5, (1, 16, 96, 384)).astype("float32")
    w = rng.integers(-4, 5, (16, 16, 3, 3)).astype("float32")
    w[w == 0] = 1
    x[(0, 5, *place)] = np.inf
    results = [sc.build(sc.conv2d(padding=1), threads=threads).forward(x, w) for threads in (1, 2, 3)]
    rows, columns = (slice(max(0, at - 1), at + 2) for at in place)
    reached = np.zeros((96, 384), bool)
    reached[rows, columns] = True
    for y in results:
        np.testing.assert_array_equal(np.isfinite(y), np.broadcast_to(~reached, y.shape))
        np.testing.assert_array_equal(y, results[0])


@pytest.mark.parametrize("channel", [0, 10, 20, 31])
def test_every_piece_of_a_large_result_is_looked_through(channel: int) -> None:
    """A filter with an infinity, whose transform is NaN: one channel of many is summed again."""
    kernel = sc.build(sc.conv2d(padding=1))
    x, w = np.ones((1, 32, 40, 40), np.float32), np.ones((32, 32, 3, 3), np.float32)
    w[channel, 0, 1, 1] = np.inf
    y = kernel.forward(x, w)[0]
    assert "Winograd" in str(kernel.schedule).split(" at N=")[-1]
    assert np.isposinf(y[channel]).all()
    assert np.isfinite(np.delete(y, channel, axis=0)).all()
