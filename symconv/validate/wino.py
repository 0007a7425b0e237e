"""Sums over transformed points, as the direct sums that they are: one over cells, planes, outputs and taps.

Winograd's method computes ``y = Aᵀ Σ (G g)⊙(Bᵀ d)``. What a kernel does is read stage by stage, each shown to hold what
the next one takes from it: factors (``wino_factors``), windows (``wino_windows``), sums (``wino_sums``), outputs
(``wino_outputs``), box by box (``wino_boxes``). Every stage is linear, with exact constants, so that the products of a
tap and an element may be counted: they are one constant for those of a correlation, and cancel for all others
(``wino_linear``). What is left has loops in place of blocks of lanes, boxes and slabs, and no memory but the operands
and the target. It adds the same numbers up, in another order; that this is what was derived is proved of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from symconv.loops.arith import add, const
from symconv.loops.ir import (
    Binary,
    Compare,
    Const,
    Declare,
    Expr,
    If,
    Kernel,
    Let,
    Load,
    Nest,
    Scalar,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import substitute, walk
from symconv.relation.lemmas import ROWS, STRIPS, prove
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import alike
from symconv.validate.rolled import with_constants
from symconv.validate.scoping import told_apart
from symconv.validate.wino_boxes import Boxes
from symconv.validate.wino_direct import element_of, family_of_tests, free, in_loops, numbered_names, together, where
from symconv.validate.wino_factors import ROW, Factors, Tap, factors
from symconv.validate.wino_linear import Point, correlation
from symconv.validate.wino_outputs import Output, Outputs, outputs
from symconv.validate.wino_reading import factors_of, family, numbered
from symconv.validate.wino_sums import Slab, Sums, table
from symconv.validate.wino_windows import Windows, windows

__all__ = ["in_points"]


def in_points(kernel: Kernel) -> Kernel | None:
    """A kernel of sums over transformed points as one of direct sums; None where it is another.

    Raises UnclearError where something looks like such a kernel and is not as it should be.
    """
    if len(kernel.nests) != 3 or not _transforms(kernel.nests[1]):
        return None
    for lemma in (ROWS, STRIPS):
        prove(lemma)
    return _Stages.of(with_constants(replace(kernel, nests=tuple(map(told_apart, kernel.nests))))).plain()


def _transforms(nest: Nest) -> bool:
    """Whether a nest computes with numbers in lanes: nests that only pack do not."""
    made = [node.value for node in walk(nest) if isinstance(node, Declare)]
    stores = any(isinstance(node, StoreLanes) for node in walk(nest))
    return stores and any(isinstance(value, Binary) for value in made)


@dataclass(frozen=True, slots=True)
class _Stages:
    """What each stage of a kernel holds."""

    kernel: Kernel
    boxes: Boxes
    planes: tuple[str, ...]
    counts: tuple[Expr, ...]
    factors: Factors
    windows: Windows
    outputs: Outputs

    @staticmethod
    def of(kernel: Kernel) -> _Stages:
        """Read stage by stage; raises UnclearError where one does not hold what the next one takes."""
        layout = {size.name: size.value for size in kernel.layout}
        counts = factors_of(layout.get("P_", const(1)))
        name, laid = table(kernel, kernel.nests[0])
        narrow = factors(kernel, kernel.nests[1], counts)
        boxes, body = Boxes.of(kernel, kernel.nests[2])
        if len(body) != 2:
            raise UnclearError("a box does more than its sums and its outputs")
        slab = Slab.of(kernel, body[0])
        match slab.planes.body:
            case (Let(position, at), *rest) if alike(at, add(Var(slab.first), Var(slab.planes.var))):
                digits, made = numbered(rest, Var(position), counts)
            case _:
                raise UnclearError("planes of windows are not told by their numbers")
        wide = windows(kernel, boxes, made, slab.planes.var)
        if kernel.buffer(laid).axes != kernel.buffer(wide.buffer).axes:
            raise UnclearError(f"{name} is not for {wide.buffer}")
        if len(narrow.lengths) != len(boxes.lengths) or not all(map(alike, narrow.lengths, boxes.lengths)):
            raise UnclearError("groups of factors are others than those of sums")
        sums = Sums(kernel, boxes, name, wide.buffer, slab, narrow).buffer()
        return _Stages(kernel, boxes, digits, counts, narrow, wide, outputs(kernel, boxes, body[1], sums))

    def plain(self) -> Kernel:
        """The direct sums."""
        many = [len(matrix) for matrix in self.windows.matrices]
        rows = self.outputs.rows
        lengths = (len(rows), len(rows[0]))[-len(many) :]
        taps = [points - length + 1 for points, length in zip(many, lengths, strict=True)]
        if (len(many) == 1 and len(rows) != 1) or prod(taps) != len(self.factors.taps) or min(taps) < 1:
            raise UnclearError("outputs, taps and points are no transform of a correlation")
        given = dict(zip(product(*map(range, lengths)), (one for row in rows for one in row), strict=True))
        numbers = list(product(*map(range, taps)))
        narrow = [{numbers[at]: times for (at,), times in form.items()} for form in self.factors.matrix]
        scale = correlation({at: one.form for at, one in given.items()}, narrow, together(self.windows.matrices), taps)
        return _Direct(self, scale, tuple(lengths), tuple(taps)).kernel(
            given, dict(zip(numbers, self.factors.taps, strict=True))
        )


@dataclass(frozen=True, slots=True)
class _Direct:
    """The direct sums of stages; ``lengths`` are the numbers of outputs of a cell, ``taps`` those of taps."""

    stages: _Stages
    scale: Fraction
    lengths: Point
    taps: Point

    def kernel(self, given: Mapping[Point, Output], taps: Mapping[Point, Tap]) -> Kernel:
        """One nest that reads every factor, and one that reads every element of windows and sums up products."""
        it, outs = self.stages, self.stages.outputs
        layout = {size.name: size.value for size in it.kernel.layout}
        load, tests = self._factor(taps)
        named = numbered_names("output", self.lengths)
        index = tuple(
            self._settled(family({at: o.index[k] for at, o in given.items()}, named), outs.at)
            for k in range(len(given[(0,) * len(named)].index))
        )
        kept = tuple(
            self._settled(test, outs.at) for test in family_of_tests({at: o.tests for at, o in given.items()}, named)
        )
        groups = list(zip(it.boxes.groups, it.boxes.lengths, strict=True))
        planes = list(zip(it.planes, it.counts, strict=True))
        across = list(zip(numbered_names("tap", self.taps), map(const, self.taps), strict=True))
        row = (outs.row, layout["M_"])
        empty = tuple(If(Compare(">=", count, const(1)), ()) for count in it.counts)
        reads = in_loops([*groups, *planes, *across], where(tests, (Declare("factor_", load, Scalar()),)))
        every, chosen = numbered_names("element", self.taps), {}
        elements = [(name, const(n + m - 1)) for name, n, m in zip(every, self.taps, self.lengths, strict=True)]
        chosen = {e: add(Var(o), Var(t)) for e, o, (t, _) in zip(every, named, across, strict=True)}
        window, there = element_of(it.boxes, it.windows, it.kernel, every)
        term = Binary("*", load, substitute(window, chosen))
        term = term if self.scale == 1 else Binary("*", Const(self.scale, True), term)
        summed = where((*tests, *(substitute(one, chosen) for one in there)), (Update("sum_", "+", term),))
        stored = (
            Declare("sum_", Const(Fraction(0), True), Scalar()),
            *in_loops([*planes, *across], summed),
            Store(outs.target, index, Var("sum_")),
        )
        cells = it.boxes.cells()
        ends = list(zip(named, map(const, self.lengths), strict=True))
        touched = in_loops([*planes, *elements], where(there, (Declare("element_", window, Scalar()),)))
        body = (*touched, *in_loops([row, *ends], where(kept, stored)))
        nests = (
            Nest(row[0], row[1], (*empty, *reads)),
            Nest(cells[0][0], cells[0][1], in_loops([*groups, *cells[1:]], body)),
        )
        buffers = tuple(b for b in it.kernel.buffers if b.role in {"in", "out"})
        if it.kernel.buffer(outs.target).role != "out":
            raise UnclearError(f"outputs are stored in {outs.target}")
        made = replace(it.kernel, buffers=buffers, layout=(), nests=nests)
        if names := free(made):
            raise UnclearError(f"what is computed depends on {', '.join(sorted(names))}")
        return made

    def _factor(self, taps: Mapping[Point, Tap]) -> tuple[Load, tuple[Expr, ...]]:
        """The element of the narrow operand of a tap, and its tests."""
        it, names = self.stages, numbered_names("tap", self.taps)
        known: dict[str, Expr] = {ROW: Var(it.outputs.row)}
        known |= dict(zip(it.factors.groups, map(Var, it.boxes.groups), strict=True))
        known |= dict(zip(it.factors.planes, map(Var, it.planes), strict=True))
        first = taps[(0,) * len(names)].load
        if any(tap.load.buffer != first.buffer for tap in taps.values()):
            raise UnclearError("taps are of several operands")
        index = [family({at: tap.load.index[k] for at, tap in taps.items()}, names) for k in range(len(first.index))]
        tests = family_of_tests({at: tap.tests for at, tap in taps.items()}, names)
        return substitute(Load(first.buffer, tuple(index)), known), tuple(substitute(one, known) for one in tests)

    def _settled(self, expr: Any, at: Sequence[str]) -> Any:
        """An expression by places instead of coordinates in a box; raises UnclearError where it depends on boxes."""
        return self.stages.boxes.placed(expr, at) if at else expr
