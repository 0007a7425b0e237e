"""``symconv list``: the operators that come with symconv."""

from __future__ import annotations

from itertools import groupby

from symconv.commands.outcome import RIGHT
from symconv.ops.registry import catalogue

__all__ = ["listing"]


def listing() -> int:
    """Family by family: the names, what it is, and the formula."""

    def family(item: tuple[str, str, str]) -> tuple[str, str]:
        return item[1].partition("-D ")[2] or item[1], item[2]

    rows = [(name, entry.line, entry.formula) for name, entry in catalogue().items()]
    for (about, source), members in groupby(rows, family):
        print(f"{'  '.join(name for name, _, _ in members)}\n    {about}\n    {source}")
    return RIGHT
