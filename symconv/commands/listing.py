"""``symconv list``: the operators that come with symconv."""

from __future__ import annotations

from symconv.commands.outcome import RIGHT
from symconv.ops.registry import catalogue

__all__ = ["listing"]


def listing() -> int:
    """One line each: the name, what it is, the formula."""
    rows = [(name, entry.line, entry.formula) for name, entry in catalogue().items()]
    names, abouts = (max(len(row[k]) for row in rows) for k in (0, 1))
    for name, about, source in rows:
        print(f"{name:<{names}}  {about:<{abouts}}  {source}")
    return RIGHT
