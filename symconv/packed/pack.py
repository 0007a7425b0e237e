"""An operand's box in flat rows: every plane, class by class, zeros where the operand ends."""

from __future__ import annotations

from symconv.loops.arith import add, const, mul, smallest, sub
from symconv.loops.ir import Compare, Expr, FloorDiv, For, Mod, Stmt, Var
from symconv.loops.scalars import integer
from symconv.loops.traverse import substitute
from symconv.packed.copying import Source, copied_row, zeroed
from symconv.packed.frame import Frame, product
from symconv.packed.roles import Operand

__all__ = ["classes_of", "packed_operand", "place_of_tap", "still_operand"]


def classes_of(space: Frame, operand: Operand) -> tuple[tuple[str, int], ...]:
    """The flat loops that read every ``factor``-th element, with the factor: each residue has rows of its own."""
    return tuple((s.loop, f) for s in space.strips if (f := operand.along(s.loop).factor) > 1)


def place_of_tap(space: Frame, operand: Operand) -> tuple[Expr, ...]:
    """Class, row and column of what a tap reads, seen from the packed cell it contributes to."""
    classes = [Mod(integer(operand.along(loop).rest), factor) for loop, factor in classes_of(space, operand)]
    coordinates = []
    for strip in space.strips:
        axis = operand.along(strip.loop)
        offset = integer(axis.rest)
        coordinates.append(sub(offset if axis.factor == 1 else FloorDiv(offset, axis.factor), strip.low_))
    *outer, last = coordinates
    return (*classes, space.row(outer), last)


def packed_operand(
    space: Frame, operand: Operand, buffer: str, plane: Expr, planes: dict[str, Expr], rows: Expr, gaps: bool
) -> tuple[Stmt, ...]:
    """One plane with the halo that taps reach; ``planes`` are the values of the loops that choose it.

    ``rows`` is how many the plane has; ``gaps`` says that what lies between the cells of the box is read too, for a
    product with 0: then nothing may be left as memory happens to be.
    """
    sources = {}
    for strip in space.strips:
        axis = operand.along(strip.loop)
        shift = Var(f"{strip.loop}_class_") if axis.factor > 1 else const(0)
        sources[strip.loop] = Source(add(strip.start, strip.low_), axis.factor, shift, integer(axis.length))
    classes = tuple(Var(f"{loop}_class_") for loop, _ in classes_of(space, operand))
    prefix = (plane, *classes)
    used = {s.loop: smallest([s.pitch, add(s.size, s.reach)]) for s in space.strips[:-1]}
    if gaps:
        used.update({s.loop: s.pitch for s in space.strips[1:-1]})
    body = _rows(space, operand, buffer, prefix, planes, sources, used)
    body = (*body, *_behind(space, buffer, prefix, rows))
    for loop, factor in reversed(classes_of(space, operand)):
        body = (For(f"{loop}_class_", const(0), const(factor), body),)
    return body


def still_operand(
    space: Frame, operand: Operand, buffer: str, plane: Expr, planes: dict[str, Expr], behind: Expr
) -> tuple[Stmt, ...]:
    """One plane of an operand that stays with its cell, zeros in every gap; ``behind`` is how many rows it has."""
    sources = {}
    for strip in space.strips:
        axis = operand.along(strip.loop)
        rest = integer(axis.rest)
        # What a box does not hold is a gap too, though the operand goes on there.
        end = add(mul(const(axis.factor), add(strip.start, strip.size)), rest)
        shift = add(Var(f"{strip.loop}_class_"), rest) if axis.factor > 1 else rest
        sources[strip.loop] = Source(strip.start, axis.factor, shift, smallest([integer(axis.length), end]))
    classes = classes_of(space, operand)
    prefix = (plane, *(Var(f"{loop}_class_") for loop, _ in classes))
    outermost, *inner = space.strips[:-1] or (space.lane,)
    rows: dict[str, Expr] = {outermost.loop: outermost.size}
    rows.update({strip.loop: strip.pitch for strip in inner})
    body = _rows(space, operand, buffer, prefix, planes, sources, rows)
    first = mul(outermost.size, product(strip.pitch for strip in inner)) if len(space.strips) > 1 else const(1)
    tail = zeroed(buffer, (*prefix, Var("gap_")), const(0), space.lane.pitch)
    body = (*body, For("gap_", first, behind, tail))
    for loop, factor in reversed(classes):
        body = (For(f"{loop}_class_", const(0), const(factor), body),)
    return body


def _rows(
    space: Frame,
    operand: Operand,
    buffer: str,
    prefix: tuple[Expr, ...],
    planes: dict[str, Expr],
    sources: dict[str, Source],
    rows: dict[str, Expr],
) -> tuple[Stmt, ...]:
    named = {strip.loop: Var(f"{strip.loop}_at_") for strip in space.strips[:-1]}

    def index(k: Expr) -> tuple[Expr, ...]:
        at = {**named, space.lane.loop: k}
        return tuple(
            sources[axis.loop].at(at[axis.loop]) if axis.loop else substitute(integer(axis.form), planes)
            for axis in operand.axes
        )

    valid = tuple(
        condition
        for loop, at in named.items()
        for condition in (
            Compare(">=", sources[loop].at(at), const(0)),
            Compare("<", sources[loop].at(at), sources[loop].length),
        )
    )
    row = (*prefix, space.row(named.values()))
    source = sources[space.lane.loop]
    body = copied_row(buffer, row, operand.read.tensor, index, source, valid, space.lane.pitch)
    for loop in reversed(named):
        body = (For(f"{loop}_at_", const(0), rows[loop], body),)
    return body


def _behind(space: Frame, buffer: str, prefix: tuple[Expr, ...], rows: Expr) -> tuple[Stmt, ...]:
    """Zeros behind the last packed row, for what runs over its end."""
    lane, strips = space.lane, space.strips
    if len(strips) == 1:
        return zeroed(buffer, (*prefix, const(0)), lane.pitch, mul(rows, lane.pitch))
    outermost = smallest([strips[0].pitch, add(strips[0].size, strips[0].reach)])
    first = mul(outermost, product(strip.pitch for strip in strips[1:-1]))
    row = (*prefix, Var("gap_"))
    return (For("gap_", first, rows, zeroed(buffer, row, const(0), lane.pitch)),)
