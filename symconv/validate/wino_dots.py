"""Sums over tiles of positions at every point, as the direct sums that they are: Winograd in the dot form.

Such a kernel deals boxes to chunks, transforms both operands of a box in flat rows of one pitch (``wino_planes``), and
for every point adds up products over all positions of the rows, in lanes: those of no cell are products with 0. Chunks
partition the boxes (``relation.lemmas.CHUNKS``), blocks of rows the rows, and blocks of tiles the tiles (``STRIPS``);
sums of all chunks are added up and transformed to taps (``wino_taps``). A tap is a sum over points of products of sums
of elements, so that, as in ``wino``, the products of two elements may be counted (``wino_linear``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import prod

from symconv.loops.arith import add, const, total
from symconv.loops.ir import (
    Binary,
    Const,
    Declare,
    Expr,
    For,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Nest,
    ReduceLanes,
    Scalar,
    Stmt,
    Store,
    Update,
    Var,
)
from symconv.loops.traverse import substitute, walk
from symconv.relation.lemmas import CHUNKS, ROWS, STRIPS, prove
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import alike
from symconv.validate.rolled import with_constants
from symconv.validate.scoping import told_apart
from symconv.validate.wino_boxes import Boxes
from symconv.validate.wino_direct import element_of, family_of_tests, free, in_loops, numbered_names, together, where
from symconv.validate.wino_dot_boxes import Dealt, Parts
from symconv.validate.wino_factors import ROW
from symconv.validate.wino_linear import Point, correlation
from symconv.validate.wino_outputs import Output
from symconv.validate.wino_planes import Planes
from symconv.validate.wino_reading import factors_of, family
from symconv.validate.wino_taps import Taps, added, cleared, taps

__all__ = ["in_dots_at_points"]

_OWN = ("S_", "MB_", "NB_")
"""The numbers of a plan beside those of boxes: of chunks, and of rows and columns at once."""


def in_dots_at_points(kernel: Kernel) -> Kernel | None:
    """A kernel of sums over transformed tiles of positions as one of direct sums; None where it is another.

    Raises UnclearError where something looks like such a kernel and is not as it should be.
    """
    match [nest.body for nest in kernel.nests]:
        case [_, _, (*_, For() as boxes), _, last] if _reduces(boxes) and _in_lanes(last):
            pass
        case _:
            return None
    for lemma in (CHUNKS, ROWS, STRIPS):
        prove(lemma)
    return _Stages.of(with_constants(replace(kernel, nests=tuple(map(told_apart, kernel.nests))))).plain()


def _reduces(boxes: For) -> bool:
    return any(isinstance(node, Store) and isinstance(node.value, ReduceLanes) for node in walk(boxes))


def _in_lanes(body: Sequence[Stmt]) -> bool:
    return any(isinstance(node, LoadLanes) for statement in body for node in walk(statement))


@dataclass(frozen=True, slots=True)
class _Stages:
    """What each stage of a kernel holds."""

    kernel: Kernel
    boxes: Boxes
    main: Dealt
    columns: tuple[str, ...]
    counts: tuple[Expr, ...]
    still: Planes
    moved: Planes
    taps: Taps

    @staticmethod
    def of(kernel: Kernel) -> _Stages:
        """Read stage by stage; raises UnclearError where one does not hold what the next one takes."""
        layout = {size.name: size.value for size in kernel.layout}
        counts = factors_of(layout.get("N_", const(1)))
        main = Dealt.of(kernel, kernel.nests[2])
        lets = [one for one in main.box.body if isinstance(one, Let)]
        match [one for one in main.box.body if not isinstance(one, Let)]:
            case [For() as rows, For() as columns, For() as tiles]:
                pass
            case _:
                raise UnclearError("a box is not transformed and summed up")
        if kernel.parameters[-len(_OWN) :] != _OWN:
            raise UnclearError("a plan has other numbers than those of boxes, chunks, rows and columns")
        cut = replace(kernel, parameters=kernel.parameters[: -len(_OWN)])
        boxes, rest = Boxes.of(cut, Nest(main.box.var, layout.get("BX_", const(0)), tuple(lets)))
        if rest or boxes.groups:
            raise UnclearError("a box is not transformed and summed up")
        read = Parts(kernel, boxes, main, counts)
        tile, table, sums = read.tiles(tiles)
        still = read.rows(rows, tile)
        names, moved = read.columns(columns)
        read.table(kernel.nests[0], table, moved.windows.buffer, sums.columns)
        if (still.windows.buffer, moved.windows.buffer) != (tile.still.buffer, tile.moved.buffer):
            raise UnclearError("tiles multiply something else than what is transformed")
        if {still.points, moved.points} != {sums.points} or not alike(total(main.lengths), layout.get("G_", const(0))):
            raise UnclearError("there are other points or groups than sums")
        cleared(sums, kernel.nests[1])
        added(sums, kernel.nests[3])
        return _Stages(
            kernel, boxes, main, names, counts, still, moved, taps(sums, kernel.nests[4], main.lengths, counts)
        )

    def plain(self) -> Kernel:
        """The direct sums."""
        points = [len(matrix) for matrix in self.moved.windows.matrices]
        tiles, outs = self.still.lengths, self.taps.outputs
        if [len(matrix) for matrix in self.still.windows.matrices] != points:
            raise UnclearError("rows and columns have different points")
        lengths = tuple(n - m + 1 for n, m in zip(points, tiles, strict=True))
        if min(lengths) < 1 or prod(lengths) != len(outs):
            raise UnclearError("taps, tiles and points are no transform of a correlation")
        given = dict(zip(product(*map(range, lengths)), outs, strict=True))
        forms = {at: one.form for at, one in given.items()}
        scale = correlation(forms, together(self.still.windows.matrices), together(self.moved.windows.matrices), tiles)
        return self._kernel(given, scale, lengths, tiles)

    def _kernel(self, given: dict[Point, Output], scale: Fraction, lengths: Point, tiles: Point) -> Kernel:
        """Nests that read every element of windows, and one that sums up products."""
        layout = {size.name: size.value for size in self.kernel.layout}
        taken, every = numbered_names("tap", lengths), numbered_names("element", lengths)
        inner = numbered_names("inner", lengths)
        left, left_tests = self._element(self.still, inner)
        right, right_tests = self._element(self.moved, every)
        chosen: dict[str, Expr] = {e: add(Var(t), Var(i)) for e, t, i in zip(every, taken, inner, strict=True)}
        axes = range(len(self.taps.outputs[0].index))
        index = [family({p: o.index[k] for p, o in given.items()}, taken) for k in axes]
        kept = family_of_tests({p: o.tests for p, o in given.items()}, taken)
        own = map(Var, (*self.main.groups, *self.columns))
        known: dict[str, Expr] = dict(zip((*self.taps.groups, *self.taps.columns), own, strict=True))
        term: Expr = Binary("*", left, substitute(right, chosen))
        term = term if scale == 1 else Binary("*", Const(scale, True), term)
        tests = (*left_tests, *(substitute(one, chosen) for one in right_tests))
        groups = list(zip(self.main.groups, self.main.lengths, strict=True))
        columns = list(zip(self.columns, self.counts, strict=True))
        row, cells = (ROW, layout["M_"]), self.boxes.cells()
        ranges = [list(zip(names, map(const, many), strict=True)) for names, many in ((taken, lengths), (inner, tiles))]
        wide = list(zip(every, (const(n + m - 1) for n, m in zip(lengths, tiles, strict=True)), strict=True))
        stored = (
            Declare("sum_", Const(Fraction(0), True), Scalar()),
            *in_loops([*cells, *ranges[1]], where(tests, (Update("sum_", "+", term),))),
            Store(self.taps.target, tuple(substitute(one, known) for one in index), Var("sum_")),
        )
        summed = in_loops([*columns, *ranges[0]], where([substitute(one, known) for one in kept], stored))
        reads = (
            *in_loops([row, *ranges[1]], where(left_tests, (Declare("row_", left, Scalar()),))),
            *in_loops([*columns, *wide], where(right_tests, (Declare("column_", right, Scalar()),))),
        )
        nests = (
            Nest(cells[0][0], cells[0][1], in_loops([*groups, *cells[1:]], reads)),
            Nest(*row, in_loops(groups, summed)),
        )
        buffers = tuple(b for b in self.kernel.buffers if b.role in {"in", "out"})
        if self.kernel.buffer(self.taps.target).role != "out":
            raise UnclearError(f"taps are stored in {self.taps.target}")
        made = replace(self.kernel, buffers=buffers, layout=(), nests=nests)
        if names := free(made):
            raise UnclearError(f"what is computed depends on {', '.join(sorted(names))}")
        return made

    def _element(self, planes: Planes, names: Sequence[str]) -> tuple[Load, tuple[Expr, ...]]:
        load, tests = element_of(self.boxes, planes.windows, planes.kernel, names)
        return substitute(load, planes.ends), tuple(substitute(one, planes.ends) for one in tests)
