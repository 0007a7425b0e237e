"""Planes of tensors as grids of marked cells, and grids side by side as one SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from symconv.notation.affine import Affine
from symconv.notation.expr import reads
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.notation.shapes import bind_sizes, completed
from symconv.views.copies import seen_through
from symconv.views.dialect import text
from symconv.views.forms import form_text
from symconv.views.svg import drawing, label, on, rect
from symconv.views.terms import Cell, Term

__all__ = ["SLICES", "WIDEST", "Grid", "Mark", "Plane", "axis_names", "laid_out", "panels", "plane_of"]

_NOWHERE: Mapping[str, int] = {}
_CELL, _GAP, _MARGIN, _HEAD = 30, 3, 14, 44
_ROOM, _WHOLE = 5, 4
"""Signs that a cell has room for in small print, and in the usual size."""
_AROUND, WIDEST, SLICES, _WRITTEN = 2, 16, 4, 8
"""Cells shown around those that matter, cells in a row, slices of a third axis, terms written out."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A cell of a grid: its class (None: an empty cell), what stands in it and what hovering says."""

    number: int | None = None
    words: str = ""
    title: str = ""
    faint: bool = False
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A plane of a tensor: marks by (row, column), the rows and columns drawn, their names, and what is said of it."""

    title: str
    rows: range
    columns: range
    names: tuple[str, str]
    marks: Mapping[tuple[int, int], Mark]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plane:
    """A tensor's axes that are drawn (up to three, the last two as a plane) and the names of all."""

    tensor: Tensor
    shape: tuple[int, ...]
    drawn: tuple[int, ...]
    names: tuple[str, ...]

    def fixed(self, at: Cell) -> Cell:
        """The part of an index that a plane keeps."""
        return tuple(k for axis, k in enumerate(at) if axis not in self.drawn[-2:])

    def apart(self) -> dict[str, int]:
        """The axes that are not drawn, by name, and their lengths."""
        return {name: n for k, (name, n) in enumerate(zip(self.names, self.shape, strict=True)) if k not in self.drawn}

    def agrees(self, index: Cell, at: Mapping[str, int]) -> bool:
        """Whether an index lies in the planes at these values."""
        apart = self.apart()
        return all(at.get(name, k) == k for name, k in zip(self.names, index, strict=True) if name in apart)

    def place(self, at: Cell) -> tuple[int, int]:
        """Row and column of an index."""
        row, column = (0, *(at[axis] for axis in self.drawn[-2:]))[-2:] if self.drawn else (0, 0)
        return row, column

    def grid(self, at: Cell, marks: Mapping[tuple[int, int], Mark], notes: tuple[str, ...] = ()) -> Grid:
        """The plane through ``at``, cut to what is marked and a little around it."""
        height, width = (1, *(self.shape[axis] for axis in self.drawn[-2:]))[-2:] if self.drawn else (1, 1)
        kept = [f"{self.names[axis]}={k}" for axis, k in enumerate(at) if axis not in self.drawn[-2:]]
        title = f"{self.tensor.name}{' at ' if kept else ''}{', '.join(kept)}"
        rows = _cut(height, [i for i, _ in marks])
        columns = _cut(width, [j for _, j in marks])
        row, column = ("", *(self.names[axis] for axis in self.drawn[-2:]))[-2:] if self.drawn else ("", "")
        return Grid(title, rows, columns, (row, column), marks, notes)


def _cut(length: int, marked: list[int]) -> range:
    if length <= WIDEST or not marked:
        return range(min(length, WIDEST))
    start = max(0, min(marked) - _AROUND)
    return range(start, min(length, max(start + WIDEST, max(marked) + _AROUND + 1)))


def plane_of(op: Operator, tensor: Tensor, sizes: Mapping[str, int]) -> Plane:
    """How a tensor is drawn: its last sliding axes, or its last axes where none slides."""
    sliding = {name for w in op.windows for name in (w.size, w.kernel, w.extent)}
    axes = [k for k, axis in enumerate(tensor.axes) if any(_slides(size, sliding) for size in axis)]
    drawn = tuple(axes or range(len(tensor.axes)))[-3:]
    return Plane(tensor, tensor.shape(dict(sizes)), drawn, axis_names(op, tensor))


def _slides(size: Affine, sliding: set[str]) -> bool:
    """Whether an axis slides, or is one that does with a border around it."""
    return str(size) in sliding or (len(size.names()) == 1 and size.names() <= sliding)


def axis_names(op: Operator, tensor: Tensor) -> tuple[str, ...]:
    """What the formula calls the axes of a tensor: merged ones with a comma."""
    statement = op.statements[-1]
    forms: Iterator[str] = iter(())
    if tensor == statement.target:
        forms = iter(statement.indices)
    else:
        forms = iter([form_text(form, text()) for form in _read_at(op, tensor.name, seen_through(op))])
    return tuple(",".join(next(forms, "") for _ in axis) for axis in tensor.axes)


def _read_at(op: Operator, tensor: str, seen: Mapping[str, Statement]) -> tuple[Affine, ...]:
    """Where a tensor is read first, in the indices of who reads it; a copy is looked through."""
    for one in op.statements:
        for read in reads(one.expr):
            if read.tensor == tensor:
                outer = _read_at(op, one.target.name, seen) if one.target.name in seen else ()
                return tuple(form.substitute(dict(zip(one.indices, outer, strict=False))) for form in read.index)
    return ()


def panels(
    op: Operator,
    shapes: Mapping[str, tuple[int, ...]],
    cell: Cell,
    found: tuple[Term, ...],
    at: Mapping[str, int] = _NOWHERE,
) -> tuple[Grid, ...]:
    """The chosen cell in its plane, and the cells of each operand that feed it, numbered by term.

    Of operands with several planes, those of the first term are drawn, or those ``at`` these index values.
    """
    sizes = bind_sizes(op, completed(op, shapes))
    target = plane_of(op, op.output, sizes)
    planes = {name: plane_of(op, op.tensor(name), sizes) for term in found for name, _ in term.factors}
    first: dict[str, Cell] = {}
    for term in found:
        if all(planes[name].agrees(index, at) for name, index in term.factors):
            for name, index in term.factors:
                first.setdefault(name, index)
            break
    planes = {name: planes[name] for name in first}
    shown = [term for term in found if _together(term, planes, first)]
    grids: list[Grid] = []
    for name, plane in planes.items():
        touched: dict[Cell, dict[tuple[int, int], list[int]]] = {}
        for number, term in enumerate(shown, 1):
            for index in dict.fromkeys(index for tensor, index in term.factors if tensor == name):
                touched.setdefault(plane.fixed(index), {}).setdefault(plane.place(index), []).append(number)
        for fixed, places in list(touched.items())[:SLICES]:
            marks = {at: _numbered(numbers, shown) for at, numbers in places.items()}
            grids.append(plane.grid(_whole(plane, fixed), marks))
    head = f"{op.output.name}[{','.join(map(str, cell))}] ="
    numbered = [(term, f"   ({number})") for number, term in enumerate(shown, 1)]
    drawn_too = set(map(id, shown))
    ordered = [*numbered, *((term, "") for term in found if id(term) not in drawn_too)][:_WRITTEN]
    written = [
        f"{'  ' if k else ''}{'+ ' if k and not str(term).startswith('−') else ''}{term}{number}"
        for k, (term, number) in enumerate(ordered)
    ]
    more = (f"  and {len(found) - _WRITTEN} terms more",) if len(found) > _WRITTEN else ()
    drawn = f"{len(shown)} of {len(found)} terms" if len(found) != 1 else "its one term"
    named = (name for name in seen_through(op) if any(f"{name}[" in one for one in written))
    copies = [f"{name}: a copy that goes on past the ends of its axes" for name in named]
    notes = (f"drawn: {drawn}; equal numbers belong to one term", head,
             *(written or ["0: no term reaches it"]), *more, *copies)  # fmt: skip
    chosen = {target.place(cell): Mark(0, str(len(found)), head[:-2], strong=True)}
    return (target.grid(cell, chosen, notes), *grids)


def _together(term: Term, planes: Mapping[str, Plane], first: Mapping[str, Cell]) -> bool:
    """Whether a term reads from the planes that the first one reads from, slices of a third axis aside."""
    for name, index in term.factors:
        plane, there = planes.get(name), first.get(name)
        if plane is None or there is None:
            return False
        if any(index[axis] != there[axis] for axis in range(len(index)) if axis not in plane.drawn):
            return False
    return True


def _whole(plane: Plane, fixed: Cell) -> Cell:
    rest = iter(fixed)
    return tuple(0 if axis in plane.drawn[-2:] else next(rest) for axis in range(len(plane.shape)))


def _numbered(numbers: list[int], shown: list[Term]) -> Mark:
    """As many numbers as a cell has room for; hovering says all of them."""
    kept = len(numbers)
    while kept > 1 and len(_listed(numbers, kept)) > _ROOM:
        kept -= 1
    words = _listed(numbers, kept)
    return Mark(numbers[0] - 1, words, "; ".join(f"{k}: {shown[k - 1]}" for k in numbers))


def _listed(numbers: list[int], kept: int) -> str:
    return ",".join(map(str, numbers[:kept])) + ("…" if kept < len(numbers) else "")


def laid_out(grids: tuple[Grid, ...], title: str) -> str:
    """Grids side by side, what is said of them below."""
    parts, left, bottom = [label(_MARGIN, 16, title, "start", size=13)], float(_MARGIN), 0.0
    for grid in grids:
        drawn, wide, tall = _drawn(grid, left, 34.0)
        parts += drawn
        left, bottom = left + wide + 34, max(bottom, 34 + tall)
    width = max(left, 7.2 * len(title) + 2 * _MARGIN)
    for line in dict.fromkeys(note for grid in grids for note in grid.notes):
        bottom += 18
        parts.append(label(_MARGIN, bottom, line, "start"))
        width = max(width, 6.8 * len(line) + 2 * _MARGIN)
    return drawing(width, bottom + _MARGIN, parts, title)


def _drawn(grid: Grid, left: float, top: float) -> tuple[list[str], float, float]:
    step = _CELL + _GAP
    side = max(22.0, 6.5 * len(grid.names[0]) + 15) if grid.names[0] else 0.0
    parts = [label(left, top + 8, grid.title, "start")]
    x0, y0 = left + side, top + _HEAD
    parts += [label(x0 + k * step + _CELL / 2, y0 - 6, str(j), size=10) for k, j in enumerate(grid.columns)]
    if grid.names[1]:
        parts.append(label(x0, y0 - 20, f"{grid.names[1]} →", "start", size=11))
    for i in grid.rows:
        y = y0 + (i - grid.rows.start) * step
        if grid.names[0]:
            parts.append(label(x0 - 14, y + _CELL / 2 + 4, str(i), size=10))
        for j in grid.columns:
            x, mark = x0 + (j - grid.columns.start) * step, grid.marks.get((i, j), Mark())
            parts.append(rect(x, y, _CELL, _CELL, mark.number, mark.title, faint=mark.faint, strong=mark.strong))
            if mark.words:
                kind = "label" if mark.number is None else "label pale" if mark.faint else on(mark.number)
                size = 12 if len(mark.words) <= _WHOLE else 10
                parts.append(label(x + _CELL / 2, y + _CELL / 2 + 4, mark.words, kind=kind, size=size))
    if grid.names[0]:
        parts.append(label(left, y0 - 6, f"{grid.names[0]} ↓", "start", size=11))
    wide = max(side + len(grid.columns) * step, 7.0 * len(grid.title))
    return parts, wide, _HEAD + len(grid.rows) * step + 8
