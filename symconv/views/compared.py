"""Planes of a gradient as grids: what each cell sums as claimed and in truth, told apart by sign, hatch and colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from symconv.prove.decide.evidence import Pattern
from symconv.views.differences import Difference
from symconv.views.svg import drawing, label, mark, rect

__all__ = ["difference_svgs", "excess", "pattern_svgs"]

Cell = tuple[int, int]
_SIZE, _LEFT, _TOP = 40, 22.0, 44.0
EXTRA, MISSING = "extra", "missing"


def excess(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """The products of ``one`` that ``other`` has not.

    >>> excess(("a", "b"), ("b", "c"))
    ('a',)
    """
    return tuple((Counter(one) - Counter(other)).elements())


def pattern_svgs(found: Pattern) -> tuple[str, str]:
    """What is claimed and what is true: a cell says how many products it sums, and how many of them are its own.

    The claimed side marks products that are extra with ``+``, the true one those that the claim misses with ``-``.
    """
    sides = (("claimed", found.got, found.want, EXTRA), ("true", found.want, found.got, MISSING))
    return tuple(_counts(found, *side) for side in sides)  # type: ignore[return-value]


def _counts(
    found: Pattern, title: str, own: Mapping[Cell, tuple[str, ...]], other: Mapping[Cell, tuple[str, ...]], kind: str
) -> str:
    rows, columns = found.want_shape
    parts = [*_frame(f"{found.side}, {title}", rows, columns, _SIZE)]
    for (i, j), terms in own.items():
        x, y = _LEFT + j * _SIZE, _TOP + i * _SIZE
        odd = excess(terms, other.get((i, j), ()))
        where = ",".join(map(str, (*found.leading, i, j)))
        parts.append(rect(x, y, _SIZE - 2, _SIZE - 2, None, f"{found.side}[{where}] {title}: {_sum(terms)}"))
        if odd:
            parts.append(mark(x, y, _SIZE - 2, _SIZE - 2, kind))
            parts.append(label(x + _SIZE / 2 - 1, y + 15, str(len(terms)), kind="number"))
            sign = f"+{len(odd)}" if kind == EXTRA else f"−{len(odd)}"
            parts.append(label(x + _SIZE / 2 - 1, y + 32, sign, kind=f"sign {kind}"))
        else:
            parts.append(label(x + _SIZE / 2 - 1, y + _SIZE / 2 + 4, str(len(terms)), kind="number"))
    width, height = _LEFT + columns * _SIZE + 6, _TOP + rows * _SIZE + 6
    return drawing(max(width, 130.0), height, parts, f"{found.side} {title}, at {found.where}")


def _sum(terms: tuple[str, ...]) -> str:
    said = (term.replace("-", "−") for term in terms)
    return " + ".join(f"({term})" if term.startswith("−") else term for term in said) or "0"


def _frame(title: str, rows: int, columns: int, size: float) -> Iterator[str]:
    yield label(_LEFT, 16, title, "start")
    for j in range(columns):
        yield label(_LEFT + j * size + size / 2 - 1, _TOP - 6, str(j), size=10)
    for i in range(rows):
        yield label(_LEFT - 6, _TOP + i * _SIZE + _SIZE / 2 + 3, str(i), "end", size=10)


def difference_svgs(found: Difference) -> tuple[str, str]:
    """Both sides in numbers; a number that differs is marked, and so is a cell that only one side has."""
    wide = max((len(text) for cells in (found.got, found.want) for text in cells.values()), default=1)
    sides = (("claimed", found.got_shape, found.got, EXTRA), ("true", found.want_shape, found.want, MISSING))
    return tuple(_numbers(found, *side, max(_SIZE, 8 * (wide + 1) + 8)) for side in sides)  # type: ignore[return-value]


def _numbers(
    found: Difference, title: str, shape: tuple[int, int], cells: Mapping[Cell, str], kind: str, size: int
) -> str:
    parts = [*_frame(f"{found.side}, {title}", *shape, size)]
    for (i, j), text in cells.items():
        wrong = (i, j) in found.wrong
        x, y = _LEFT + j * size, _TOP + i * _SIZE
        index = ",".join(map(str, (*found.leading, i, j)))
        parts.append(rect(x, y, size - 2, _SIZE - 2, None, f"{found.side}[{index}] {title}: {text}"))
        if wrong:
            parts.append(mark(x, y, size - 2, _SIZE - 2, kind))
        words = f"{text}{'!' if wrong else ''}"
        parts.append(label(x + size / 2 - 1, y + _SIZE / 2 + 4, words, kind=f"number {kind}" if wrong else "number"))
    width, height = _LEFT + shape[1] * size + 6, _TOP + shape[0] * _SIZE + 6
    return drawing(max(width, 130.0), height, parts, f"{found.side} {title}, at {found.where}")
