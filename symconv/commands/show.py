"""``symconv show``: an operator and its derivations as one HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from symconv.commands.outcome import RIGHT
from symconv.commands.progress import stage
from symconv.commands.request import requested
from symconv.views.show import show as write_page

__all__ = ["show"]


def show(op: str, settings: Mapping[str, object], output: Path) -> int:
    """Write the page and say where it is."""
    operator = requested(op, settings)
    with stage("deriving"):
        write_page(operator, output)
    print(output)
    return RIGHT
