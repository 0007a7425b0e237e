"""``symconv show``: an operator and its derivations as one HTML page or a handout, or a gradient as a picture."""

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
from symconv.views.typeset.written import PAPER, write_handout

__all__ = ["show"]

_PAGE, _PICTURE = (".html", ".htm", ".xhtml"), (".svg",)
_SUITED = {True: ("", *_PICTURE), False: ("", *_PAGE, *PAPER)}
"""How files are called, by whether they are a picture; a device has no such name."""


def show(
    op: str,
    settings: Mapping[str, object],
    output: Path | None,
    drawn: bool,
    wrt: str | None,
    cell: str | None,
    at: tuple[str, ...] = (),
    motion: tuple[bool, bool] = (False, False),
) -> int:
    """Write the page, the handout or the picture, and say where it is; ``motion``: frames, or an animation of them."""
    path = output if output is not None else Path("picture.svg" if drawn else "report.html")
    paper = not drawn and path.suffix.lower() in PAPER
    if not drawn and (cell is not None or at or any(motion) or (wrt is not None and not paper)):
        raise SpecError(
            "--wrt, --cell, --at, --frames and --animate belong to a picture: add --picture, or leave them out for the "
            "whole page; --wrt also chooses the gradient of a handout, -o handout.pdf or handout.tex"
        )
    if path.suffix.lower() not in _SUITED[drawn]:
        raise SpecError(_unsuited(path, drawn))
    operator = requested(op, settings)
    with stage("drawing" if drawn else "deriving"):
        if drawn:
            frames, animate = motion
            place = None if cell is None else _index(cell)
            planes = dict(map(_plane, at))
            write(path, picture(_shown(operator, wrt), place, frames=frames, animate=animate, at=planes).svg)
        elif paper:
            write_handout(path, operator, wrt=None if wrt is None else gradient_names(operator, (wrt,))[0])
        else:
            write_page(operator, path)
    print(path)
    return RIGHT


def _unsuited(path: Path, drawn: bool) -> str:
    given = f"{shown(path.name)} is called"
    if drawn:
        rest = "; leave out --picture for a page or a handout" if path.suffix.lower() in (*_PAGE, *PAPER) else ""
        return f"a picture is SVG, -o x.svg; {given} {path.suffix}{rest}"
    rest = "; add --picture for a picture" if path.suffix.lower() in _PICTURE else ""
    return f"a page is HTML, -o x.html, and a handout x.pdf or x.tex; {given} {path.suffix}{rest}"


def _shown(operator: Operator, wrt: str | None) -> Operator | Gradient:
    """The output where it is named, else a gradient: the first one where none is named."""
    if wrt in {one.name for one in operator.outputs}:
        return operator.only(str(wrt))
    return Gradient(derive(operator, gradient_names(operator, () if wrt is None else (wrt,))[0]))


def _index(text: str) -> tuple[int, ...]:
    words = text.split(",")
    if not all(word.strip().isdecimal() for word in words):
        raise SpecError(f"a cell is an index, one number per axis, as in --cell 0,0,2,3; given {shown(text)}")
    return tuple(map(int, words))


def _plane(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    if not name.strip() or not value.strip().isdecimal():
        raise SpecError(f"--at names an index and its value, as in --at f=1; given {shown(text)}")
    return name.strip(), int(value)
