"""Exact matrices of rationals, as tuples of rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

__all__ = ["Matrix", "Row", "identity", "matrix", "multiply", "transpose"]

Row = tuple[Fraction, ...]
Matrix = tuple[Row, ...]


def matrix(rows: Iterable[Iterable[int | Fraction]]) -> Matrix:
    """Rows of integers or fractions as a matrix of fractions.

    >>> matrix([[1, 2]])
    ((Fraction(1, 1), Fraction(2, 1)),)
    """
    return tuple(tuple(map(Fraction, row)) for row in rows)


def identity(size: int) -> Matrix:
    """The unit matrix."""
    return matrix([[int(i == j) for j in range(size)] for i in range(size)])


def transpose(rows: Sequence[Sequence[Fraction]]) -> Matrix:
    """Columns as rows."""
    return tuple(zip(*rows, strict=True))


def multiply(left: Matrix, right: Matrix) -> Matrix:
    """The product; the inner sizes must agree.

    >>> multiply(matrix([[1, 2]]), matrix([[3], [4]]))
    ((Fraction(11, 1),),)
    """
    columns = transpose(right)
    return tuple(
        tuple(sum((a * b for a, b in zip(row, column, strict=True)), Fraction(0)) for column in columns) for row in left
    )
