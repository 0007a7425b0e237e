"""Which cells of the operands feed a chosen cell, or every cell: drawn from the terms themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from symconv.errors import SpecError
from symconv.notation.operator import Operator
from symconv.notation.shapes import bind_sizes, completed
from symconv.views.corners import check_planes, corner_of
from symconv.views.motion import animated, cells_in_turn, storyboard
from symconv.views.overview import overview
from symconv.views.panels import Grid, laid_out, panels
from symconv.views.sized import sizes_to_show
from symconv.views.svg import grounded
from symconv.views.terms import Cell, Term, resolved, terms

if TYPE_CHECKING:
    from symconv.api import Gradient

__all__ = ["Picture", "picture"]


@dataclass(frozen=True, slots=True, repr=False)
class Picture:
    """A drawn gradient: ``svg``, and what it shows: ``terms`` of a ``cell`` (none for an overview) at ``shapes``.

    ``cells`` are those of the frames, where it has some.
    """

    svg: str
    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    cell: Cell | None = None
    terms: tuple[Term, ...] = ()
    cells: tuple[Cell, ...] = ()

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> Path:
        """Write the picture to a file; raises SpecError where that is not possible."""
        from symconv.views.report import write_report

        return write_report(path, self.svg)

    def __str__(self) -> str:
        where = ", ".join(f"{name} {shape}" for name, shape in self.shapes)
        what = f"{len(self.cells)} cells in turn" if self.cells else "every cell"
        return f"picture of {what if self.cell is None else f'cell {self.cell}'} at {where}"

    def __repr__(self) -> str:
        return f"<{self}>"


def picture(
    op: Operator | Gradient,
    cell: Sequence[int] | None = None,
    *,
    frames: bool = False,
    animate: bool = False,
    at: Mapping[str, int] | None = None,
    **shapes: tuple[int, ...],
) -> Picture:
    """Draw which cells of the operands feed ``cell``; without one, all cells with a colour for each residue class.

    Parameters
    ----------
    op : a gradient, or an operator (then its output is drawn)
    cell : the index of a cell of the output, one number per axis
    frames : draw cell after cell of a plane, side by side: of the one through ``cell``, or of the first one
    animate : show these frames in turn; they rest under the pointer, and where motion is not wanted
    at : values of indices whose axes are not drawn, by the formula's name, as in ``{"f": 1}``: which planes are drawn
    shapes : input shapes by name; small ones are chosen where none are given

    The picture is an SVG that needs no font and no network. A plane of each tensor is drawn, over its two last sliding
    axes (its two last axes where none slides); a third such axis is drawn as slices, one alone as a strip. Equal
    numbers in two operands stand for one term.
    Raises SpecError for a cell outside the output, for shapes that do not fit, and for a plane that there is not.

    >>> import symconv as sc
    >>> g = sc.derive(sc.conv2d(stride=2, padding=1), "x")
    >>> shown = sc.picture(g, cell=(0, 0, 2, 3))
    >>> shown.svg.startswith("<svg"), len(shown.terms)
    (True, 4)
    """
    operator = resolved(op)
    at = {} if at is None else at
    corner = tuple(cell) if cell is not None else corner_of(operator, at)
    if not shapes:
        shapes = sizes_to_show(operator, corner)
    check_planes(operator, shapes, at, None if cell is None else corner)
    title = f"{operator.name}: {operator.output.name}"
    if frames or animate:
        if frames and animate:
            raise SpecError("frames=True draws all cells side by side, animate=True in turn: give one of them")
        return _in_turn(op, operator, corner, animate, at, shapes)
    if cell is None:
        return Picture(grounded(laid_out(overview(operator, shapes, at), title)), tuple(shapes.items()))
    found = terms(op, cell, **shapes)
    place = tuple(map(int, cell))
    return Picture(grounded(_of_cell(operator, place, found, at, shapes)), tuple(shapes.items()), place, found)


def _of_cell(
    operator: Operator, place: Cell, found: tuple[Term, ...], at: Mapping[str, int], shapes: dict[str, tuple[int, ...]]
) -> str:
    grids: tuple[Grid, ...] = panels(operator, shapes, place, found, at)
    count = f"{len(found)} term{'' if len(found) == 1 else 's'}"
    named = f"{operator.name}: {operator.output.name}[{','.join(map(str, place))}] is the sum of {count}"
    return laid_out(grids, named)


def _in_turn(
    op: Operator | Gradient,
    operator: Operator,
    corner: Cell,
    moving: bool,
    at: Mapping[str, int],
    shapes: dict[str, tuple[int, ...]],
) -> Picture:
    terms(op, corner, **shapes)
    shape = operator.output.shape(dict(bind_sizes(operator, completed(operator, shapes))))
    cells = cells_in_turn(operator, shape, corner)
    pictures = tuple(_of_cell(operator, one, terms(op, one, **shapes), at, shapes) for one in cells)
    title = f"{operator.name}: the terms of {operator.output.name}, cell by cell"
    drawn = animated(pictures, title) if moving else storyboard(pictures, title)
    return Picture(grounded(drawn), tuple(shapes.items()), cells=cells)
