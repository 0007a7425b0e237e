"""Cook–Toom matrices against the sums they replace, written out."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import pytest

from symconv.algorithms.cooktoom import Transform, cook_toom, is_correlation
from symconv.errors import SpecError

SETS = [
    (2, 3, [0, 1, -1]), (2, 3, [0, 1, -1, 2]), (4, 3, [0, 1, -1, 2, -2]), (2, 5, [3, "1/2", "-7/3", 0, 9]), (3, 2, ["1/3", 4, -1]),
    (1, 3, [5, 6]), (3, 1, [0, 1]), (1, 1, []), (1, 1, [4]), (5, 4, [0, 1, -1, "5/8", "-5/8", "3/2", "-3/2"]),
]  # fmt: skip


def points(values: list[object]) -> list[Fraction]:
    return [Fraction(str(value)) for value in values]


def product(rows: tuple[tuple[Fraction, ...], ...], vector: list[Fraction]) -> list[Fraction]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in rows]


@pytest.mark.parametrize(("m", "r", "at"), SETS)
def test_outputs_and_gradients_of_kernels_are_the_sums(m: int, r: int, at: list[object]) -> None:
    t = cook_toom(m, r, points(at))
    data = [Fraction(3 * e * e - 7 * e + 2) for e in range(m + r - 1)]
    kernel = [Fraction(5 - 2 * k * k) for k in range(r)]
    cotangent = [Fraction(i + 4 - 3 * (i % 2)) for i in range(m)]
    windows = product(t.BT, data)
    outputs = product(t.AT, [a * b for a, b in zip(product(t.G, kernel), windows, strict=True)])
    assert outputs == [sum(kernel[k] * data[i + k] for k in range(r)) for i in range(m)]
    taps = product(t.GT, [a * b for a, b in zip(product(t.A, cotangent), windows, strict=True)])
    assert taps == [sum(cotangent[i] * data[i + k] for i in range(m)) for k in range(r)]


def test_one_changed_entry_is_no_correlation() -> None:
    right = cook_toom(3, 3, points([0, 1, -1, "1/2"]))
    assert is_correlation(right)
    refuted = 0
    for name in ("A", "G", "BT"):
        rows = getattr(right, name)
        for i, row in enumerate(rows):
            for k in range(len(row)):
                changed = tuple(tuple(v + (a == i and b == k) for b, v in enumerate(one)) for a, one in enumerate(rows))
                assert not is_correlation(replace(right, **{name: changed}))
                refuted += 1
    assert refuted == 15 + 15 + 25


def test_the_matrices_of_textbooks() -> None:
    t = cook_toom(4, 3, [0, 1, -1, 2, -2])
    assert [[int(v) for v in row] for row in t.BT] == [
        [4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1],
    ]  # fmt: skip
    assert [[int(v) for v in row] for row in t.AT] == [
        [1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1],
    ]  # fmt: skip
    assert t.G[3] == (Fraction(1, 24), Fraction(1, 12), Fraction(1, 6))


@pytest.mark.parametrize("at", [[0, 1], [0, 1, 1], [0, 1, 2, 3, 4]])
def test_points_that_do_not_fit_are_refused_in_words(at: list[int]) -> None:
    with pytest.raises(SpecError, match=r"3 distinct points and infinity, or from 4 distinct points; given are"):
        cook_toom(2, 3, at)


@pytest.mark.parametrize(("m", "r"), [(0, 3), (2, 0), (-1, 3)])
def test_no_outputs_or_taps_are_refused(m: int, r: int) -> None:
    with pytest.raises(SpecError, match="at least 1"):
        cook_toom(m, r, [0])


def test_every_choice_of_points_works() -> None:
    made: list[Transform] = [cook_toom(2, 2, at) for at in combinations(points([0, 1, -1, "1/2", "-2/3", 5]), 2)]
    assert len(made) == 15
    assert all(map(is_correlation, made))
