"""Results that go past the caches: the same numbers, whatever memory they are written to."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv.tune import facts


@pytest.fixture(scope="module")
def streaming() -> sc.Kernel:
    """A convolution that takes every target for a long one."""
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(facts, "LONG", 1)
        return sc.build(sc.operator("out[n,f,i,j] = sum[c,p,q](img[n,c,i+p,j+q]*ker[f,c,p,q])"))


def _placed(shape: tuple[int, ...], offset: int) -> np.ndarray:
    """An array that begins ``offset`` elements behind a line, with marks around it."""
    memory = np.full(int(np.prod(shape)) + 64, 7, np.float32)
    first = -memory.ctypes.data // 4 % 16 + offset
    return memory[first : first + int(np.prod(shape))].reshape(shape)


def _correlated(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    rows, columns = (n - k + 1 for n, k in zip(x.shape[2:], w.shape[2:], strict=True))
    parts = (
        np.einsum("ncij,fc->nfij", x[:, :, p : p + rows, q : q + columns], w[:, :, p, q])
        for p in range(w.shape[2])
        for q in range(w.shape[3])
    )
    return np.sum(list(parts), axis=0)


@pytest.mark.parametrize("window", [(1, 1), (1, 2), (2, 1)])
@pytest.mark.parametrize("size", [(8, 16), (7, 16), (12, 56), (5, 13), (1, 64), (9, 1)])
def test_streamed_results_are_the_definition(
    streaming: sc.Kernel, window: tuple[int, int], size: tuple[int, int]
) -> None:
    rng = np.random.default_rng(5)
    (kh, kw), (rows, columns) = window, size
    x = rng.integers(-3, 4, (2, 9, rows + kh - 1, columns + kw - 1)).astype(np.float32)
    w = rng.integers(-3, 4, (11, 9, kh, kw)).astype(np.float32)
    wanted = _correlated(x, w)
    for offset in (0, 1, 4, 8):
        out = _placed(wanted.shape, offset)
        streaming.forward(x, w, out=out)
        assert (out == wanted).all()
        memory = out.base
        assert memory is not None
        assert (memory == 7).sum() >= 64


@pytest.mark.parametrize("columns", [32, 48, 37])
def test_streamed_tiles_of_outputs_are_near_the_definition(streaming: sc.Kernel, columns: int) -> None:
    """Transformed products of small integers are near the sums, and one run's bits are those of another place."""
    rng = np.random.default_rng(6)
    x = rng.integers(-3, 4, (1, 32, 32, columns + 2)).astype(np.float32)
    w = rng.integers(-3, 4, (32, 32, 3, 3)).astype(np.float32)
    wanted = _correlated(x, w)
    first = streaming.forward(x, w)
    (plan,) = (line for line in str(streaming.schedule).splitlines() if f" C=32 H=32 W={columns + 2} " in line)
    assert "Winograd" in plan
    assert np.abs(first - wanted).max() <= 1e-5 * np.abs(wanted).max()
    for offset in (0, 4, 8):
        out = _placed(wanted.shape, offset)
        streaming.forward(x, w, out=out)
        assert out.tobytes() == first.tobytes()


def test_long_results_begin_with_a_line(streaming: sc.Kernel) -> None:
    x, w = np.ones((1, 16, 128, 200), np.float32), np.ones((16, 16, 1, 1), np.float32)
    for _ in range(2):
        y = streaming.forward(x, w)
        assert y.ctypes.data % 64 == 0
        assert y.flags.c_contiguous
        assert y.flags.writeable
        assert (y == 16).all()
