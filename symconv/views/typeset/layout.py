"""Rows of equations as lines of a stated width, and as environments of amsmath."""

from __future__ import annotations

import re
from dataclasses import dataclass

from symconv.errors import SpecError, shown
from symconv.views.dialect import BREAK
from symconv.views.rows import Row, Rows
from symconv.views.typeset.breaking import INDENT, broken, wide
from symconv.views.typeset.metrics import EM

__all__ = ["TEXT_WIDTH", "align", "aligned", "points"]

TEXT_WIDTH = "6.5in"
_UNITS = {"in": 72.27, "cm": 72.27 / 2.54, "mm": 72.27 / 25.4, "pt": 1.0}
_LENGTH = re.compile(r"\s*(\d{1,4}(?:\.\d{1,6})?)\s*(in|cm|mm|pt)\s*")
_LEAST = 144.27
"""Two inches less half a point: a row of indices and its operators need about that."""
_TOGETHER = r",\quad "
_EQUALS = 1.35 * EM
_NUMBER = 3.0 * EM
"""Room for the number of an equation beside it."""
_HANGING = 0.3
"""A left side that takes more than this part of the width has a line of its own."""


@dataclass(frozen=True, slots=True)
class _Line:
    left: str
    right: str
    formula: int | None = None


def points(width: str) -> float:
    """A width in points; raises SpecError for what is not one, or is too narrow for any formula.

    >>> round(points("6.5in"))
    470
    """
    found = _LENGTH.fullmatch(width) if isinstance(width, str) else None
    if found is None:
        raise SpecError(f"a width is a number and in, cm, mm or pt, as in 6.5in; given {shown(width)}")
    length = float(found[1]) * _UNITS[found[2]]
    if length < _LEAST:
        raise SpecError(f"formulas need a width of 2in or more; given {shown(width)}")
    return length


def aligned(rows: Rows, width: float | None = None) -> str:
    r"""Rows as one block inside a formula, aligned at the equals signs, no line wider than ``width`` points.

    >>> print(aligned(Rows((Row("y", "x + 1"),), (), (Row("", r"\text{for all }x"),))))
    \begin{aligned} y &= x + 1 \\ &\text{for all }x \end{aligned}
    """
    lines = _lines(rows, points(TEXT_WIDTH) if width is None else width)
    return rf"\begin{{aligned}} {BREAK.join(_written(line) for line in lines)} \end{{aligned}}"


def align(rows: Rows, labels: tuple[str, ...], width: float) -> str:
    r"""Rows as an ``align`` environment; formulas have a number and the labels in their order, other lines none.

    >>> print(align(Rows((Row("y", "x + 1"),), (Row("x", "2"),), ()), ("eq:y",), 400.0))
    \begin{align}
    y &= x + 1 \label{eq:y} \\
    x &= 2 \notag
    \end{align}
    """
    lines = _lines(rows, width - _NUMBER)
    ends = {line.formula: k for k, line in enumerate(lines) if line.formula is not None}
    named = {ends[k]: label for k, label in zip(sorted(ends), labels, strict=False)}
    tails = (rf"\label{{{named[k]}}}" if k in named else r"\notag" for k in range(len(lines)))
    body = " \\\\\n".join(f"{_written(line)} {tail}" for line, tail in zip(lines, tails, strict=True))
    return f"\\begin{{align}}\n{body}\n\\end{{align}}"


def _written(line: _Line) -> str:
    return f"{line.left} &= {line.right}" if line.left else f"&{line.right}"


def _lines(rows: Rows, width: float) -> list[_Line]:
    """Every line; the left sides that are short enough make the column before the equals signs."""
    equations = [row for row in (*rows.formulas, *rows.where) if row.right]
    remarks = [row for row in rows.domain if row.right]
    lefts = [wide(row.left) for row in equations if row.left.strip()]
    column = max((w for w in lefts if w <= width * _HANGING), default=0.0) + 2.0
    lines: list[_Line] = []
    for number, row in enumerate(equations):
        formula = number if number < len([r for r in rows.formulas if r.right]) else None
        for one in _apart(row, width - column - _EQUALS):
            lines += _equation(one, formula, width - column)
    for row in remarks:
        lines += _spread("", broken(row.right, width - column), None)
    return lines


def _apart(row: Row, width: float) -> tuple[Row, ...]:
    """Two definitions of a row as two rows, where they do not fit into one."""
    first, *others = row.right.split(_TOGETHER)
    if not row.left or wide(row.right) <= width or not all(" = " in other for other in others):
        return (row,)
    return (Row(row.left, first), *(Row(*other.split(" = ", 1)) for other in others))


def _equation(row: Row, formula: int | None, width: float) -> list[_Line]:
    if not row.left:
        return _spread("", broken(row.right, width), formula)
    if wide(row.left) > width * _HANGING / (1 - _HANGING):
        head = [_Line("", text, formula) for text in broken(row.left, width)]
        return [*head, *(_Line("", rf"\quad {text}", formula) for text in broken(f"= {row.right}", width - INDENT))]
    return _spread(row.left, broken(row.right, width - _EQUALS), formula)


def _spread(left: str, texts: tuple[str, ...], formula: int | None) -> list[_Line]:
    later = (_Line("", rf"\quad {text}", formula) for text in texts[1:])
    return [_Line(left, texts[0], formula), *later]
