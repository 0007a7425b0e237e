"""Planes of a box in windows, transformed, whose flat rows are multiplied over their whole length: gaps and all.

Every position up to the last row that has cells holds a point of the window there, and every one behind it, as far as
products reach, holds 0. An operand that stands still counts as 0 outside of the box: its windows end where those of the
box do, so that every position of no cell is a sum of zeros, and a product with it is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from symconv.loops.arith import add, const, mul, total
from symconv.loops.ir import Binary, Compare, Const, Expr, For, Kernel, Splat, Stmt, StoreLanes, Var
from symconv.loops.traverse import rewrite, substitute
from symconv.relation.points import UnclearError
from symconv.validate.dot_sums import At, every
from symconv.validate.polynomial import alike, polynomial, uses
from symconv.validate.wino_boxes import Boxes
from symconv.validate.wino_reading import each, one_sided, ranges, told
from symconv.validate.wino_windows import Windows, windows

__all__ = ["Planes"]

_ZERO = Splat(Const(Fraction(0), True))


@dataclass(frozen=True, slots=True)
class Planes:
    """Windows in planes; ``kernel`` has the operand's own sizes, or where they end with a box those of the box.

    ``ends`` are these by the sizes they stand in place of.
    """

    windows: Windows
    kernel: Kernel
    ends: dict[str, Expr]

    @staticmethod
    def of(kernel: Kernel, boxes: Boxes, body: Sequence[Stmt], plane: str, apart: Expr, still: str = "") -> Planes:
        """Read how a plane is made; ``still`` is the operand that is 0 outside of a box.

        Raises UnclearError where a position that is multiplied may hold something else.
        """
        ends: dict[str, Expr] = {}
        bounds: dict[int, Expr] = {}
        if still:
            kernel, body, bounds, ends = _ended(kernel, boxes, body, still)
        *made, zeros = body
        found = windows(kernel, boxes, made, plane, apart, gaps=True)
        if still and found.tensor != still:
            raise UnclearError(f"windows are not those of {still}")
        it = Planes(found, kernel, ends)
        it._inside(boxes)
        it._behind(boxes, made, zeros, plane, apart)
        if still:
            it._nothing_in_gaps(boxes, bounds)
        return it

    @property
    def points(self) -> int:
        """How many points there are."""
        found = 1
        for matrix in self.windows.matrices:
            found *= len(matrix)
        return found

    @property
    def lengths(self) -> tuple[int, ...]:
        """How many elements a window has along each transformed axis."""
        return tuple(1 + max((at for form in matrix for at in form), default=0) for matrix in self.windows.matrices)

    def _moving(self, boxes: Boxes) -> set[str]:
        """The names that choose a place in a box."""
        own = {strip.start for strip in boxes.strips} | {strip.size for strip in boxes.strips}
        return {*own, *self.windows.around, self.windows.column, self.windows.line}

    def _inside(self, boxes: Boxes) -> None:
        """What is read lies in the operand wherever it is read, in gaps as well; lanes are looked at in their masks."""
        wide, names = self.windows, self._moving(boxes)
        *outer, _ = zip(wide.index, self.kernel.buffer(wide.tensor).sizes, strict=True)
        tests = [one_sided(test) for test in wide.tests]
        for at, size in outer:
            wanted = Compare(">=", at, const(0)), Compare("<", at, size)
            if uses(at, names) and not all(one_sided(one) in tests for one in wanted):
                raise UnclearError(f"nothing says that rows of windows are read among those of {wide.tensor}")

    def _behind(self, boxes: Boxes, made: Sequence[Stmt], zeros: Stmt, plane: str, apart: Expr) -> None:
        """Every row behind those of cells, up to the last one of a plane, is 0 at every point."""
        wide = self.windows
        (first,) = told(made, {})[:1]
        around = wide.around[:1]
        if not around or not isinstance(first, For) or first.var != around[0]:
            raise UnclearError("nothing lies between the rows of a box and its end")
        inner = total(boxes.pitches[:-1])
        buffer = self.kernel.buffer(wide.buffer)
        match buffer.axes:
            case ((many,), (rows, pitch)) if pitch == boxes.pitches[-1] and alike(many, mul(const(self.points), apart)):
                pass
            case _:
                raise UnclearError(f"{wide.buffer} has other axes than points, planes and rows of a box")
        most = mul(boxes.strips[0].most, mul(inner, pitch))
        if buffer.role != "private" or not boxes.holds(rows, most):
            raise UnclearError(f"{wide.buffer} has no room for the lanes behind the last row")
        match each(zeros, const(self.points), "points of what lies behind a box"):
            case For(point, _, _, (For(gap, _, _, fill) as gaps,)) if ranges(gaps, mul(first.upper, inner), rows):
                wanted = add(mul(Var(point), apart), Var(plane)), Var(gap)
            case _:
                raise UnclearError("rows behind those of a box are not all 0")
        match every(fill, pitch):
            case At(at, (StoreLanes(name, (*place, column), 1, "", "=", value),)) if (
                name == wide.buffer and value == _ZERO and column == Var(at) and len(place) == len(wanted)
            ):
                if all(map(alike, place, wanted)):
                    return
        raise UnclearError("rows behind those of a box are not all 0")

    def _nothing_in_gaps(self, boxes: Boxes, bounds: dict[int, Expr]) -> None:
        """Windows that start where those of the box end have no element, and those of the box have all of theirs."""
        wide, sizes = self.windows, [Var(strip.size) for strip in boxes.strips]
        at: dict[str, Expr] = dict(zip(wide.around, sizes, strict=False))
        at[wide.column] = sizes[-1]
        if len(self.lengths) > 1:
            at[wide.line] = mul(const(wide.step), sizes[-2])
        ended = set()
        for axis, bound in bounds.items():
            place = wide.index[axis]
            moving = [name for name in at if uses(place, {name})]
            if len(moving) != 1 or not alike(bound, substitute(place, at)):
                raise UnclearError(f"{wide.tensor} does not end where a box does")
            step = polynomial(place).get((Var(moving[0]),), Fraction(0))
            ended.add(moving[0])
            if step < 1 or not self._fits(boxes, moving[0], step):
                raise UnclearError("windows of a box reach behind it")
        if not set(at) - set(wide.around[:1]) <= ended:
            raise UnclearError("what lies in the gaps of a box is not known to be 0")

    def _fits(self, boxes: Boxes, name: str, step: Fraction) -> bool:
        """Whether all elements of a turn of windows lie before the first one of the next turn."""
        wide = self.windows
        if name == wide.column:
            turn = boxes.turn(-1)
            return wide.unit * (self.lengths[-1] - 1) + wide.pace * (turn - 1) < step * turn
        return name != wide.line or self.lengths[0] <= wide.step


def _ended(
    kernel: Kernel, boxes: Boxes, body: Sequence[Stmt], tensor: str
) -> tuple[Kernel, tuple[Stmt, ...], dict[int, Expr], dict[str, Expr]]:
    """Names for where an operand ends, with its box or before, in place of its sizes; and what stands for which."""
    buffer = kernel.buffer(tensor)
    sizes, own = list(buffer.sizes), {strip.size for strip in boxes.strips}
    bounds: dict[int, Expr] = {}
    names = [f"end{axis}_" for axis in range(len(sizes))]

    def rule(node: Any) -> Any:
        match node:
            case Binary("min", size, bound) if size in sizes and sizes.count(size) == 1 and uses(bound, own):
                axis = sizes.index(size)
                if not alike(bounds.setdefault(axis, bound), bound):
                    raise UnclearError(f"{tensor} ends at several places")
                return Var(names[axis])
        return node

    made = tuple(rewrite(statement, rule) for statement in told(body[:-1], {}))
    ends = {names[axis]: sizes[axis] for axis in bounds}
    axes = tuple((Var(names[axis]),) if axis in bounds else (size,) for axis, size in enumerate(sizes))
    buffers = tuple(replace(b, axes=axes) if b.name == tensor else b for b in kernel.buffers)
    return replace(kernel, buffers=buffers), (*made, body[-1]), bounds, ends
