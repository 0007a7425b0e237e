"""Operands read where they lie: boxes whose cells are as far apart in memory as packed cells would be.

Whether that holds is a question about one box and its sizes, asked when the kernel runs: boxes at a border, and the one
whose last block of lanes would reach behind the operand, are packed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import LANES, Address, Binary, Compare, Expr, Select, Var
from symconv.loops.scalars import integer
from symconv.loops.traverse import substitute
from symconv.packed.contraction import Axis, Contraction, Operand
from symconv.packed.frame import Frame, product

__all__ = [
    "all_hold",
    "base",
    "dense",
    "displacement",
    "ends_inside",
    "gapless",
    "lies_inside",
    "plane_stride",
    "reaches_inside",
    "readable",
    "remainder",
    "same_pitches",
    "stride",
]


def readable(found: Contraction, operand: Operand) -> bool:
    """Whether some box of an operand may be read where it lies: no residue classes, and taps may rest along the lanes.

    Where rows follow each other, a tap that moves along them meets the next row instead of a gap.
    """
    flat = [axis for axis in operand.axes if axis.loop]
    return all(axis.factor == 1 for axis in flat) and gapless(found, operand)


def gapless(found: Contraction, operand: Operand) -> bool:
    """Whether a box may have no gap between its flat rows, which are as far apart as this operand's taps make them."""
    flat = [axis for axis in operand.axes if axis.loop]
    return len(flat) < 3 or _atremainder(found, flat[-1])


def _atremainder(found: Contraction, axis: Axis) -> bool:
    """Whether an axis stands still where its taps are 0 (in some residue class)."""
    taps = dict.fromkeys((*found.taps, *found.columns), 0)
    fixed = axis.rest.substitute(taps)
    entries = [dict(zip(p.names, e, strict=True)) for p in found.solution.phases for e in p.table] or [{}]
    left = [fixed.substitute(entry) for entry in entries]
    return any(not form.is_constant or form.constant == 0 for form in left)


def all_hold(conditions: Iterable[Expr]) -> Expr:
    """1 where every condition holds, else 0."""
    result: Expr = const(1)
    for condition in reversed(tuple(conditions)):
        result = Select(condition, result, const(0))
    return result


def stride(operand: Operand, loop: str) -> Expr:
    """How far neighbours along a flat loop lie apart in memory."""
    return Address(operand.read.tensor, tuple(const(int(axis.loop == loop)) for axis in operand.axes))


def plane_stride(operand: Operand, names: Iterable[str]) -> Expr:
    """How far neighbours along the loops that choose a plane lie apart in memory."""
    steps = (const(sum(axis.form.coefficient(name) for name in names)) for axis in operand.axes)
    return Address(operand.read.tensor, tuple(steps))


def base(space: Frame, operand: Operand, planes: Mapping[str, Expr], still: bool = False) -> Expr:
    """Where the box at hand begins; ``planes`` are the values of the loops that choose a plane.

    An operand that stands ``still`` has no table of displacements: what is added to its loops is added here.
    """
    rest = {strip.loop: _still(operand, strip.loop) if still else const(0) for strip in space.strips}
    starts = {strip.loop: add(strip.start, rest[strip.loop]) for strip in space.strips}
    return _address(operand, starts, planes)


def displacement(operand: Operand, planes: Mapping[str, Expr]) -> Expr:
    """How far from its cell a step lies; ``planes`` are the loops that choose a plane, counted from 0."""
    index = []
    for axis in operand.axes:
        moved: Expr = const(0)
        for name, value in planes.items():
            moved = add(moved, mul(const(axis.form.coefficient(name)), value))
        index.append(add(integer(axis.rest), moved) if axis.loop else moved)
    return Address(operand.read.tensor, tuple(index))


def _still(operand: Operand, loop: str) -> Expr:
    """What is added to a flat loop whatever the tap, where taps do not move it at all."""
    rest = operand.along(loop).rest
    return integer(rest) if rest.is_constant else const(0)


def _address(operand: Operand, flats: Mapping[str, Expr], planes: Mapping[str, Expr]) -> Expr:
    return Address(
        operand.read.tensor,
        tuple(flats[axis.loop] if axis.loop else substitute(integer(axis.form), dict(planes)) for axis in operand.axes),
    )


def reaches_inside(space: Frame, operand: Operand) -> tuple[Expr, ...]:
    """What keeps every tap of the box at hand in the operand."""
    found = []
    for strip in space.strips:
        length = integer(operand.along(strip.loop).length)
        found.append(Compare(">=", add(strip.start, strip.low_), const(0)))
        found.append(Compare("<=", add(add(strip.start, strip.size), strip.high_), length))
    return tuple(found)


def ends_inside(space: Frame, operand: Operand, planes: Mapping[str, Expr], over: Expr) -> Expr:
    """Whether ``over`` elements behind the last one that taps of the box reach, in these planes, are the operand's."""
    ends = {s.loop: add(add(s.start, sub(s.size, const(1))), s.high_) for s in space.strips}
    behind = Address(operand.read.tensor, (integer(operand.axes[0].length), *(const(0),) * (len(operand.axes) - 1)))
    return Compare("<", add(_address(operand, ends, planes), over), behind)


def lies_inside(space: Frame, operand: Operand) -> tuple[Expr, ...]:
    """What keeps the cells of the box at hand in an operand that no tap moves."""
    found = []
    for strip in space.strips:
        first = add(strip.start, _still(operand, strip.loop))
        found.append(Compare(">=", first, const(0)))
        found.append(Compare("<=", add(first, strip.size), integer(operand.along(strip.loop).length)))
    return tuple(found)


def same_pitches(space: Frame, operand: Operand) -> tuple[Expr, ...]:
    """Whether cells of the box at hand lie as far apart as in flat rows with the frame's pitches."""
    inner = [product(s.pitch for s in space.strips[k + 1 :]) for k in range(len(space.strips) - 1)]
    return _apart(space, operand, inner)


def dense(space: Frame, operand: Operand) -> tuple[Expr, ...]:
    """Whether the cells of the box at hand fill whole blocks of lanes, side by side, in memory and in flat rows."""
    strips = space.strips
    inner = [product(s.size for s in strips[k + 1 :]) for k in range(len(strips) - 1)]
    packed = tuple(
        _one_or(strip.size, product(s.pitch for s in strips[k + 1 :]), inside)
        for k, (strip, inside) in enumerate(zip(strips[:-1], inner, strict=True))
    )
    whole = Compare("==", remainder(product(s.size for s in strips)), const(0))
    return (*packed, *_apart(space, operand, inner), whole)


def remainder(value: Expr) -> Expr:
    """What is left of a number behind whole vectors."""
    return sub(value, mul(Var(LANES), Binary("//", value, Var(LANES))))


def _apart(space: Frame, operand: Operand, inner: list[Expr]) -> tuple[Expr, ...]:
    outer = space.strips[:-1]
    return tuple(_one_or(s.size, stride(operand, s.loop), far) for s, far in zip(outer, inner, strict=True))


def _one_or(size: Expr, value: Expr, wanted: Expr) -> Expr:
    """``value == wanted``, which does not matter where there is one of a kind."""
    return Compare("==", Select(Compare("==", size, const(1)), wanted, value), wanted)
