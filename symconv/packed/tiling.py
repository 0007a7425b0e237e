"""A contraction in tiles along the axes of a Winograd form: what is packed, and what is left for each point.

A kernel of any length is cut into blocks of as many taps as the transform has; zeros fill the last one. A block is one
more plane: ``Σ_tap = Σ_block Σ_k``, and its windows start ``r`` taps further on. Where taps are ``d`` cells apart, the
cells fall into ``d`` classes that know nothing of each other. Class ``φ`` of tile ``t`` is packed element ``d·t + φ``,
so that neighbours stay neighbours, and windows lie ``d`` elements apart instead of one.

Where cells are ``s`` taps apart, taps fall into ``s`` residue classes, each of which is a plane as well: ``Σ_tap = Σ_ρ
Σ_block Σ_k``, and windows of class ``ρ`` hold every ``s``-th element of the data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from math import prod

from symconv.algorithms.winograd import WinogradAxis, WinogradForm
from symconv.loops.arith import add, const, floordiv, mul, sub
from symconv.loops.ir import TURNS, Compare, Expr, Var
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint, nonnegative
from symconv.packed.bilinear import Point
from symconv.packed.contraction import Axis, Contraction, Operand
from symconv.packed.frame import Frame, Strip, extent, frame, quotient

__all__ = ["Tiled", "number_of", "tap_classes", "tiled", "turned"]


@dataclass(frozen=True)
class Tiled:
    """A contraction whose transformed loops count tiles, with the frame of transformed windows.

    ``split`` is the packed operand before its windows are transformed, ``still`` what of the contraction is left for
    each point: a transformed tap is gone, the loop over its blocks has its place.
    ``dealt`` says whether vectors hold the classes of several tiles; else their lanes are classes of one.
    """

    found: Contraction
    form: WinogradForm
    still: Contraction
    split: Operand
    windows: Frame
    dealt: bool

    @property
    def products(self) -> int:
        """How many points there are."""
        return prod(axis.transform.n for axis in self.form.axes)

    @property
    def has_reach(self) -> bool:
        """Whether taps are left that move along a flat loop."""
        return bool(self.still.taps)

    def axis(self, loop: str) -> WinogradAxis | None:
        """The transformed axis of a loop."""
        return {axis.moving: axis for axis in self.form.axes}.get(loop)

    def unit(self, loop: str) -> int:
        """From one element of a window to the next in the data."""
        axis = self.axis(loop)
        return 1 if axis is None else axis.unit

    def tap(self, axis: WinogradAxis, row: int) -> Expr:
        """The tap of a row of the block at hand; one that there is not belongs to the last block's zeros."""
        block = mul(const(axis.stride * axis.transform.r), Var(block_of(axis.tap)))
        tap = add(block, const(axis.stride * axis.taps()[row]))
        return add(tap, Var(residue_of(axis.tap))) if axis.stride > 1 else tap

    def known(self, axis: WinogradAxis, row: int) -> Compare:
        """Whether there is such a tap."""
        return Compare("<", self.tap(axis, row), extent(self.found, axis.tap)[1])


def block_of(tap: str) -> str:
    """The loop over the blocks of a tap."""
    return f"{tap}_block_"


def residue_of(tap: str) -> str:
    """The loop over the residue classes of a tap."""
    return f"{tap}_residue_"


def tap_classes(axis: WinogradAxis) -> tuple[str, ...]:
    """The loops over what taps of an axis are cut into, so that later classes have later taps."""
    return (block_of(axis.tap), *((residue_of(axis.tap),) if axis.stride > 1 else ()))


def tiled(found: Contraction, form: WinogradForm, number: int, lanes: int) -> Tiled | None:
    """The contraction in tiles along the axes of a form; ``number`` is that of the operand that holds the data.

    ``lanes`` is how many lanes vectors have at least, whatever the type.
    """
    plain = all(axis.unit >= 1 and 1 in (axis.unit, axis.dilation) and axis.transform.m > 1 for axis in form.axes)
    starts = all(extent(found, loop)[0] == const(0) for axis in form.axes for loop in (axis.moving, axis.tap))
    # Other axes may reach, but not in strides: windows have no residue classes of their own.
    moving = {axis.moving: axis for axis in form.axes}
    dense = all(axis.factor <= 1 or axis.loop in moving for operand in found.wide for axis in operand.axes)
    if not plain or not starts or not dense or found.solution.phases or found.wide[number].read != form.data:
        return None
    # Windows lie along the loops that are packed last: where results have them first, others may be.
    if found.flats[-len(form.axes) :] != tuple(axis.moving for axis in form.axes):
        return None
    data = found.wide[number]
    split = Operand(data.read, tuple(_split(axis, moving) for axis in data.axes))
    whole = Operand(data.read, tuple(_whole(axis, moving) for axis in data.axes))
    wide = tuple(whole if k == number else _tiles_of(operand, moving) for k, operand in enumerate(found.wide))
    direct = {strip.loop: strip for strip in frame(found, data.axes).strips}
    windows = []
    for loop in found.flats:
        one, strip = moving.get(loop), direct[loop]
        if one is not None:
            count = _tiles(strip.count, one)
            strip = Strip(loop, const(0), count, const(0), const(0), count, block=one.dilation)
        windows.append(strip)
    turn = form.axes[-1].dilation
    dealt = turn == 1 or (turn in TURNS and turn <= lanes)
    return Tiled(found, form, _still(found, form, wide), split, Frame(tuple(windows)), dealt)


def _tiles(cells: Expr, axis: WinogradAxis) -> Expr:
    """How many packed elements stand for these cells: tiles of every class."""
    span = axis.transform.m * axis.dilation
    return mul(const(axis.dilation), floordiv(add(cells, const(span - 1)), span))


def _still(found: Contraction, form: WinogradForm, wide: tuple[Operand, ...]) -> Contraction:
    """What is left for each point: sums over planes and blocks of taps; where taps are cells, one for each block."""
    blocks = {axis.tap: axis.stride * axis.transform.r * var(block_of(axis.tap)) for axis in form.axes}
    residues = {axis.tap: axis.stride for axis in form.axes if axis.stride > 1}
    loops = {*found.solution.cells, *found.solution.steps}
    known = dict.fromkeys((*found.solution.ranges, *found.solution.bounds, *found.solution.limits))
    bounds: list[Constraint] = []
    for tap, first in blocks.items():
        own = [one for one in known if one.form.names() & loops == {tap}]
        bounds += [Constraint(one.form.substitute({tap: first}), one.equality) for one in own]
    for tap, stride in residues.items():
        bounds += [nonnegative(var(residue_of(tap))), nonnegative(stride - 1 - var(residue_of(tap)))]
    classes = {axis.tap: tap_classes(axis) for axis in form.axes}
    names = tuple(chain.from_iterable(classes.values()))
    solution = replace(found.solution, steps=(*found.solution.steps, *names), bounds=(*found.solution.bounds, *bounds))
    rest = tuple(tap for tap in found.taps if tap not in blocks)
    columns = tuple(chain.from_iterable(classes.get(name, (name,)) for name in found.columns))
    planes = (*found.planes, *names) if found.lanes == "cells" else found.planes
    return replace(found, wide=wide, taps=rest, columns=columns, planes=planes, solution=solution)


def _split(axis: Axis, moving: dict[str, WinogradAxis]) -> Axis:
    """The data in steps of a tile, from where the windows of the block at hand start."""
    found = moving.get(axis.loop)
    if found is None:
        return axis
    m = found.transform.m * found.unit
    start: Affine = found.offset + found.reach * found.stride * found.transform.r * var(block_of(found.tap))
    start = start + found.reach * var(residue_of(found.tap)) if found.stride > 1 else start
    return Axis(m * var(axis.loop) + start, axis.length, axis.loop, m)


def _whole(axis: Axis, moving: dict[str, WinogradAxis]) -> Axis:
    """Transformed data, one element per tile."""
    return Axis(var(axis.loop), axis.length, axis.loop, 1) if axis.loop in moving else axis


def _tiles_of(operand: Operand, moving: dict[str, WinogradAxis]) -> Operand:
    """The other operand of the dot form, whose positions are cut into tiles."""
    return Operand(operand.read, tuple(_tile_of(axis, moving) for axis in operand.axes))


def _tile_of(axis: Axis, moving: dict[str, WinogradAxis]) -> Axis:
    found = moving.get(axis.loop)
    if found is None:
        return axis
    m = found.transform.m
    return Axis(m * var(axis.loop) + axis.rest, axis.length, axis.loop, m)


def turned(coordinate: Expr, factor: int, turn: int) -> Expr:
    """Where a packed element begins, in steps of ``factor`` from turn to turn and of one within a ``turn``."""
    if turn == 1:
        return mul(const(factor), coordinate)
    whole = mul(const(turn), quotient(coordinate, const(turn)))
    return add(mul(const(factor), whole), sub(coordinate, whole))


def number_of(point: Point, form: WinogradForm) -> int:
    number = 0
    for value, axis in zip(point, form.axes, strict=True):
        number = number * axis.transform.n + value
    return number
