"""What a pad repeats: the modes of the libraries, and the border of the notation that each is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from symconv.errors import SpecError
from symconv.prove.language.syntax import Call, Node, Text

__all__ = ["BORDERS", "padding_mode"]

BORDERS: Mapping[str, str] = {
    "reflect": "reflect", "symmetric": "symmetric", "edge": "replicate", "replicate": "replicate", "wrap": "circular",
    "circular": "circular",
}  # fmt: skip
"""The modes of NumPy and torch, and the border of the notation that each is."""


def padding_mode(call: Call, named: Mapping[str, Node], error: Callable[[int, str], SpecError]) -> str | None:
    """What a pad repeats, None where it is zeros."""
    mode = named.get("mode", Text("constant"))
    if mode == Text("constant"):
        return None
    if not isinstance(mode, Text) or mode.value not in BORDERS:
        raise error(call.at, f"the mode of pad is one of constant, {', '.join(BORDERS)}")
    return BORDERS[mode.value]
