"""The table of points against the search that made it, and the search against rounding that was measured."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from symconv.algorithms.accuracy import POLICY, expected_error
from symconv.algorithms.cooktoom import Transform, cook_toom
from symconv.algorithms.points import LARGEST, POINTS, amplification, search_points, transform
from symconv.errors import SpecError

PLAIN = cook_toom(4, 3, [0, 1, -1, 2, -2])


@pytest.mark.parametrize(("m", "r"), POINTS)
def test_the_table_is_what_the_search_finds(m: int, r: int) -> None:
    assert search_points(m, r) == POINTS[m, r]


def test_the_table_is_complete() -> None:
    assert set(POINTS) == {(m, r) for m in range(2, LARGEST) for r in range(2, LARGEST) if m + r - 1 <= LARGEST}


@pytest.mark.parametrize(("m", "r"), [(1, 1), (1, 3), (4, 1), (9, 5), (2, 9)])
def test_transforms_beyond_the_table_exist(m: int, r: int) -> None:
    made = transform(m, r)
    assert (made.m, made.r, len(made.BT)) == (m, r, m + r - 1)


def test_an_impossible_transform_is_refused() -> None:
    with pytest.raises(SpecError, match="at least 1"):
        transform(0, 3)


def test_amplification_is_the_norm_written_out() -> None:
    def norm(row: tuple[Fraction, ...]) -> float:
        return float(sum(v * v for v in row))

    t = cook_toom(2, 3, [0, 2, Fraction(-1, 3)])
    y = [sum(float(t.A[l][i]) ** 2 * norm(t.G[l]) * norm(t.BT[l]) for l in range(4)) / 3 for i in range(2)]
    w = [sum(float(t.G[l][k]) ** 2 * norm(t.A[l]) * norm(t.BT[l]) for l in range(4)) / 2 for k in range(3)]
    assert amplification(t) == pytest.approx((max(y) ** 0.5, max(w) ** 0.5))


def arrays(t: Transform) -> list[np.ndarray]:
    return [np.array([[float(v) for v in row] for row in rows], np.float32) for rows in (t.A, t.G, t.BT)]


def error(got: np.ndarray, want: np.ndarray) -> float:
    return float(abs(got - want).max() / abs(want).max())


def of_data(t: Transform, channels: int, block: int = 0) -> float:
    """Float32 against float64 of outputs along two axes, 6 filters, 36 tiles."""
    rng = np.random.default_rng(channels)
    A, G, B = arrays(t)
    d = rng.standard_normal((channels, 36, t.n, t.n)).astype(np.float32)
    w = rng.standard_normal((6, channels, t.r, t.r)).astype(np.float32)
    V, U = B @ d @ B.T, G @ w @ G.T
    total = np.zeros((6, 36, t.n, t.n), np.float32)
    for start in range(0, channels, block or channels):
        part = np.zeros_like(total)
        for c in range(start, min(start + (block or channels), channels)):
            part += U[:, c, None] * V[c]
        total += part
    D, W = d.astype(float), w.astype(float)
    want = sum(
        np.einsum("fc,ctij->ftij", W[..., p, q], D[..., p : p + t.m, q : q + t.m])
        for p in range(t.r)
        for q in range(t.r)
    )
    return error(A.T @ total @ A, want)


def of_kernel(t: Transform, tiles: int) -> float:
    """Float32 against float64 of gradients of 8x8 kernels along two axes."""
    rng = np.random.default_rng(tiles)
    A, G, B = arrays(t)
    d = rng.standard_normal((8, tiles, t.n, t.n)).astype(np.float32)
    y = rng.standard_normal((8, tiles, t.m, t.m)).astype(np.float32)
    V, D = B @ d @ B.T, A @ y @ A.T
    total = np.zeros((8, 8, t.n, t.n), np.float32)
    for k in range(tiles):
        total += D[:, k, None] * V[:, k]
    X, Y = d.astype(float), y.astype(float)
    want = np.array(
        [[np.einsum("ftij,ctij->fc", Y, X[..., p : p + t.m, q : q + t.m]) for q in range(t.r)] for p in range(t.r)]
    )
    return error(G.T @ total @ G, np.moveaxis(want, (0, 1), (2, 3)))


@pytest.mark.parametrize("channels", [64, 256, 512])
def test_f43_keeps_the_policy(channels: int) -> None:
    assert of_data(transform(4, 3), channels, 64) < POLICY
    assert of_kernel(transform(4, 3), channels) < POLICY


def test_the_points_of_textbooks_break_the_policy() -> None:
    assert of_data(PLAIN, 256) > POLICY
    assert of_data(PLAIN, 64) > 2 * of_data(transform(4, 3), 64)


@pytest.mark.parametrize(("m", "r"), [(2, 3), (3, 3), (4, 3), (4, 2), (2, 5), (5, 3)])
@pytest.mark.parametrize("terms", [32, 256])
def test_the_estimate_is_near_what_is_measured(m: int, r: int, terms: int) -> None:
    t = transform(m, r)
    assert of_data(t, terms) == pytest.approx(expected_error(t, terms), rel=0.6)
    assert of_kernel(t, terms) == pytest.approx(expected_error(t, terms, gradient_of_kernel=True), rel=0.6)


def test_blocks_of_terms_are_in_the_estimate() -> None:
    t = transform(4, 3)
    assert of_data(t, 512, 32) == pytest.approx(expected_error(t, 512, block=32), rel=0.6)
    assert expected_error(t, 512, block=32) < expected_error(t, 512) / 2
