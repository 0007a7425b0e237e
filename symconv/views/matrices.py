"""Constant matrices as matrices instead of lists of cases."""

from __future__ import annotations

from fractions import Fraction

from symconv.notation.operator import Statement
from symconv.notation.tables import table_of
from symconv.views.dialect import BREAK, Dialect

__all__ = ["matrix_text"]

_MOST = 12
"""Rows and columns that fit on a page."""


def matrix_text(statement: Statement, dialect: Dialect) -> str | None:
    """The rows of a constant matrix; None for other statements, and for what is too large to read.

    >>> from symconv.notation.tables import constant
    >>> from symconv.views.dialect import text
    >>> from symconv.views.names import Names
    >>> matrix_text(constant("G", [[1, 0], [Fraction(1, 2), -1]]), text(Names()))
    '[[1, 0], [1/2, −1]]'
    """
    sizes = [size.constant for size in statement.target.sizes if size.is_constant]
    if len(sizes) != len(statement.target.sizes) or len(sizes) != 2 or max(sizes) > _MOST:
        return None
    entries = table_of(statement)
    if entries is None:
        return None
    known = dict(entries)
    rows = [[dialect.number(known.get((i, j), Fraction(0))).text for j in range(sizes[1])] for i in range(sizes[0])]
    if dialect.kind == "latex":
        body = BREAK.join(" & ".join(row) for row in rows)
        return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"
    lines = ["[" + ", ".join(row) + "]" for row in rows]
    return f"[{', '.join(lines)}]"
