"""Reductions inside reductions under every border rule: the definition written out as loops, in exact numbers.

Derivatives come from the same loops run on dual numbers, one input element at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import symconv as sc

Array = np.ndarray[Any, Any]
BORDERS = ("zero", -2, "skip", "reflect", "symmetric", "replicate", "circular")


@dataclass(frozen=True)
class Dual:
    """A number and its derivative."""

    value: Fraction
    slope: Fraction = Fraction(0)

    def __add__(self, other: Dual) -> Dual:
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other: Dual) -> Dual:
        return Dual(self.value * other.value, self.value * other.slope + self.slope * other.value)


def total(terms: list[Dual]) -> Dual:
    found = Dual(Fraction(0))
    for term in terms:
        found += term
    return found


def mean(terms: list[Dual]) -> Dual:
    return total(terms) * Dual(Fraction(1, len(terms)))


def largest(terms: list[Dual]) -> Dual:
    """The first of the largest."""
    return max(terms, key=lambda term: term.value)


@dataclass(frozen=True)
class Data:
    """Arrays of dual numbers that are read past their ends."""

    border: str | int
    arrays: Mapping[str, Array]

    def out(self, at: int, size: int) -> bool:
        """Whether a tap that reads there is left out."""
        return self.border == "skip" and not 0 <= at < size

    def place(self, at: int, size: int) -> int | None:
        """The element found there, None for none."""
        if 0 <= at < size:
            return at
        match self.border:
            case "reflect":
                return -at if at < 0 else 2 * (size - 1) - at
            case "replicate":
                return 0 if at < 0 else size - 1
            case "circular":
                return at % size
            case "symmetric":
                return -1 - at if at < 0 else 2 * size - 1 - at
        return None

    def __call__(self, tensor: str, *index: int) -> Dual:
        array = self.arrays[tensor]
        found = [self.place(at, size) for at, size in zip(index, array.shape, strict=True)]
        if None in found:
            return Dual(Fraction(0 if isinstance(self.border, str) else self.border))
        return array[tuple(found)]


@dataclass(frozen=True)
class Case:
    formula: str
    shapes: Mapping[str, tuple[int, ...]]
    cell: Callable[..., Dual]
    extents: Mapping[str, int | str]


CASES = {
    "the outer tap": Case(
        "y[i] = mean[p](sum[e](k[i+p-1,e]))",
        {"k": (4, 2)},
        lambda r, i: mean(
            [total([r("k", i + p - 1, e) for e in range(2)]) for p in range(3) if not r.out(i + p - 1, 4)]
        ),
        {"p": 3},
    ),
    "the outer tap of a maximum": Case(
        "y[i] = max[p](sum[e](k[i+p-1,e]*v[e]))",
        {"k": (4, 2), "v": (2,)},
        lambda r, i: largest(
            [total([r("k", i + p - 1, e) * r("v", e) for e in range(2)]) for p in range(3) if not r.out(i + p - 1, 4)]
        ),
        {"p": 3},
    ),
    "a mean inside": Case(
        "y[i] = sum[p](mean[e](k[i+p-2,e]) * w[p])",
        {"k": (5, 3), "w": (4,)},
        lambda r, i: total(
            [mean([r("k", i + p - 2, e) for e in range(3)]) * r("w", p) for p in range(4) if not r.out(i + p - 2, 5)]
        ),
        {},
    ),
    "an axis each": Case(
        "y[i,j] = max[p](sum[q](x[i+p-1,j+q-2]*w[p,q]))",
        {"x": (3, 5), "w": (2, 4)},
        lambda r, i, j: largest(
            [
                total([r("x", i + p - 1, j + q - 2) * r("w", p, q) for q in range(4) if not r.out(j + q - 2, 5)])
                for p in range(2)
                if not r.out(i + p - 1, 3)
            ]
        ),
        {},
    ),
    "both in one axis": Case(
        "y[i] = mean[p](max[q](x[i+p+q-1]))",
        {"x": (4,)},
        lambda r, i: mean(
            [largest([r("x", i + p + q - 1) for q in range(2) if not r.out(i + p + q - 1, 4)]) for p in range(2)]
        ),
        {"p": 2, "q": 2, "i": "L"},
    ),
    "neither in the axis": Case(
        "y[i] = mean[p](w[p] + sum[e](k[i-2,e]*k[i+1,e]))",
        {"k": (5, 2), "w": (3,)},
        lambda r, i: mean(
            [
                r("w", p)
                + total(
                    [
                        r("k", i - 2, e) * r("k", i + 1, e)
                        for e in range(2)
                        if not r.out(i - 2, 5) and not r.out(i + 1, 5)
                    ]
                )
                for p in range(3)
            ]
        ),
        {},
    ),
    "not the reduction around it": Case(
        "y[i] = mean[p](u[p]*max[q](x[i+p-1] + v[q]))",
        {"x": (4,), "u": (3,), "v": (2,)},
        lambda r, i: mean(
            [
                r("u", p) * largest([r("x", i + p - 1) + r("v", q) for q in range(2)])
                for p in range(3)
                if not r.out(i + p - 1, 4)
            ]
        ),
        {},
    ),
    "two reads of one tap": Case(
        "y[i] = sum[p](w[p]*max[e](b[i+p-1,e]*b[i+p-2,e]))",
        {"b": (4, 2), "w": (3,)},
        lambda r, i: total(
            [
                r("w", p) * largest([r("b", i + p - 1, e) * r("b", i + p - 2, e) for e in range(2)])
                for p in range(3)
                if not r.out(i + p - 1, 4) and not r.out(i + p - 2, 4)
            ]
        ),
        {"p": 3},
    ),
}


def outcome(case: Case, border: str | int, arrays: Mapping[str, Array], gy: Array) -> dict[str, list[Fraction]]:
    """y under "", and the gradient by each tensor."""
    plain = {
        name: np.array([Dual(Fraction(int(v))) for v in a.ravel()], dtype=object).reshape(a.shape)
        for name, a in arrays.items()
    }
    cells = list(np.ndindex(*gy.shape))
    found = {"": [case.cell(Data(border, plain), *cell).value for cell in cells]}
    for name, array in arrays.items():
        found[name] = []
        for at in np.ndindex(*array.shape):
            moved = plain[name].copy()
            moved[at] = Dual(moved[at].value, Fraction(1))
            data = Data(border, {**plain, name: moved})
            found[name].append(sum(int(gy[cell]) * case.cell(data, *cell).slope for cell in cells))
    return found


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("name", CASES)
def test_forward_and_gradients_are_those_of_the_loops(name, border, lowered, interpreted, wanted) -> None:
    case = CASES[name]
    op = sc.operator(case.formula, border=border, extents=dict(case.extents))
    rng = np.random.default_rng(7)
    arrays: dict[str, Array] = {tensor: rng.integers(-9, 10, shape) for tensor, shape in case.shapes.items()}
    gy = rng.integers(-4, 5, op.output_shape(**case.shapes))
    for wrt, want in outcome(case, border, arrays, gy).items():
        given = {**arrays, "gy": gy}
        assert interpreted(lowered(op, wrt), given) == want, f"{case.formula} by {wrt or 'nothing'}"
        exact = {tensor: np.vectorize(Fraction, otypes=[object])(a) for tensor, a in given.items()}
        assert wanted(op, wrt, exact) == want, f"the oracle of {case.formula} by {wrt or 'nothing'}"


@pytest.mark.parametrize(
    ("formula", "fill", "want"),
    [
        ("y[i] = mean[p](sum[e](k[i+p-1,e]))", -1.0, [-2.0, -2.0, -2.0]),
        ("y[i] = max[p](sum[e](k[i+p-1,e]))", -1.0, [-2.0, -2.0, -2.0]),
        ("y[i] = sum[p](exp(sum[e](k[i+p-1,e])))", 0.0, [2.0, 3.0, 2.0]),
    ],
)
def test_the_tap_left_out_is_that_of_the_index_which_leaves(formula, fill, want, lowered, interpreted, wanted) -> None:
    op = sc.operator(formula, border="skip", extents={"p": 3})
    arrays = {"k": np.full((3, 2), fill)}
    assert interpreted(lowered(op), arrays) == want
    assert wanted(op, "", arrays) == want
