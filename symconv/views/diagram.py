"""Pictures: which taps feed which class of cells, and how a window slides and is transposed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from symconv.gather.solution import Gather
from symconv.notation.operator import Operator, Window
from symconv.views.mirrors import border_of, mirrors
from symconv.views.names import text_symbol
from symconv.views.phases import PhaseTable, phase_tables
from symconv.views.svg import arc, circle, drawing, label, line, on, rect

__all__ = ["phase_plan", "window_pattern"]

_CELL, _GAP, _MARGIN, _HEAD = 24, 3, 8, 42
_MAX_MODULUS, _MAX_CLASSES, _USUAL_CELLS, _MAX_CELLS = 8, 16, 14, 26


@dataclass(frozen=True, slots=True)
class _Axis:
    """One strided axis with numbers for its sizes: the class of every tap and of every cell drawn."""

    table: PhaseTable
    taps: tuple[int | None, ...]
    cells: tuple[int | None, ...]

    @property
    def classes(self) -> int:
        return len(self.table.rows)


def phase_plan(gather: Gather, op: Operator) -> str:
    """The phase plan of a gradient as SVG; empty where no axis is strided or the classes are too many to draw.

    >>> import symconv as sc
    >>> op = sc.conv2d(stride=2)
    >>> phase_plan(sc.derive(op, "x").derivation.gather, op).count("<rect")
    34
    >>> phase_plan(sc.derive(sc.conv2d(), "x").derivation.gather, op)
    ''
    """
    tables = {table.target: table for table in reversed(phase_tables(gather)) if table.phase.modulus > 1}
    axes = [_axis(table, op) for table in reversed(tables.values())]
    total = 1
    for axis in axes:
        total *= axis.classes
    if not axes or total > _MAX_CLASSES or any(axis.table.phase.modulus > _MAX_MODULUS for axis in axes):
        return ""
    if len(axes) == 2:
        return _plane(axes[0], axes[1])
    return _strips(axes)


def _axis(table: PhaseTable, op: Operator) -> _Axis:
    window = next((w for w in op.windows if w.tap == table.tap), None)
    fixed = int(window.kernel) if window is not None and window.kernel.isdigit() else 0
    kernel = min(fixed or max(3, table.step_size + 1), _MAX_MODULUS + 1)
    names = table.form.names() - {table.target}
    sizes = {name: kernel if window is not None and name == window.kernel else 0 for name in names}
    number = {row.residue: k for k, row in enumerate(table.rows)}
    taps = {row.first + table.step_size * t: k for k, row in enumerate(table.rows) for t in range(kernel)}
    count = 2 * table.phase.modulus
    residues = [table.form.evaluate({**sizes, table.target: u}) % table.phase.modulus for u in range(count)]
    return _Axis(table, tuple(taps.get(k) for k in range(kernel)), tuple(number.get(r) for r in residues))


def _span(count: int) -> int:
    return count * (_CELL + _GAP) - _GAP


def _plane(rows: _Axis, columns: _Axis) -> str:
    """Kernel, sub-kernels and cells side by side."""

    def joint(a: int | None, b: int | None) -> int | None:
        return None if a is None or b is None else a * columns.classes + b

    taps = [[joint(a, b) for b in columns.taps] for a in rows.taps]
    cells = [[joint(a, b) for b in columns.cells] for a in rows.cells]
    kernel_width, cell_width = _span(len(columns.taps)), _span(len(columns.cells))
    parts, middle = _sub_kernels(rows, columns, _MARGIN + max(kernel_width, 90) + 56)
    height = _HEAD + max(_span(len(rows.taps)), _span(len(rows.cells)), middle[1]) + 2 * _MARGIN
    right = middle[0] + 56
    width = right + max(cell_width, 110) + _MARGIN
    tap_names, cell_names = (
        f"{rows.table.tap},{columns.table.tap}",
        f"{rows.table.target},{columns.table.target}",
    )
    parts += [
        label(_MARGIN, 14, f"kernel taps {tap_names}", "start"),
        label(right, 14, f"cells {cell_names}", "start"),
    ]
    parts += _grid(taps, _MARGIN, _HEAD, lambda i, j: f"tap ({i}, {j})")
    parts += _grid(cells, right, _HEAD, lambda i, j: f"cell ({i}, {j})")
    middle_line = _HEAD + _span(min(len(rows.taps), 3)) / 2 + 5
    parts += [label(at, middle_line, "→", size=20) for at in (_MARGIN + max(kernel_width, 90) + 28, middle[0] + 28)]
    return drawing(width, height, parts, f"which kernel taps feed which cells, by residue class of {cell_names}")


def _sub_kernels(rows: _Axis, columns: _Axis, left: float) -> tuple[list[str], tuple[float, float]]:
    """One small kernel per class, each under its residues; also where they end."""
    parts = [label(left, 14, "sub-kernel of each class", "start")]
    wide = max(len([t for t in columns.taps if t == b]) for b in range(columns.classes))
    tall = max(len([t for t in rows.taps if t == a]) for a in range(rows.classes))
    step_x, step_y = max(_span(wide), 62) + 22, _span(tall) + 34
    for a, b in product(range(rows.classes), range(columns.classes)):
        x, y = left + b * step_x, _HEAD + a * step_y
        number = a * columns.classes + b
        first, second = rows.table.rows[a].residue, columns.table.rows[b].residue
        parts.append(label(x, y - 5, f"r = {first}, {second}", "start", size=11))
        mine = [[number for t in columns.taps if t == b] for t in rows.taps if t == a]
        parts += _grid(mine, x, y, lambda i, j: f"t = ({i}, {j})")
        if not mine or not mine[0]:
            parts.append(label(x, y + 14, "no tap", "start", size=11))
    end = left + columns.classes * step_x - 22
    return parts, (end, rows.classes * step_y - 34)


def _grid(numbers: Sequence[Sequence[int | None]], x: float, y: float, title: Callable[[int, int], str]) -> list[str]:
    parts = []
    for i, row in enumerate(numbers):
        for j, number in enumerate(row):
            parts.append(rect(x + j * (_CELL + _GAP), y + i * (_CELL + _GAP), _CELL, _CELL, number, title(i, j)))
    return parts


def _strips(axes: Iterable[_Axis]) -> str:
    """One axis after another: taps above, cells below, joined class by class."""
    parts: list[str] = []
    top, width = 0.0, 0.0
    for axis in axes:
        wide = max(_span(len(axis.taps)), _span(len(axis.cells)))
        shift = _MARGIN + (wide - _span(len(axis.taps))) / 2
        upper, lower = top + 24, top + 24 + _CELL + 58
        cells = _MARGIN + (wide - _span(len(axis.cells))) / 2
        edges = [
            line(_centre(shift, k), upper + _CELL + 2, _centre(cells, u), lower - 2, tap)
            for (k, tap), (u, cell) in product(enumerate(axis.taps), enumerate(axis.cells))
            if tap is not None and tap == cell
        ]
        parts += [label(_MARGIN, top + 14, f"kernel taps {axis.table.tap}", "start"), *edges]
        parts += _row(axis.taps, shift, upper, "tap")
        parts += _row(axis.cells, cells, lower, "cell")
        parts.append(
            label(
                _MARGIN,
                lower + _CELL + 18,
                f"cells {text_symbol(axis.table.target)} of the gradient",
                "start",
            )
        )
        top, width = lower + _CELL + 30, max(width, wide, 170)
    return drawing(width + 2 * _MARGIN, top, parts, "which kernel taps feed which cells, by residue class")


def _centre(start: float, place: int) -> float:
    return start + place * (_CELL + _GAP) + _CELL / 2


def _row(numbers: tuple[int | None, ...], x: float, y: float, what: str) -> list[str]:
    parts = []
    for place, number in enumerate(numbers):
        parts.append(rect(x + place * (_CELL + _GAP), y, _CELL, _CELL, number, f"{what} {place}"))
        parts.append(label(_centre(x, place), y + 16, str(place), kind="label" if number is None else on(number)))
    return parts


def window_pattern(window: Window, op: Operator) -> str:
    """How one axis is slid over, coloured by tap, and next to it the transposed pattern, coloured by class of the cell.

    Where a border continues the axis, cells beyond its ends are read too, and a bow leads to the cell that is in truth.

    >>> import symconv as sc
    >>> op = sc.conv1d(stride=2, padding=1)
    >>> window_pattern(op.windows[0], op).count("<line")
    20
    """
    kernel = int(window.kernel) if window.kernel.isdigit() else 3 if window.tap else 1
    ends = _ends(window, op)
    if ends is None:
        return ""
    kind = border_of(op, ends[0 if window.transposed else 1])
    placed = next((p for p in _placings(window, kernel, kind) if p), None)
    if placed is None:
        return ""
    points, span = placed
    lo = -points[0, kernel - 1 if window.flip else 0]
    names = {"upper": ends[0], "lower": ends[1]}
    panel = (span.high - span.low) * 27 + 2 * 40
    classes = {r: n for n, r in enumerate(sorted({(t + lo) % window.stride for t in points.values()}))}
    left = _panel(points, span, 0, names, lambda _, k, __: k, lambda _: None)
    right = _panel(
        points, span, panel + 24, {key: f"g{name}" for key, name in names.items()},
        lambda _, __, t: classes[(t + lo) % window.stride], lambda t: classes.get((t + lo) % window.stride),
    )  # fmt: skip
    heads = [label(8, 14, "forward, coloured by tap", "start"),
             label(panel + 32, 14, "gradient, coloured by class of the cell", "start")]  # fmt: skip
    height = 200 if span.mirrors else 150
    return drawing(2 * panel + 24 + 30, height, [*heads, *left, *right], "the window, and its transpose")


def _placings(window: Window, kernel: int, kind: str) -> Iterator[tuple[dict[tuple[int, int], int], _Span] | None]:
    """Ways to draw a window, the best first: four outputs, more where a border needs a longer axis, less for room."""
    usual = ((4, _USUAL_CELLS), (3, _USUAL_CELLS), (2, _USUAL_CELLS), (2, _MAX_CELLS))
    for count, most in (*((n, _MAX_CELLS) for n in (range(4, 9) if kind else ())), *usual):
        lo, size = _sizes(window, kernel, count)
        reach = window.stride * (count - 1) + window.dilation * (kernel - 1) + 1
        if max(size, reach - lo) + max(lo, 0) > most or kernel > _MAX_MODULUS + 1:
            continue
        points = {
            (o, k): window.stride * o + window.dilation * (kernel - 1 - k if window.flip else k) - lo
            for o, k in product(range(count), range(kernel))
        }
        low, high = min(0, *points.values()), max(size - 1, *points.values())
        found = mirrors(kind, -low, high - size + 1, size)
        wanted = kind and most == _MAX_CELLS and count > 2 and (low < 0 or high >= size)
        yield (points, _Span(low, high, size, found)) if found or not wanted else None


def _ends(window: Window, op: Operator) -> tuple[str, str] | None:
    """The tensors the window connects, outputs first; None for a gradient, which reads both."""
    inner = next((t.name for t in op.inputs if any(str(size) == window.size for size in t.sizes)), None)
    outer = next((t.name for t in op.outputs if any(str(size) == window.extent for size in t.sizes)), None)
    if inner is None or outer is None:
        return None
    return (inner, outer) if window.transposed else (outer, inner)


def _sizes(window: Window, kernel: int, count: int) -> tuple[int, int]:
    """A low pad and an input size for the picture."""
    reach = window.stride * (count - 1) + window.dilation * (kernel - 1) + 1
    if window.lo.is_constant and window.hi.is_constant:
        return window.lo.constant, max(1, reach - window.lo.constant - window.hi.constant)
    size = window.stride * count
    return max(reach - size, 0) // 2, size


@dataclass(frozen=True, slots=True)
class _Span:
    """The positions drawn, how many of them are cells, and where those beyond the ends are read."""

    low: int
    high: int
    size: int
    mirrors: Mapping[int, int]


def _panel(
    points: Mapping[tuple[int, int], int], span: _Span, left: float, names: Mapping[str, str],
    edge: Callable[[int, int, int], int], cell: Callable[[int], int | None],
) -> list[str]:  # fmt: skip
    low, high, size = span.low, span.high, span.size
    count = max(o for o, _ in points) + 1
    start = left + 40

    def below(t: int) -> float:
        return start + (t - low) * 27

    middle, step = (below(low) + below(high)) / 2, max(27.0, (high - low) * 27 / max(count, 1))
    above = [middle + (o - (count - 1) / 2) * step for o in range(count)]
    drawn = {at: t for at, t in points.items() if 0 <= t < size or t in span.mirrors}
    parts = [line(above[o], 44, below(t), 118, edge(o, k, t)) for (o, k), t in drawn.items()]
    parts += [circle(x, 40, 6, 7) for x in above]
    for t in range(low, high + 1):
        inside = 0 <= t < size
        number = cell(t)
        parts.append(circle(below(t), 122, 6, (7 if number is None else number) if inside else None))
        parts.append(label(below(t), 143, str(t), size=10) if inside or t in span.mirrors else "")
    for (o, k), t in {t: (at, t) for at, t in drawn.items() if t in span.mirrors}.values():
        here, there = below(t), below(span.mirrors[t])
        parts.append(arc(here, there, 148, min(40.0, 10 + abs(here - there) / 4), edge(o, k, t)))
    return [
        *parts,
        label(left + 8, 44, names["upper"], "start"),
        label(left + 8, 126, names["lower"], "start"),
    ]
