"""Quotients of elements that are outside of their arrays, as in the gradient of a local response normalisation.

The oracle is a loop in fractions: a product with an element that is not there is no term of the sum.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

import symconv as sc

OP = sc.operator("s[n,c] = 2 + 0.5*sum[k<3](x[n,c+k-1]**2); y[n,c] = x[n,c]/s[n,c]", padding=1)
X, GY = [[3, -1, 2, 5]], [[7, 2, -3, 1]]


def sums(row: list[Fraction]) -> list[Fraction]:
    return [2 + sum(row[j] ** 2 for j in (c - 1, c, c + 1) if 0 <= j < len(row)) / 2 for c in range(len(row))]


def slope(n: int, c: int) -> Fraction:
    """The derivative of Σ gy·x/s in one cell, by the quotient rule cell by cell."""
    row = [Fraction(v) for v in X[n]]
    s = sums(row)
    own = Fraction(GY[n][c]) / s[c]
    return own - sum(GY[n][j] * row[j] * row[c] / s[j] ** 2 for j in (c - 1, c, c + 1) if 0 <= j < len(row))


def claimed(n: int, c: int, factor: Fraction, power: int, sign: int) -> Fraction:
    row = [Fraction(v) for v in X[n]]
    s = sums(row)
    around = [c + sign * (k - 1) for k in range(3)]
    return GY[n][c] / s[c] - factor * row[c] * sum(GY[n][j] * row[j] / s[j] ** power
                                                   for j in around if 0 <= j < len(row))  # fmt: skip


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("power", [1, 2, 3])
@pytest.mark.parametrize("factor", ["1", "0.5", "2"])
def test_a_normalisation_across_channels(factor: str, power: int, sign: int) -> None:
    place = f"[n,c+{sign}*(k-1)]"
    claim = f"gx[n,c] = gy[n,c]/s[n,c] - {factor}*x[n,c]*sum[k<3](gy{place}*x{place}/s{place}**{power})"
    right = all(claimed(0, c, Fraction(factor), power, sign) == slope(0, c) for c in range(4))
    assert right == (factor == "1" and power == 2)
    proof = sc.prove(OP, claim)
    assert proof.holds is right
    assert right or "confirmed by brute force" in str(proof)


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("gx[i] = gy[i]*x[i] + gy[i+1]/x[i+1]", False),
        ("gx[i] = gy[i]*x[i] + x[i]*gy[i+1]/x[i+1]", False),
        # Here something is divided by what is not there: no value, and no counterexample.
        ("gx[i] = gy[i]*x[i] + x[i]/x[i+1] - x[i]/x[i+1]", None),
    ],
)
def test_what_is_there_is_divided_by_what_is_there(claim: str, holds: bool | None) -> None:
    assert sc.prove(sc.operator("y[i] = x[i]**2/2"), claim).holds is holds


def test_no_size_says_nothing() -> None:
    proof = sc.prove(sc.operator("y[i] = x[i]**2/2"), "gx[i] = gy[i]*x[i] + x[i]/x[i+1] - x[i]/x[i+1]")
    assert "at 0 sizes" not in str(proof)
