"""Which contractions are stencils: what the nests of either form share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product as combinations

from symconv.loops.arith import const, mul
from symconv.loops.ir import LANES, SHIFTS, Compare, Expr, Var
from symconv.loops.scalars import integer
from symconv.packed.contraction import Axis, Contraction, Operand
from symconv.packed.frame import extent
from symconv.packed.stencil import StencilTile, Unrolled, at, constant_value, tap_range, taps_along, unrolled, vanishes

__all__ = ["Cells", "Residue", "Steps", "cells", "stencil_tiles", "steps"]

_COLUMNS = tuple(StencilTile(7, taps) for taps in (1, 3, 5, 7))
"""Seven rows, because maps of 7, 14, 28 ... are common: with a column of taps they fit 16 registers."""

_CELLS = {16: _COLUMNS, 32: (*_COLUMNS, StencilTile(7, 3, 3, whole=1))}
"""By registers: all taps of a small window beside the rows take more than 16."""

_PLACES = {16: (StencilTile(4, 1),), 32: (StencilTile(7, 1),)}
"""By registers: an extreme and its position for each row. No tap is unrolled, so that taps come by position."""

_STEPS = {
    16: (StencilTile(7, 3), StencilTile(7, 5), StencilTile(7, 7), StencilTile(4, 3, 3, whole=2)),
    32: (StencilTile(7, 3, 3), StencilTile(4, 5, 5), StencilTile(7, 7), StencilTile(7, 3, 3, whole=1)),
}
"""By registers: a sum for each unrolled tap, and the rows in work."""

_MOST_CLASSES = 4
"""Residue classes of lanes that are woven together: of more, too few rows would be in work at once."""

_BUSY = 8
"""Additions that wait for nothing keep two units busy: four cycles each."""


def stencil_tiles(found: Contraction, registers: int) -> tuple[StencilTile, ...]:
    """The tiles that are built for a machine with so many vector registers."""
    if found.lanes == "steps":
        return _STEPS[registers]
    return _PLACES[registers] if found.placed else _CELLS[registers]


@dataclass(frozen=True, slots=True)
class Residue:
    """One residue class along a loop: what its names are worth, and its first cell."""

    values: tuple[tuple[str, int], ...]
    first: int = 0


@dataclass(frozen=True)
class Cells:
    """Everything the parts of one kernel share; the residue classes of ``lanes`` are in the order of memory, those of
    ``outer`` are all combinations along the loops outside of rows."""

    found: Contraction
    tile: StencilTile
    rows: tuple[Residue, ...]
    lanes: tuple[Residue, ...]
    unrolled: Unrolled | None
    across: Unrolled | None = None
    outer: tuple[Residue, ...] = (Residue(()),)

    @property
    def apart(self) -> tuple[Cells, ...]:
        """The same with one of the classes of the outer loops each, whose values its rows have too."""
        rows = [tuple(Residue((*one.values, *r.values), r.first) for r in self.rows) for one in self.outer]
        return tuple(replace(self, rows=own, outer=(one,)) for own, one in zip(rows, self.outer, strict=True))

    @property
    def row(self) -> Axis:
        """The axis of the operand along which rows follow each other."""
        return self.found.wide[0].along(self.found.flats[-2])

    @property
    def lane(self) -> Axis:
        """The axis that has the lanes."""
        return self.found.wide[0].along(self.found.flats[-1])

    @property
    def in_work(self) -> int:
        """Rows in work at once: residue classes of lanes share the registers."""
        return max(1, self.tile.rows // len(self.lanes)) if len(self.lanes) > 1 else self.tile.rows

    @property
    def requires(self) -> tuple[Expr, ...]:
        """Comparisons of sizes, and of the lanes of a vector, that must hold."""
        return _required(self.found, self.tile, self.lane, self.unrolled, self.across)


def cells(found: Contraction, tile: StencilTile) -> Cells | None:
    """The stencil of a contraction, None where it has no such form."""
    if found.placed and tile.taps > 1:
        return None
    if found.lanes != "cells" or len(found.flats) < 2:
        return None
    rows, lanes = _residues(found, found.flats[-2]), _woven(found)
    every = combinations(*(_residues(found, loop) for loop in found.flats[:-2]))
    outer = tuple(Residue(tuple(value for one in several for value in one.values)) for several in every)
    axis = found.wide[0].along(found.flats[-2])
    taps = taps_along(found, axis)
    alone = all(sum(a.form.coefficient(tap) != 0 for a in found.wide[0].axes) == 1 for tap in found.taps)
    if lanes is None or not alone or (len(lanes) > 1 and found.here):
        return None
    if tile.taps == 1:
        return Cells(found, tile, rows, lanes, None, None, outer)
    fixed = unrolled(found, taps[0], tile.taps, [dict(r.values) for r in rows]) if len(taps) == 1 else None
    across = _across(found, tile, found.wide[0]) if tile.moves and len(lanes) == 1 else None
    if fixed is None or (tile.whole and across is None):
        return None
    return Cells(found, tile, rows, lanes, fixed, across, outer)


def _across(found: Contraction, tile: StencilTile, operand: Operand) -> Unrolled | None:
    """The taps along the lanes that a tile unrolls, None where there are none."""
    axis = operand.along(found.flats[-1])
    taps = taps_along(found, axis)
    if len(taps) != 1 or tile.across == 1:
        return None
    fixed = unrolled(found, taps[0], tile.across, [{}])
    if fixed is None or not tile.whole:
        return fixed
    if found.counted:
        return None
    moves = {constant_value(integer(axis.rest.substitute({fixed.tap: number}))) for number in fixed.values[0]}
    begins = extent(found, found.flats[-1])[0] == const(0) and axis.factor == 1
    return fixed if begins and moves <= set(SHIFTS) else None


def _required(found: Contraction, tile: StencilTile, axis: Axis, *taps: Unrolled | None) -> tuple[Expr, ...]:
    """What sizes must be: the numbers of unrolled taps, and rows of both sides that fit the vectors."""
    counts = tuple(condition for one in taps if one for condition in one.requires)
    if not tile.whole:
        return counts
    lengths = (integer(axis.length), extent(found, found.flats[-1])[1])
    return (*counts, *(Compare("<=", length, mul(const(tile.whole), Var(LANES))) for length in lengths))


def _residues(found: Contraction, loop: str) -> tuple[Residue, ...]:
    phase = found.phase(loop)
    if phase is None:
        return (Residue(()),)
    return tuple(Residue(tuple(zip(phase.names, entry, strict=True))) for entry in phase.table)


def _woven(found: Contraction) -> tuple[Residue, ...] | None:
    """The residue classes of lanes so that their first cells are the first of the target, in order."""
    loop = found.flats[-1]
    phase, form = found.phase(loop), found.solution.target[-1]
    if phase is None:
        return _residues(found, loop) if form.coefficient(loop) == 1 else None
    ordered = []
    for residue in _residues(found, loop):
        fixed = dict(residue.values)
        first = constant_value(tap_range(found, loop, fixed)[0])
        start = None if first is None else constant_value(at(form, fixed, {loop: const(first)}))
        if first is None or start is None:
            return None
        ordered.append((start, Residue(residue.values, first)))
    ordered.sort(key=lambda pair: pair[0])
    right = [start for start, _ in ordered] == list(range(phase.modulus)) and phase.modulus <= _MOST_CLASSES
    return tuple(residue for _, residue in ordered) if right else None


@dataclass(frozen=True)
class Steps:
    """Everything the parts of one kernel share; ``across`` is the unrolled tap along lanes, if there is one."""

    found: Contraction
    tile: StencilTile
    along: Unrolled
    across: Unrolled | None

    @property
    def row(self) -> Axis:
        """The axis of the moving operand along which rows follow each other."""
        return self.found.wide[1].along(self.found.flats[-2])

    @property
    def lane(self) -> Axis:
        """The axis that has the lanes."""
        return self.found.wide[1].along(self.found.flats[-1])

    @property
    def cells(self) -> tuple[tuple[int, int], ...]:
        """The numbers of an unrolled tap along rows, and of one along lanes."""
        others = self.across.values[0] if self.across else (0,)
        return tuple(combinations(range(len(self.along.values[0])), range(len(others))))

    @property
    def chains(self) -> int:
        """Accumulators of each cell: of few cells several, since each waits for its last addition."""
        return max(1, min(self.tile.rows, _BUSY // len(self.cells)))

    @property
    def alone(self) -> bool:
        """Whether a tap has masked rows to itself: lanes that it does not find are 0 in both, and so is what they
        give."""
        return vanishes(self.found) and (self.tile.across == 1 or self.tile.whole > 1)

    def taps(self, k: int, c: int) -> dict[str, int]:
        """The unrolled taps of an accumulator."""
        known = {self.along.tap: self.along.values[0][k]}
        return known | ({self.across.tap: self.across.values[0][c]} if self.across else {})

    @property
    def requires(self) -> tuple[Expr, ...]:
        """Comparisons of sizes, and of the lanes of a vector, that must hold."""
        return _required(self.found, self.tile, self.lane, self.along, self.across)


def steps(found: Contraction, tile: StencilTile) -> Steps | None:
    """The stencil of a contraction, None where it has no such form."""
    if found.lanes != "steps" or len(found.flats) < 2:
        return None
    axes = found.wide[1].axes
    rows = taps_along(found, found.wide[1].along(found.flats[-2]))
    alone = all(sum(axis.form.coefficient(tap) != 0 for axis in axes) == 1 for tap in found.taps)
    if len(rows) != 1 or not alone:
        return None
    along = unrolled(found, rows[0], tile.taps, [{}])
    across = _across(found, tile, found.wide[1])
    if along is None or (across is None and tile.across > 1):
        return None
    return Steps(found, tile, along, across)
