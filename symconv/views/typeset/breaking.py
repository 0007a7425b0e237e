"""The lines of a formula: as few as fit, broken where a reader would break them."""

from __future__ import annotations

import re

from symconv.views.dialect import BREAK
from symconv.views.typeset.boxes import Node, UnreadError, parse, span
from symconv.views.typeset.metrics import EM
from symconv.views.typeset.pieces import Piece, pieces

__all__ = ["INDENT", "broken", "wide"]

INDENT = EM
"""Lines after the first begin so far right."""
_COMMAND = re.compile(r"\\[a-zA-Z]+$")
_LINE, _OVERFULL = 100.0, 1e6
"""What a line costs beside its break, and a point beyond the width: only where nothing else is possible."""


def wide(latex: str) -> float:
    r"""The width of a formula in points, never less than LaTeX's own in a document of 10 to 12 pt.

    >>> 6.0 < wide("x") < 8.0
    True
    """
    try:
        return span(parse(latex))
    except UnreadError:
        return 0.0


def broken(latex: str, width: float) -> tuple[str, ...]:
    r"""A formula in lines of at most ``width`` points; the later ones are meant to stand ``INDENT`` further right.

    Lines end before relations and terms, after commas, between factors (where a dot is written); fences around a break
    get a size of their own, because those that grow may not hold one.

    >>> broken(r"a + b + c", 44.0)
    ('a + b', '{}+ c')
    >>> broken(r"a + b + c", 400.0)
    ('a + b + c',)
    """
    try:
        if span(parse(latex)) <= width:
            return (latex,)
        return tuple(_lines(tuple(_shorter(latex, width - INDENT)), width))
    except UnreadError:
        return (latex,)


def _shorter(latex: str, limit: float) -> tuple[Piece, ...]:
    return pieces(_cases(latex, limit), limit)


def _cases(latex: str, limit: float) -> str:
    """Cases that are too wide, with their values and conditions in several rows each."""
    nodes = parse(latex)
    return "".join(_rows(n, limit) if n.kind == "cases" and n.width > limit else _kept(n) for n in nodes)


def _kept(node: Node) -> str:
    return f" {node.whole} " if node.kind in {"rel", "bin"} or node.text.startswith("\\") else node.whole


def _rows(node: Node, limit: float) -> str:
    room = limit - 4 * EM
    values, conditions = node.parts[::2], node.parts[1::2]
    needed = max(span(parse(value, 1)) for value in values), max(span(parse(text, 1)) for text in conditions)
    share = min(needed[0], max(room - needed[1], room * 0.55))
    lines = []
    for value, condition in zip(values, conditions, strict=True):
        left, right = broken(value, share - INDENT), broken(condition, room - share - INDENT)
        for k in range(max(len(left), len(right))):
            cells = (side[k] if k < len(side) else "" for side in (left, right))
            lines.append(" & ".join(rf"\quad {cell}" if k and cell else cell for cell in cells))
    return rf"\begin{{cases}} {BREAK.join(lines)} \end{{cases}}{node.scripts}"


def _lines(row: tuple[Piece, ...], width: float) -> list[str]:
    ends = _ends(row, width)
    line_of = [0] * len(row)
    for number, (start, end) in enumerate(zip((0, *ends), ends, strict=False)):
        line_of[start:end] = [number] * (end - start)
    opened = {piece.fence: line_of[k] for k, piece in enumerate(row) if piece.fence > 0}
    grown = {-p.fence for k, p in enumerate(row) if p.fence < 0 and opened.get(-p.fence) != line_of[k]}
    return [_written(row[a:b], grown, a > 0) for a, b in zip((0, *ends), ends, strict=False)]


def _ends(row: tuple[Piece, ...], width: float) -> tuple[int, ...]:
    """Where each line ends, at the least cost."""
    best, origin = [0.0] + [float("inf")] * len(row), [0] * (len(row) + 1)
    for end in range(1, len(row) + 1):
        if end < len(row) and row[end].cost is None:
            continue
        used = trailing = 0.0
        for start in range(end - 1, -1, -1):
            piece = row[start]
            trailing = trailing + piece.width if piece.spare and used == 0.0 else trailing
            used += 0.0 if piece.spare and used == 0.0 else piece.width
            if start and (piece.cost is None or piece.spare):
                continue
            room = width - (INDENT + (9.0 if piece.lead else 0.0) if start else 0.0)
            over = max(0.0, used - room)
            price = best[start] + _LINE + (piece.cost or 0 if start else 0) + over * _OVERFULL
            if price < best[end]:
                best[end], origin[end] = price, start
            if over and best[end] < _OVERFULL:
                break
    ends = [len(row)]
    while ends[0]:
        ends.insert(0, origin[ends[0]])
    return tuple(ends[1:])


def _written(row: tuple[Piece, ...], grown: set[int], later: bool) -> str:
    parts, words = [row[0].lead if later else ""], ""
    last = max(k for k, piece in enumerate(row) if not piece.spare)
    for piece in row[: last + 1]:
        if piece.word:
            words += piece.text
            continue
        if words:
            parts.append(rf"\text{{{words}}}")
            words = ""
        parts.append(piece.grown if abs(piece.fence) in grown else piece.text)
    if words:
        parts.append(rf"\text{{{words}}}")
    return _joined(parts)


def _joined(parts: list[str]) -> str:
    """Commands are kept apart from the letters that follow them."""
    text = ""
    for part in parts:
        text += f" {part}" if part[:1].isalpha() and _COMMAND.search(text) else part
    return text.replace("  ", " ").replace("{} ", "{}").strip()
