"""A contraction in tiles along the axes of a Winograd form: what is packed, and what is left for each point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from symconv.algorithms.winograd import WinogradAxis, WinogradForm
from symconv.loops.arith import add, const, floordiv
from symconv.loops.scalars import integer
from symconv.notation.affine import var
from symconv.packed.bilinear import Point
from symconv.packed.frame import Frame, Strip, extent, frame
from symconv.packed.roles import Axis, Contraction, Operand

__all__ = ["Tiled", "number_of", "tiled"]


@dataclass(frozen=True)
class Tiled:
    """A contraction whose transformed loops count tiles, with the frames of pieces and of transformed windows.

    ``split`` is the packed operand before its windows are transformed, ``still`` what of the contraction is left for
    each point: transformed taps are gone.
    """

    found: Contraction
    form: WinogradForm
    still: Contraction
    split: Operand
    pieces: Frame
    windows: Frame

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


def tiled(found: Contraction, form: WinogradForm, number: int) -> Tiled | None:
    """The contraction in tiles along the axes of a form; ``number`` is that of the operand that holds the data."""
    plain = all(axis.dilation == axis.step == 1 and axis.transform.m > 1 for axis in form.axes)
    starts = all(extent(found, axis.moving)[0] == const(0) for axis in form.axes)
    # Other axes may reach, but not in strides: windows have no residue classes of their own.
    dense = all(axis.factor <= 1 for operand in found.wide for axis in operand.axes)
    if not plain or not starts or not dense or found.solution.phases or found.wide[number].read != form.data:
        return None
    moving = {axis.moving: axis for axis in form.axes}
    taps = {axis.tap for axis in form.axes}
    data = found.wide[number]
    split = Operand(data.read, tuple(_split(axis, moving) for axis in data.axes))
    whole = Operand(data.read, tuple(_whole(axis, moving) for axis in data.axes))
    wide = tuple(whole if k == number else _tiles_of(operand, moving) for k, operand in enumerate(found.wide))
    rest = tuple(tap for tap in found.taps if tap not in taps)
    columns = tuple(name for name in found.columns if name not in taps)
    still = replace(found, wide=wide, taps=rest, columns=columns)
    direct = {strip.loop: strip for strip in frame(found, data.axes).strips}
    pieces, windows = [], []
    for loop in found.flats:
        axis = moving.get(loop)
        if axis is None:
            pieces.append(direct[loop])
            windows.append(direct[loop])
            continue
        m, n, offset = axis.transform.m, axis.transform.n, integer(axis.offset)
        count = floordiv(add(direct[loop].count, const(m - 1)), m)
        low, high = floordiv(offset, m), floordiv(add(offset, const(n - 1)), m)
        length = floordiv(add(integer(data.along(loop).length), const(m - 1)), m)
        pieces.append(Strip(loop, const(0), count, low, high, length, "s"))
        windows.append(Strip(loop, const(0), count, const(0), const(0), count))
    return Tiled(found, form, still, split, Frame(tuple(pieces)), Frame(tuple(windows)))


def _split(axis: Axis, moving: dict[str, WinogradAxis]) -> Axis:
    """The data in steps of a tile."""
    found = moving.get(axis.loop)
    if found is None:
        return axis
    m = found.transform.m
    return Axis(m * var(axis.loop) + found.offset, axis.length, axis.loop, m)


def _whole(axis: Axis, moving: dict[str, WinogradAxis]) -> Axis:
    """Transformed data, one element per tile."""
    return Axis(var(axis.loop), axis.length, axis.loop, 1) if axis.loop in moving else axis


def _tiles_of(operand: Operand, moving: dict[str, WinogradAxis]) -> Operand:
    """The other operand of the dot form, whose positions are cut into tiles."""
    axes = tuple(
        Axis(
            moving[a.loop].transform.m * var(a.loop) + (a.form - var(a.loop)),
            a.length,
            a.loop,
            moving[a.loop].transform.m,
        )
        if a.loop in moving
        else a
        for a in operand.axes
    )
    return Operand(operand.read, axes)


def number_of(point: Point, form: WinogradForm) -> int:
    number = 0
    for value, axis in zip(point, form.axes, strict=True):
        number = number * axis.transform.n + value
    return number
