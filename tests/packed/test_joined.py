"""Windows of one element: a call takes neighbouring axes as one row, and returns what the axes asked for say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import symconv as sc
from symconv import entry as entries
from symconv.entry import Entry

Shape = tuple[int, ...]


@pytest.fixture(scope="module", params=["native", "x86-64-v3"])
def packed(request: pytest.FixtureRequest) -> Callable[[sc.Operator], sc.Kernel]:
    """Kernels with every candidate, whatever work a call has."""
    made: dict[sc.Operator, sc.Kernel] = {}

    def build(op: sc.Operator) -> sc.Kernel:
        if op not in made:
            with pytest.MonkeyPatch.context() as changed:
                changed.setattr("symconv.emit.units.ENOUGH", 0)
                made[op] = sc.build(op, target=request.param)
        return made[op]

    return build


def _integers(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32)


def _checked(kernel: sc.Kernel, x: np.ndarray, w: np.ndarray) -> None:
    """Forward and both gradients of a convolution without a border, tap by tap."""
    taps = [
        (tap, tuple(slice(at, at + n - k + 1) for at, n, k in zip(tap, x.shape[2:], w.shape[2:], strict=True)))
        for tap in np.ndindex(*w.shape[2:])
    ]
    y = sum(np.einsum("nc...,fc->nf...", x[(..., *part)], w[(..., *tap)]) for tap, part in taps)
    found = kernel.forward(x, w)
    assert found.shape == y.shape and (found == y).all()
    gy = _integers(*y.shape, seed=4)
    gx, gw = np.zeros_like(x), np.zeros_like(w)
    for tap, part in taps:
        gx[(..., *part)] += np.einsum("nf...,fc->nc...", gy, w[(..., *tap)])
        axes = (0, *range(2, x.ndim))
        gw[(..., *tap)] = np.tensordot(gy, x[(..., *part)], (axes, axes))
    got = kernel.backward(gy, x, w)
    for have, want in zip(got, (gx, gw), strict=True):
        assert have.shape == want.shape and (have == want).all()


@pytest.mark.parametrize("size", [(7, 7), (14, 14), (5, 13), (1, 64), (9, 1), (16, 16), (3, 50)])
def test_one_element(packed: Callable[[sc.Operator], sc.Kernel], size: Shape) -> None:
    for n, c, f in ((2, 9, 17), (1, 8, 5), (5, 3, 16)):
        _checked(packed(sc.conv2d()), _integers(n, c, *size, seed=1), _integers(f, c, 1, 1, seed=2))


@pytest.mark.parametrize("window", [(1, 2), (2, 1), (3, 3)])
def test_longer_windows_keep_their_rows(packed: Callable[[sc.Operator], sc.Kernel], window: Shape) -> None:
    _checked(packed(sc.conv2d()), _integers(2, 9, 6, 11, seed=1), _integers(10, 9, *window, seed=2))


@pytest.mark.parametrize("window", [(1, 1, 1), (2, 1, 1), (1, 1, 3)])
def test_three_axes(packed: Callable[[sc.Operator], sc.Kernel], window: Shape) -> None:
    _checked(packed(sc.conv3d()), _integers(2, 9, 3, 5, 7, seed=1), _integers(10, 9, *window, seed=2))


def test_no_samples(packed: Callable[[sc.Operator], sc.Kernel]) -> None:
    _checked(packed(sc.conv2d()), _integers(0, 9, 6, 11, seed=1), _integers(10, 9, 1, 1, seed=2))


def test_given_arrays_and_a_workspace(packed: Callable[[sc.Operator], sc.Kernel]) -> None:
    kernel = packed(sc.conv2d())
    x, w = _integers(2, 9, 7, 9, seed=1), _integers(10, 9, 1, 1, seed=2)
    y = kernel.forward(x, w)
    out, memory = np.zeros_like(y), kernel.workspace(x=x.shape, w=w.shape)
    kernel.forward(x, w, out=out, workspace=memory)
    assert (out == y).all()
    with pytest.raises(sc.SpecError):
        kernel.forward(x, w, out=out.reshape(2, 10, 1, 63))


def test_plans_are_of_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one is enough for arrays of all shapes that have it."""
    asked: list[Shape] = []
    usual = Entry._chosen

    def told(self: Entry, sizes: Shape, arrays: object) -> object:
        asked.append(sizes)
        return usual(self, sizes, arrays)  # type: ignore[arg-type]

    monkeypatch.setattr(entries.Entry, "_chosen", told)
    kernel = sc.build(sc.conv2d())
    w = _integers(96, 96, 1, 1, seed=2)
    for size in ((16, 15), (15, 16), (1, 240)):
        _checked(kernel, _integers(2, 96, *size, seed=1), w)
    assert len(asked) == 2
    assert all(240 in sizes and 15 not in sizes and 16 not in sizes for sizes in asked)


def test_fixed_sizes_are_those_of_the_arrays() -> None:
    shapes = {"x": (2, 9, 6, 7), "w": (10, 9, 1, 1)}
    _checked(sc.build(sc.conv2d(), sizes=shapes), _integers(*shapes["x"], seed=1), _integers(*shapes["w"], seed=2))
