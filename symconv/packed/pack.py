"""An operand's box in flat rows: every plane, class by class, zeros where the operand ends."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from symconv.loops.arith import add, const, mul, simplify, smallest, sub
from symconv.loops.ir import (
    LANES,
    Compare,
    Expr,
    FloorDiv,
    For,
    If,
    Mod,
    Select,
    Stmt,
    Var,
)
from symconv.loops.scalars import integer
from symconv.loops.traverse import substitute
from symconv.packed.contraction import Operand
from symconv.packed.copying import Source, copied_row, inside, zeroed
from symconv.packed.frame import ALWAYS, Frame, product

__all__ = ["classes_of", "packed_operand", "place_of_tap", "still_operand"]

_PAGE = 1024
"""Elements of about a page."""


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
    used = {s.loop: smallest([s.pitch, add(s.size, s.reach)]) for s in space.strips[:-1]}
    # One row more for what runs over the end of the last one: a strip at the end of its loop may be short.
    more = {s.loop: smallest([s.pitch, add(add(s.size, s.reach), const(1))]) for s in space.strips[1:-1]}
    used.update({s.loop: s.pitch for s in space.strips[1:-1]} if gaps else more)
    body = _rows(space, operand, buffer, plane, planes, sources, used)
    return _in_classes(space, operand, body, _behind(space, operand, buffer, plane, rows))


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
    outermost, *inner = space.strips[:-1] or (space.lane,)
    rows: dict[str, Expr] = {outermost.loop: outermost.size}
    rows.update({strip.loop: strip.pitch for strip in inner})
    body = _rows(space, operand, buffer, plane, planes, sources, rows)
    first = mul(outermost.size, product(strip.pitch for strip in inner)) if len(space.strips) > 1 else const(1)
    tail = zeroed(buffer, (*_prefix(space, operand, plane), Var("gap_")), const(0), space.lane.pitch)
    return _in_classes(space, operand, body, (For("gap_", first, behind, tail),))


def _prefix(space: Frame, operand: Operand, plane: Expr) -> tuple[Expr, ...]:
    return (plane, *(Var(f"{loop}_class_") for loop, _ in classes_of(space, operand)))


def _in_classes(space: Frame, operand: Operand, body: tuple[Stmt, ...], behind: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """Rows for every residue class, and what lies behind them."""
    reached = {strip.loop: strip.reached for strip in space.strips}
    for loop, factor in reversed(classes_of(space, operand)):
        if loop != space.lane.loop:
            body = (For(f"{loop}_class_", const(0), const(factor), _where(reached[loop], body)),)
        behind = (For(f"{loop}_class_", const(0), const(factor), _where(reached[loop], behind)),)
    return (*body, *behind)


def _where(reached: Expr, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """Nothing is packed that no tap reads."""
    return body if reached == ALWAYS else (If(reached, body),)


def _ahead(space: Frame, operand: Operand) -> Expr:
    """How far behind what is copied lies what is copied soon: the next plane where a box holds little of one.

    Hardware runs ahead of a stream to the end of its page alone, and a box of a few rows ends before.
    """
    lengths = [integer(axis.length) for axis in operand.axes]
    chosen = [k for k, axis in enumerate(operand.axes) if not axis.loop and not axis.form.is_constant]
    if not chosen or len(space.strips) == 1:
        return const(_PAGE)
    rows, lane = space.strips[-2:]
    # A box of pieces of rows holds little of a plane, however long the rows are.
    held = mul(rows.tile, lane.tile)
    return Select(Compare("<", held, const(_PAGE)), product(lengths[chosen[-1] + 1 :]), const(_PAGE))


def _rows(
    space: Frame,
    operand: Operand,
    buffer: str,
    plane: Expr,
    planes: dict[str, Expr],
    sources: dict[str, Source],
    rows: dict[str, Expr],
) -> tuple[Stmt, ...]:
    lane, factor = space.lane.loop, sources[space.lane.loop].factor
    named = {strip.loop: Var(f"{strip.loop}_at_") for strip in space.strips[:-1]}

    def index(along: Source, k: Expr) -> tuple[Expr, ...]:
        at = {loop: sources[loop].at(position) for loop, position in named.items()} | {lane: along.at(k)}
        return tuple(at[axis.loop] if axis.loop else substitute(integer(axis.form), planes) for axis in operand.axes)

    row, valid = (*_prefix(space, operand, plane), space.row(named.values())), inside(sources, named)
    tensor, ahead = operand.read.tensor, _ahead(space, operand)
    # All lines for each class: often no tap reads the others.
    lines = tuple(add(ahead, mul(const(k), Var(LANES))) for k in range(factor))
    body: tuple[Stmt, ...] = ()
    for residue in range(factor):
        fixed: dict[str, Expr] = {f"{lane}_class_": const(residue)}
        source = replace(sources[lane], shift=substitute(sources[lane].shift, fixed))
        place = tuple(substitute(part, fixed) for part in row)
        copied = copied_row(buffer, place, tensor, partial(index, source), source, valid, space.lane.pitch, lines)
        body += copied if factor == 1 else _where(simplify(substitute(space.lane.reached, fixed)), copied)
    for loop in reversed(named):
        body = (For(f"{loop}_at_", const(0), rows[loop], body),)
    return body


def _behind(space: Frame, operand: Operand, buffer: str, plane: Expr, rows: Expr) -> tuple[Stmt, ...]:
    """Zeros behind the last packed row, for what runs over its end."""
    strips = space.strips
    outermost = smallest([strips[0].pitch, add(strips[0].size, strips[0].reach)])
    first = mul(outermost, product(strip.pitch for strip in strips[1:-1])) if len(strips) > 1 else const(1)
    row = (*_prefix(space, operand, plane), Var("gap_"))
    return (For("gap_", first, rows, zeroed(buffer, row, const(0), space.lane.pitch)),)
