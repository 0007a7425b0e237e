"""Constant tensors of exact rationals: statements whose every cell is a number.

``B[e,j] = { 4 where e = 0, j = 0; -5 where e = 0, j = 2; ... }`` is a sum over no index with one piece per number that
is not 0. So every stage knows constant tensors already; what can do better with a whole table asks ``table_of``.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import prod

from symconv.notation.affine import affine, var
from symconv.notation.expr import Const, Piece, Reduce, equal
from symconv.notation.operator import Statement, Tensor

__all__ = ["Entries", "constant", "table_of"]

_MOST = 4096
"""Cells of a tensor that are looked at one by one."""

Entries = tuple[tuple[tuple[int, ...], Fraction], ...]
"""The numbers of a table that are not 0, by index, sorted."""


def constant(name: str, rows: Sequence[Sequence[int | Fraction]]) -> Statement:
    """A statement that makes a matrix of rationals known under a name.

    >>> made = constant("G", [[1, 0], [Fraction(1, 2), -1]])
    >>> made.target.name, [str(size) for size in made.target.sizes], len(table_of(made))
    ('G', ['2', '2'], 3)
    """
    pieces = tuple(
        Piece((equal(var("a"), affine(i)), equal(var("b"), affine(j))), Const(Fraction(value)))
        for i, row in enumerate(rows)
        for j, value in enumerate(row)
        if value
    )
    axes = ((affine(len(rows)),), (affine(len(rows[0])),))
    return Statement(Tensor(name, axes), ("a", "b"), Reduce("sum", (), pieces))


@lru_cache(maxsize=256)
def table_of(statement: Statement) -> Entries | None:
    """The numbers of a constant tensor; None for any other statement."""
    sizes = [size.constant for size in statement.target.sizes if size.is_constant]
    if len(sizes) < len(statement.target.sizes) or not 0 < prod(sizes) <= _MOST:
        return None
    match statement.expr:
        case Reduce("sum", (), pieces) if pieces and all(_is_number(piece, statement.indices) for piece in pieces):
            entries = []
            for place in product(*map(range, sizes)):
                at = dict(zip(statement.indices, place, strict=True))
                value = sum((_value(piece, at) for piece in pieces), Fraction(0))
                if value:
                    entries.append((place, value))
            return tuple(entries)
    return None


def _is_number(piece: Piece, indices: tuple[str, ...]) -> bool:
    return isinstance(piece.body, Const) and all(c.form.names() <= set(indices) for c in piece.where)


def _value(piece: Piece, at: dict[str, int]) -> Fraction:
    values = [(c.form.evaluate(at), c.equality) for c in piece.where]
    holds = all(value == 0 if equality else value >= 0 for value, equality in values)
    return piece.body.value if holds and isinstance(piece.body, Const) else Fraction(0)
