"""``symconv list``: the operators that come with symconv."""

from __future__ import annotations

from itertools import groupby

from symconv.commands.answer import answer
from symconv.commands.help import tensors
from symconv.commands.operators import example, made, taken
from symconv.commands.outcome import RIGHT
from symconv.commands.terminal import say
from symconv.ops.registry import Entry, catalogue

__all__ = ["listing"]


def listing(form: str = "text") -> int:
    """Family by family: the names, what it is, and the formula."""
    if form == "json":
        return answer("list", RIGHT, {"operators": [_data(name, entry) for name, entry in catalogue().items()]})

    def family(item: tuple[str, str, str]) -> tuple[str, str]:
        return item[1].partition("-D ")[2] or item[1], item[2]

    rows = [(name, entry.line, entry.formula) for name, entry in catalogue().items()]
    for (about, source), members in groupby(rows, family):
        say(f"{'  '.join(name for name, _, _ in members)}\n    {about}\n    {source}")
    return RIGHT


def _data(name: str, entry: Entry) -> dict[str, object]:
    found = made(name)
    return {
        "name": name, "line": entry.line, "family_formula": entry.formula, "options": list(taken(name) or ()),
        "formula": found.source if found else "", "example": f"symconv run {example(name)}",
        "tensors": dict(tensors(name, found)) if found else {},
    }  # fmt: skip
