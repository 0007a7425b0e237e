"""An operand cut into windows that are multiplied by constant matrices, a matrix along each transformed axis.

Two passes over a plane. Along the lanes first: rows are read as they stand in the operand, dealt to the elements of
their windows in registers, transformed, and kept in lines, those that belong to one row of a window apart. Then across
the rows, whose windows lie side by side in the lines, over row ends: few vectors, all of them full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from symconv.algorithms.matrices import Matrix
from symconv.loops.arith import add, const, largest, mul, smallest, sub
from symconv.loops.ir import (
    LANES,
    VECTOR,
    Buffer,
    Declare,
    Expr,
    For,
    Lanes,
    Let,
    LoadLanes,
    Mod,
    Outlined,
    Prefetch,
    Scalar,
    Select,
    Size,
    Splat,
    Stmt,
    StoreLanes,
    Unzip,
    Var,
)
from symconv.loops.scalars import integer
from symconv.loops.traverse import substitute
from symconv.packed.bilinear import Point, transformed
from symconv.packed.contraction import Operand
from symconv.packed.copying import ZERO, Source, inside, zeroed
from symconv.packed.frame import Strip, ceiling, cleared, product, quotient
from symconv.packed.tiling import Tiled
from symconv.packed.window_reads import in_groups, lane_step, places_before, window_masks, window_reads

__all__ = ["AHEAD", "Windows", "line_layout", "lines_buffer", "transformed_planes"]

AHEAD = 1024
"""Elements from what is read to what is fetched from memory meanwhile: about a page."""
_LINES = "lines_"
_COLUMN = Var("at_")
_LINE = Var("line_")


@dataclass(frozen=True)
class Windows:
    """What is transformed, and where its points go.

    ``place`` answers the plane of ``buffer`` for the number of a point, ``rows`` names how many rows a plane has.
    ``gaps`` says that what lies between the cells of a box is read too, for a product with 0; an operand that is
    ``still`` counts as 0 there, and outside of the box.
    """

    it: Tiled
    operand: Operand
    matrices: tuple[Matrix, ...]
    buffer: str
    place: Callable[[Expr], Expr]
    rows: str
    gaps: bool = False
    still: bool = False

    @property
    def strips(self) -> tuple[Strip, ...]:
        """Strips of tiles, those that are transformed last."""
        return self.it.windows.strips

    @property
    def around(self) -> tuple[Strip, ...]:
        """The strips that are not transformed."""
        return self.strips[: -len(self.matrices)]

    def unit(self, strip: Strip) -> int:
        """From one element of a window to the next in the operand."""
        axis = self.it.axis(strip.loop)
        return 1 if axis is None else self.operand.along(strip.loop).factor // axis.transform.m

    def count(self, strip: Strip) -> Expr:
        """How many windows are made along a loop."""
        used = strip.size if self.still else smallest([strip.pitch, add(strip.size, strip.reach)])
        # Reach along loops that are not transformed is transformed with the cells.
        return strip.pitch if self.gaps and strip is not self.strips[0] else used

    def first(self, strip: Strip) -> Expr:
        """Where the first window of the box begins in the operand."""
        axis = self.operand.along(strip.loop)
        return add(mul(const(axis.factor), strip.start), integer(axis.rest))

    def end(self, strip: Strip) -> Expr:
        """Where the operand ends along a loop."""
        axis = self.operand.along(strip.loop)
        behind = add(mul(const(axis.factor), add(strip.start, strip.size)), integer(axis.rest))
        return smallest([integer(axis.length), behind]) if self.still else integer(axis.length)


def line_layout(it: Tiled) -> tuple[Size, ...]:
    """How many rows the lines of a row of windows have: the last vector runs over their end."""
    if len(it.form.axes) == 1:
        return ()
    pitch, transform = it.windows.lane.pitch, it.form.axes[-2].transform
    turns = it.form.axes[-2].dilation * -(-(transform.n - transform.m) // transform.m)
    more = add(const(turns), quotient(Var(LANES), pitch))
    return (Size("RL_", add(add(it.windows.strips[-2].pitch, more), const(1))),)


def lines_buffer(it: Tiled) -> Iterator[Buffer]:
    """Rows transformed along the lanes: for each point there, those of each row of a window."""
    if len(it.form.axes) == 1:
        return
    across, along = (axis.transform for axis in it.form.axes)
    axes = ((const(along.n),), (const(across.m),), (Var("RL_"), it.windows.lane.pitch))
    yield cleared(Buffer(_LINES, axes, "private", slack=Var(LANES)))


def transformed_planes(job: Windows, planes: dict[str, Expr]) -> tuple[Stmt, ...]:
    """One plane of the operand, which ``planes`` choose, in windows of every point."""
    body = _along_lanes(job, planes)
    body = body if len(job.matrices) == 1 else (*body, _across(job))
    for strip in reversed(job.around):
        body = (For(f"{strip.loop}_at_", const(0), job.count(strip), body),)
    return (*body, *(_behind(job) if job.gaps or job.it.has_reach else ()))


def _row(job: Windows) -> Expr:
    """The row of windows at hand, the first one of its plane where rows are transformed too."""
    coordinates = [Var(f"{strip.loop}_at_") for strip in job.around]
    return job.it.windows.row([*coordinates, const(0)] if len(job.matrices) > 1 else coordinates)


def _sources(job: Windows) -> dict[str, Source]:
    """Where rows come from along the loops that are not transformed."""
    found = {}
    for strip in job.around:
        axis = job.operand.along(strip.loop)
        rest = integer(axis.rest) if job.still else strip.low_
        found[strip.loop] = Source(strip.start, axis.factor, rest, job.end(strip))
    return found


def _along_lanes(job: Windows, planes: dict[str, Expr]) -> tuple[Stmt, ...]:
    """Every row that windows reach, dealt and transformed; the last block of a row runs over its end.

    Blocks go from the right to the left, so that the next row overwrites what runs over; masks are made once a block.
    """
    lane, two = job.strips[-1], len(job.matrices) > 1
    width = lane.pitch if job.gaps else lane.size
    blocks = ceiling(width, Var(LANES))
    sources = _sources(job)
    valid = inside(sources, {loop: Var(f"{loop}_at_") for loop in sources})
    if two:
        axis, matrix = job.it.form.axes[-2], job.matrices[-2]
        m, first, end = axis.transform.m, job.first(job.strips[-2]), job.end(job.strips[-2])
        count = add(mul(const(m), job.count(job.strips[-2])), const(axis.dilation * (len(matrix[0]) - m)))
        unit = job.unit(job.strips[-2])
        lower = smallest([count, places_before(largest([const(0), sub(const(0), first)]), unit)])
        upper = largest([Var("lower_"), smallest([count, places_before(sub(end, first), unit)])])
    else:
        count, lower, upper = const(1), const(0), const(1)
    for condition in valid:
        upper = Select(condition, upper, Var("lower_"))
    nothing = tuple(_kept(job, point, Splat(ZERO)) for point in range(len(job.matrices[-1])))
    body = (
        *window_masks(job),
        For("line_", const(0), Var("lower_"), nothing),
        For("line_", Var("lower_"), Var("upper_"), _dealt(job, sources, planes)),
        For("line_", Var("upper_"), count, nothing),
    )
    lines = Outlined("lines", _blocks(job, blocks, width, body))
    starts = [Let("first_lane_", job.first(lane))]
    starts += [Let("first_line_", job.first(job.strips[-2]))] if two else []
    return (Let("lower_", lower), Let("upper_", upper), *starts, lines)


def _blocks(job: Windows, blocks: Expr, width: Expr, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """The blocks of a row, ``at_`` the first window of each and ``first_`` where it begins in the operand."""
    axis = job.it.form.axes[-1]
    m, chunk = const(job.unit(job.strips[-1]) * axis.transform.m), mul(Var(LANES), Var("chunk_"))
    if job.it.dealt:
        at = Let("at_", mul(Var(LANES), sub(sub(blocks, const(1)), Var("chunk_"))))
        first = Let("first_", add(Var("first_lane_"), mul(m, _COLUMN)))
        return (For("chunk_", const(0), blocks, (at, first, *body)),)
    turn = const(axis.dilation)
    at = Let("at_", add(mul(turn, Var("turn_")), chunk))
    first = Let("first_", add(Var("first_lane_"), add(mul(m, mul(turn, Var("turn_"))), chunk)))
    held = Declare("turn_mask_", Lanes(const(0), sub(turn, chunk)), Scalar("mask"))
    inner = For("chunk_", const(0), ceiling(turn, Var(LANES)), (at, first, held, *body))
    return (For("turn_", const(0), quotient(width, turn), (inner,)),)


def _dealt(job: Windows, sources: dict[str, Source], planes: dict[str, Expr]) -> tuple[Stmt, ...]:
    """One row of windows, read and transformed along the lanes."""
    lane, operand, axis = job.strips[-1], job.operand, job.it.form.axes[-1]
    m = axis.transform.m
    at = {loop: source.at(Var(f"{loop}_at_")) for loop, source in sources.items()}
    if len(job.matrices) > 1:
        at[job.strips[-2].loop] = add(Var("first_line_"), mul(const(job.unit(job.strips[-2])), _LINE))

    def index(place: Expr) -> tuple[Expr, ...]:
        here = {**at, lane.loop: place}
        return tuple(here[a.loop] if a.loop else substitute(integer(a.form), planes) for a in operand.axes)

    def read(name: str, place: Expr) -> Stmt:
        lanes = LoadLanes(operand.read.tensor, index(place), lane_step(job), f"in{name}")
        return Declare(f"e{name}", lanes, Scalar("real", VECTOR))

    def load(point: Point) -> Expr:
        group, part = divmod(point[0], m)
        if not in_groups(job):
            return Var(f"e{point[0]}_")
        return Unzip(tuple(Var(f"e{group}_{vector}_") for vector in range(m)), part, axis.dilation)

    # Hardware runs ahead of a stream to the end of its page alone.
    reads = list(window_reads(job))
    ahead = [Prefetch(operand.read.tensor, index(place), const(AHEAD)) for _, place in reads[:m]]
    loads = (*ahead, *(read(name, place) for name, place in reads))
    return (*loads, *transformed(job.matrices[-1:], load, lambda point, value: _kept(job, point[0], value)))


def _kept(job: Windows, point: int, value: Expr) -> Stmt:
    """A vector of points along the lanes: in its line, or where it stays."""
    mask = "" if job.it.dealt else "turn_mask_"
    if len(job.matrices) == 1:
        return StoreLanes(job.buffer, (job.place(const(point)), _row(job), _COLUMN), 1, mask, "=", value)
    axis = job.it.form.axes[-2]
    m, turn = axis.transform.m, axis.dilation
    row = mul(const(turn), quotient(_LINE, const(m * turn)))
    row = row if turn == 1 else add(row, Mod(_LINE, turn))
    place = (const(point), Mod(quotient(_LINE, const(turn)), m), row, _COLUMN)
    return StoreLanes(_LINES, place, 1, mask, "=", value)


def _across(job: Windows) -> Stmt:
    """Lines transformed across the rows, for every point along the lanes."""
    axis, matrix, inner = job.it.form.axes[-2], job.matrices[-2], len(job.matrices[-1])
    column = mul(Var("chunk_"), Var(LANES))

    def load(point: Point) -> Expr:
        turn, residue = divmod(point[0], axis.transform.m)
        return LoadLanes(_LINES, (Var("point_"), const(residue), const(axis.dilation * turn), column), 1, "")

    def store(point: Point, value: Expr) -> Stmt:
        plane = job.place(add(const(point[0] * inner), Var("point_")))
        return StoreLanes(job.buffer, (plane, _row(job), column), 1, "", "=", value)

    blocks = ceiling(mul(job.count(job.strips[-2]), job.strips[-1].pitch), Var(LANES))
    body = For("chunk_", const(0), blocks, transformed((matrix,), load, store))
    return Outlined("windows", (For("point_", const(0), const(inner), (body,)),))


def _behind(job: Windows) -> tuple[Stmt, ...]:
    """Zeros behind the last row of windows, at every point."""
    outermost, *inner = job.strips
    count = job.count(outermost) if inner else const(1)
    first = mul(count, product(strip.pitch for strip in inner[:-1]))
    fill = zeroed(job.buffer, (job.place(Var("point_")), Var("gap_")), const(0), job.strips[-1].pitch)
    points = 1
    for matrix in job.matrices:
        points *= len(matrix)
    return (For("point_", const(0), const(points), (For("gap_", first, Var(job.rows), fill),)),)
