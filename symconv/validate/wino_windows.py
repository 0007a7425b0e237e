"""The wide operand in windows, transformed: along the lanes as rows are read, then across the rows that were kept.

Blocks of a row go from its end to its start, and rows in their order. So what the last block of a row runs over, less
than a vector, is stored afterwards, as all of it lies behind that row: every position of a cell holds what was stored
for it. What lies between cells means nothing, and nothing that is kept depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    Binary,
    Const,
    Declare,
    Expr,
    For,
    Kernel,
    Lanes,
    Let,
    LoadLanes,
    Mod,
    Splat,
    Stmt,
    StoreLanes,
    Var,
)
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import WIDTH, alike, polynomial, uses
from symconv.validate.wino_boxes import Boxes
from symconv.validate.wino_linear import Form, linear, named
from symconv.validate.wino_lines import Elements, Lines, elements
from symconv.validate.wino_reading import PLANES, blocks_of, each, ranges, told

__all__ = ["Windows", "windows"]

_ZERO = Splat(Const(Fraction(0), True))


@dataclass(frozen=True, slots=True)
class Windows:
    """What ``buffer`` holds at every point: sums of elements of windows.

    ``index`` is where the first element of a window lies in ``tensor``, the next ones ``unit`` further along the last
    axis; ``tests`` say which rows lie in it. ``matrices`` are those along each transformed axis, the last along lanes,
    and ``step`` is how many windows move by, in elements, along the rows.
    """

    buffer: str
    tensor: str
    index: tuple[Expr, ...]
    unit: int
    pace: int
    tests: tuple[Expr, ...]
    matrices: tuple[tuple[Form, ...], ...]
    step: int
    around: tuple[str, ...]
    column: str
    line: str


def windows(
    kernel: Kernel, boxes: Boxes, body: Sequence[Stmt], plane: str, apart: Expr = PLANES, gaps: bool = False
) -> Windows:
    """Read how a plane is made: in loops over cells along axes that are not transformed.

    Planes of a point lie ``apart`` from those of the next. With ``gaps`` there are windows in rows of a box behind its
    cells, too. Raises UnclearError where positions of cells may hold something else than their windows.
    """
    inner, it = told(body, {}), _Windows(kernel, boxes, (), plane, apart, gaps)
    while True:
        match inner:
            case (For(name, Const(zero, False), count, (For(), *_) as below, 1),) if (
                not zero and len(it.around) < boxes.count - 1 and it.counts(count, len(it.around))
            ):
                it = replace(it, around=(*it.around, name))
                inner = below
            case _:
                break
    match inner, boxes.count - len(it.around):
        case (For() as lines,), 1:
            return it.along(lines, None)
        case (For() as lines, For() as across), 2:
            return it.along(lines, across)
    raise UnclearError("windows are transformed in another way than along lanes and across rows")


@dataclass(frozen=True, slots=True)
class _Windows:
    """``around`` are the coordinates of the loops around, ``plane`` is the name of the number of a plane."""

    kernel: Kernel
    boxes: Boxes
    around: tuple[str, ...]
    plane: str
    apart: Expr
    gaps: bool

    def counts(self, expr: Expr, number: int) -> bool:
        """Whether a number is how many windows a box has along a loop."""
        if self.gaps and number:
            return alike(expr, self.boxes.pitches[number - 1])
        return self.boxes.counts(expr, number)

    def along(self, chunks: For, across: For | None) -> Windows:
        """Rows read, dealt to windows and transformed, block by block from the right."""
        blocks = blocks_of(self.boxes.pitches[-1] if self.gaps else self.boxes.size(-1))
        each(chunks, blocks, "blocks of a row")
        match chunks.body:
            case (Let(at, value), *left) if alike(value, mul(WIDTH, sub(sub(blocks, const(1)), Var(chunks.var)))):
                pass
            case _:
                raise UnclearError("blocks of a row do not go from its end to its start")
        masks: dict[str, Lanes] = {}
        while left and isinstance(left[0], Declare) and isinstance(left[0].value, Lanes) and left[0].name not in masks:
            masks[left[0].name] = left[0].value
            left.pop(0)
        match left:
            case [For() as before, For() as dealt, For() as behind] if before.var == dealt.var == behind.var:
                lines = Lines(before, dealt, behind)
            case _:
                raise UnclearError("rows of windows are not read between rows of zeros")
        if uses_any((*lines.ends, *masks.values()), {lines.name}) or uses_any(lines.ends, {at}):
            raise UnclearError("rows of windows depend on each other")
        read = elements(self.kernel, dealt.body, masks, at, self.boxes.turn(-1))
        tests = lines.tests()
        made: tuple[tuple[Form, ...], ...]
        if across is None:
            if not alike(lines.count, const(1)):
                raise UnclearError("windows of one row are read from several")
            buffer, matrix = self._points(lines, read, self._row_of_wide(at))
            made, step = (matrix,), 0
        else:
            buffer, made, step = self._across(lines, read, at, across)
        return Windows(
            buffer, read.tensor, read.index, read.unit, read.pace, tests, made, step, self.around, at, lines.name
        )

    def _row_of_wide(self, at: str) -> Callable[[tuple[Expr, ...]], int | None]:
        """The number of the point that is stored at a place of the wide buffer, None at other places."""
        row = self.boxes.row([Var(name) for name in self.around])

        def number(index: tuple[Expr, ...]) -> int | None:
            match index:
                case (plane, there, column) if alike(there, row) and column == Var(at):
                    return self._point(plane, const(0), 1)
            return None

        return number

    def _point(self, plane: Expr, point: Expr, inner: int) -> int | None:
        """Which point, of those ``inner`` apart, has a plane of windows."""
        left = polynomial(sub(sub(plane, Var(self.plane)), mul(point, self.apart)))
        ((planes, factor),) = polynomial(self.apart).items()
        if not set(left) <= {planes}:
            return None
        number = left.get(planes, Fraction(0)) / (inner * factor)
        return int(number) if number.denominator == 1 and number >= 0 else None

    def _points(
        self, lines: Lines, read: Elements, number: Callable[[tuple[Expr, ...]], int | None]
    ) -> tuple[str, tuple[Form, ...]]:
        """The buffer that points along the lanes are kept in, and what each is; zeros are kept in all of them."""
        sides = [_stored(loop, read, number) for loop in (lines.dealt, lines.before, lines.behind)]
        names, points = sides[0]
        if any(not isinstance(one, StoreLanes) for loop in (lines.before, lines.behind) for one in loop.body):
            raise UnclearError("rows outside of the operand are something else than 0")
        if len(names) != 1 or set(points) != set(range(len(points))):
            raise UnclearError("points of windows are stored at other places")
        if any(side[0] != names or set(side[1]) != set(points) or any(side[1].values()) for side in sides[1:]):
            raise UnclearError("rows outside of the operand are something else than 0")
        return names.pop(), tuple(points[k] for k in range(len(points)))

    def _across(
        self, lines: Lines, read: Elements, at: str, across: For
    ) -> tuple[str, tuple[tuple[Form, ...], ...], int]:
        """Rows that were kept, those of each row of a window apart, transformed across for every point along them."""
        match across:
            case For(point, Const(zero, False), Const(inner, False), (For() as chunks,), 1) if not zero:
                pass
            case _:
                raise UnclearError("windows are transformed in another way than along lanes and across rows")
        buffer = kept_in(lines.dealt)
        shape = self.kernel.buffer(buffer)
        match shape.axes:
            case ((Const(points),), (Const(apart),), (rows, pitch)) if (
                points == inner and pitch == self.boxes.pitches[-1]
            ):
                step = int(apart)
            case _:
                raise UnclearError(f"{buffer} has other axes than points and rows of windows")
        line, turn = Var(lines.name), self.boxes.turn(-2)
        row_of_line = add(mul(const(turn), _quotient(line, step * turn)), _mod(line, turn))

        def number(index: tuple[Expr, ...]) -> int | None:
            match index:
                case (Const(one, False), *place):
                    wanted = (_mod(_quotient(line, turn), step), row_of_line, Var(at))
                    return int(one) if len(place) == 3 and all(map(alike, place, wanted)) else None
            return None

        kept, along = self._points(lines, read, number)
        column = mul(Var(chunks.var), WIDTH)

        def element(value: Expr) -> int | None:
            match value:
                case LoadLanes(name, (Var(one), Const(residue), Const(further), place), 1, "", None) if (
                    name == kept and one == point and alike(place, column) and further >= 0 and not further % turn
                ):
                    return int(further / turn) * step + int(residue) if 0 <= residue < step else None
            return None

        body = [one for one in chunks.body if not isinstance(one, StoreLanes)]
        forms = linear(body, element)
        wide, made = set(), {}
        row = self.boxes.row([*map(Var, self.around), const(0)])
        for store in chunks.body:
            match store:
                case StoreLanes(name, (plane, there, place), 1, "", "=", Var(value)) if (
                    alike(there, row)
                    and alike(place, column)
                    and (which := self._point(plane, Var(point), int(inner))) is not None
                    and which not in made
                ):
                    wide.add(name)
                    made[which] = named(forms, value)
                case StoreLanes():
                    raise UnclearError("points of windows are stored at other places")
        if len(wide) != 1 or set(made) != set(range(len(made))) or kept in wide or len(along) != inner:
            raise UnclearError("points of windows are stored at other places")
        elements = 1 + max((at for form in made.values() for at in form), default=0)
        self._counted(lines, chunks, rows, step, max(elements, step))
        if shape.role != "private":
            raise UnclearError(f"{buffer} is no buffer of rows")
        return wide.pop(), (tuple(made[k] for k in range(len(made))), along), step

    def _counted(self, lines: Lines, chunks: For, rows: Expr, step: int, elements: int) -> None:
        """As many rows are kept as windows need, and there is room for them."""
        number, more, turn = self.boxes.count - 2, elements - step, self.boxes.turn(-2)
        if self.gaps and number and not self.boxes.whole(self.boxes.pitches[number - 1], turn):
            raise UnclearError("rows behind the cells of a box are no whole turns")
        for wanted in lines.windows(step, turn * more):
            if self.counts(wanted, number) and ranges(chunks, const(0), blocks_of(mul(wanted, self.boxes.pitches[-1]))):
                break
        else:
            raise UnclearError("rows of windows are not all kept and transformed")
        most = self.boxes.pitches[-2] if number else self.boxes.strips[0].most
        end = mul(add(most, const(turn * (1 + max(more - 1, 0) // step))), self.boxes.pitches[-1])
        further = mul(add(most, const(turn * ((elements - 1) // step))), self.boxes.pitches[-1])
        if not self.boxes.holds(rows, end) or not self.boxes.holds(rows, further):
            raise UnclearError("rows of windows have no room for lanes behind the last one")


def _stored(
    loop: For, read: Elements, number: Callable[[tuple[Expr, ...]], int | None]
) -> tuple[set[str], dict[int, Form]]:
    """The buffers that points of a row are stored to, and each point."""
    found: dict[int, Form] = {}
    buffers = set()
    for store in loop.body:
        match store:
            case StoreLanes(buffer, index, 1, "", "=", Var() | Splat(Const()) as value):
                at = number(index)
                if at is None or at in found or (isinstance(value, Splat) and value != _ZERO):
                    raise UnclearError("points of windows are stored at other places")
                found[at] = named(read.forms, value.name) if isinstance(value, Var) else {}
                buffers.add(buffer)
            case StoreLanes():
                raise UnclearError("points of windows are stored at other places")
    return buffers, found


def kept_in(loop: For) -> str:
    """The buffer that a loop stores to."""
    found = {one.buffer for one in loop.body if isinstance(one, StoreLanes)}
    if len(found) != 1:
        raise UnclearError("points of windows are stored at other places")
    return found.pop()


def uses_any(nodes: Iterable[Any], names: set[str]) -> bool:
    """Whether one of these names stands in any of these nodes."""
    return any(uses(node, names) for node in nodes)


def _mod(value: Expr, by: int) -> Expr:
    return const(0) if by == 1 else Mod(value, by)


def _quotient(value: Expr, by: int) -> Expr:
    return value if by == 1 else Binary("//", value, const(by))
