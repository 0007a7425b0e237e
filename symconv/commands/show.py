"""``symconv show``: an operator and its derivations as one HTML page, or a gradient as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from symconv.api import Gradient
from symconv.commands.files import write
from symconv.commands.outcome import RIGHT
from symconv.commands.progress import stage
from symconv.commands.request import gradient_names, requested
from symconv.errors import SpecError, shown
from symconv.notation.operator import Operator
from symconv.pipeline import derive
from symconv.views.picture import picture
from symconv.views.show import show as write_page

__all__ = ["show"]


def show(
    op: str, settings: Mapping[str, object], output: Path | None, drawn: bool, wrt: str | None, cell: str | None
) -> int:
    """Write the page or the picture, and say where it is."""
    operator = requested(op, settings)
    if not drawn and (wrt is not None or cell is not None):
        raise SpecError("--wrt and --cell belong to a picture: add --picture, or leave them out for the whole page")
    path = output if output is not None else Path("picture.svg" if drawn else "report.html")
    with stage("drawing" if drawn else "deriving"):
        if drawn:
            write(path, picture(_shown(operator, wrt), None if cell is None else _index(cell)).svg)
        else:
            write_page(operator, path)
    print(path)
    return RIGHT


def _shown(operator: Operator, wrt: str | None) -> Operator | Gradient:
    """The output where it is named, else a gradient: the first one where none is named."""
    if wrt == operator.output.name:
        return operator
    return Gradient(derive(operator, gradient_names(operator, () if wrt is None else (wrt,))[0]))


def _index(text: str) -> tuple[int, ...]:
    words = text.split(",")
    if not all(word.strip().isdecimal() for word in words):
        raise SpecError(f"a cell is an index, one number per axis, as in --cell 0,0,2,3; given {shown(text)}")
    return tuple(map(int, words))
