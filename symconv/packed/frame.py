"""The numbers of a packed space: strips of the flat loops, the pitches of rows, what fits where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from math import gcd

from symconv.errors import InternalError
from symconv.loops.arith import add, ceildiv, const, floordiv, largest, mul, smallest, sub, total
from symconv.loops.ir import LANES, Binary, Buffer, Compare, Expr, Mod, Select, Size, Var
from symconv.loops.nest import bounds_of
from symconv.loops.scalars import integer
from symconv.notation.affine import Affine
from symconv.notation.expr import Constraint
from symconv.packed.contraction import Axis, Contraction

__all__ = [
    "ALWAYS", "Frame", "Strip", "apart", "ceiling", "cleared", "ends", "extent", "frame", "product", "quotient",
    "tap_count", "whole_blocks",
]  # fmt: skip

ALWAYS = const(1)
"""What always holds."""


def quotient(value: Expr, divisor: Expr) -> Expr:
    """``value // divisor`` of numbers that are not negative."""
    return value if divisor == const(1) else Binary("//", value, divisor)


def apart(planes: Expr) -> Expr:
    """Planes or steps from one point to the next: one more than there are, so that points do not lie whole pages apart.

    Stores a page apart fall into one set of the nearest cache, and wait for each other.
    """
    return add(planes, const(1))


def cleared(buffer: Buffer, *where: Expr) -> Buffer:
    """The buffer, cleared before a nest begins; only if one of ``where`` holds, if there are any.

    It is for lanes that mean nothing and read what was never stored.
    """
    every = add(total(buffer.sizes), buffer.slack)
    count = const(0) if where else every
    for condition in reversed(where):
        count = Select(condition, every, count)
    return replace(buffer, cleared=count)


def ceiling(value: Expr, divisor: Expr) -> Expr:
    """``ceil(value / divisor)`` of a positive divisor and a value that is not negative."""
    return value if divisor == const(1) else Binary("//", sub(add(value, divisor), const(1)), divisor)


def whole_blocks(length: Expr) -> Expr:
    """A length in whole blocks of lanes, in elements."""
    return mul(ceiling(length, Var(LANES)), Var(LANES))


def extent(found: Contraction, loop: str, exact: bool = False) -> tuple[Expr, Expr]:
    """``lower <= loop < upper`` from the bounds that speak of it alone; ``exact`` within the phase at hand.

    Otherwise over all residue classes: each bound is taken for the residue that allows most.
    """
    solution = found.solution
    loops = {*solution.cells, *solution.steps}
    # Every cell of the target is stored, those that receive nothing too; a bound on steps may have been redundant.
    known = solution.ranges if loop in solution.cells else dict.fromkeys((*solution.bounds, *solution.limits))
    own = [bound for bound in known if bound.form.names() & loops == {loop}]
    if not exact:
        own = [Constraint(_weakest(found, bound.form), bound.equality) for bound in own]
    if not all(any(bound.form.coefficient(loop) * sign > 0 for bound in own) for sign in (1, -1)):
        raise InternalError(f"loop {loop} is not bounded by itself")
    return bounds_of(own, loop)


def _weakest(found: Contraction, form: Affine) -> Affine:
    for phase in found.solution.phases:
        for position, name in enumerate(phase.names):
            factor = form.coefficient(name)
            values = [entry[position] for entry in phase.table]
            if factor:
                form = form.substitute({name: max(values) if factor > 0 else min(values)})
    return form


@dataclass(frozen=True, slots=True)
class Strip:
    """One flat loop: its cells ``first .. first+count-1``, the offsets ``low .. high`` that taps reach, and the length
    of the packed operand along it, in steps of its factor. A loop packed in two ways has a ``tag`` in one. Boxes start
    at multiples of ``block``. ``reached`` says of the residue class at hand whether some tap reads it."""

    loop: str
    first: Expr
    count: Expr
    low: Expr
    high: Expr
    length: Expr
    tag: str = ""
    block: int = 1
    reached: Expr = ALWAYS

    @property
    def residue(self) -> str:
        """The number of the residue class at hand, of an operand that is read in steps."""
        return f"{self.loop}_class_"

    @property
    def parameter(self) -> str:
        """How many cells a box may hold: a number of the plan."""
        return f"T_{self.loop}_"

    @property
    def tile(self) -> Var:
        """How many cells a box holds at most."""
        return Var(f"B_{self.loop}_")

    @property
    def pitch(self) -> Var:
        """How many packed elements lie between neighbours of the next outer loop."""
        return Var(f"E{self.tag}_{self.loop}_")

    @property
    def start(self) -> Var:
        """The first cell of the box at hand."""
        return Var(f"{self.loop}_start_")

    @property
    def size(self) -> Var:
        """How many cells the box at hand has."""
        return Var(f"{self.loop}_size_")

    @property
    def reach(self) -> Expr:
        """How much longer than its cells a packed strip is."""
        return sub(self.high_, self.low_)

    @property
    def high_(self) -> Var:
        """The name of the highest offset."""
        return Var(f"high{self.tag}_{self.loop}_")

    @property
    def low_(self) -> Var:
        """The name of the lowest offset."""
        return Var(f"low{self.tag}_{self.loop}_")

    def layout(self) -> tuple[Size, ...]:
        """The numbers of this loop, in order."""
        low, high, tile, count = self.low_, self.high_, self.tile, Var(f"Q_{self.loop}_")
        first = Var(f"F_{self.loop}_")
        strip = sub(add(tile, high), low)
        # A whole axis shares one gap: what runs over the right end of a row meets the zeros before the next one.
        shared = largest([add(add(tile, high), first), sub(sub(self.length, low), first), tile])
        pitch = Select(
            Compare(">=", tile, count), Select(Compare("<=", add(first, low), const(0)), shared, strip), strip
        )
        turns = [ceildiv(Var(self.parameter), self.block), ceildiv(count, self.block)]
        own = (
            Size(f"F_{self.loop}_", self.first),
            Size(f"Q_{self.loop}_", self.count),
            Size(f"B_{self.loop}_", mul(const(self.block), largest([const(1), smallest(turns)]))),
        )
        return (
            *(() if self.tag else own),
            Size(low.name, self.low),
            Size(high.name, self.high),
            Size(self.pitch.name, pitch),
        )


@dataclass(frozen=True)
class Frame:
    """The packed space of a contraction: its strips, outermost first; the last one has the lanes."""

    strips: tuple[Strip, ...]

    @property
    def lane(self) -> Strip:
        """The strip whose elements lie side by side."""
        return self.strips[-1]

    @cached_property
    def boxes(self) -> tuple[Expr, ...]:
        """How many strips each loop is cut into."""
        return tuple(ceiling(Var(f"Q_{s.loop}_"), s.tile) for s in self.strips)

    def row(self, coordinates: Iterable[Expr]) -> Expr:
        """The row of a packed plane, from the coordinates of every loop but the last."""
        result: Expr = const(0)
        for strip, coordinate in zip(self.strips[:-1], coordinates, strict=True):
            result = add(mul(result, strip.pitch), coordinate) if strip is not self.strips[0] else coordinate
        return result

    def distance(self, coordinates: Iterable[Expr]) -> Expr:
        """How far a packed cell lies behind the first, in elements."""
        *outer, last = coordinates
        return add(mul(self.row(outer), self.lane.pitch), last) if outer else last

    @property
    def span(self) -> Expr:
        """From the first cell of the box at hand to behind its last, in packed elements."""
        return add(self.distance([sub(s.size, const(1)) for s in self.strips]), const(1))

    @property
    def whole_span(self) -> Expr:
        """The span of the longest box."""
        return add(self.distance([sub(s.tile, const(1)) for s in self.strips]), const(1))

    @property
    def rows(self) -> Expr:
        """Rows of a packed operand: what valid cells read, and one row for what runs over the last one's end."""
        reached = [add(s.tile, s.reach) for s in self.strips[:-1]]
        # Loops between have one row more, which is packed too where it does not belong to the next of the loop outside.
        more = [smallest([s.pitch, add(add(s.tile, s.reach), const(1))]) for s in self.strips[1:-1]]
        ends = [self.row([sub(count, const(1)) for count in counts]) for counts in (reached, [*reached[:1], *more])]
        return add(largest(ends) if len(self.strips) > 2 else ends[0], const(2))

    @property
    def gap_rows(self) -> Expr:
        """Rows of a packed operand whose gaps are packed too."""
        first = [smallest([s.pitch, add(s.tile, s.reach)]) for s in self.strips[:-1][:1]]
        return largest([self.rows, product((*first, *(s.pitch for s in self.strips[1:-1])))])

    @property
    def sum_rows(self) -> Expr:
        """Rows of a plane of sums, the last block of lanes included."""
        last = [sub(s.tile, const(1)) for s in self.strips[:-1]]
        return add(add(self.row(last), quotient(add(Var(LANES), self.lane.pitch), self.lane.pitch)), const(1))

    @property
    def whole_rows(self) -> Expr:
        """Rows of the longest box, those in the gaps of its outer loops included."""
        outermost, *inner = self.strips[:-1] or (self.lane,)
        return mul(outermost.tile, product(strip.pitch for strip in inner)) if len(self.strips) > 1 else const(1)

    def layout(self) -> tuple[Size, ...]:
        """Every number of the frame, in order."""
        own = tuple(size for strip in self.strips for size in strip.layout())
        return (*own, Size("R_", self.rows), Size("RC_", self.sum_rows))


def frame(found: Contraction, axes: tuple[Axis, ...]) -> Frame:
    """The frame for packing an operand with these axes."""
    strips = []
    for loop in found.flats:
        axis = next(a for a in axes if a.loop == loop)
        lower, upper = extent(found, loop)
        low, high = _offsets(found, axis)
        length = floordiv(add(integer(axis.length), const(axis.factor - 1)), axis.factor)
        count = largest([const(0), sub(upper, lower)])
        strip = Strip(loop, lower, count, low, high, length)
        strips.append(replace(strip, reached=_reached(found, axis, Var(strip.residue))))
    return Frame(tuple(strips))


def _reached(found: Contraction, axis: Axis, residue: Expr) -> Expr:
    """Whether a tap ``t`` has ``factor*t + rest`` in a residue class: the least such ``t`` is one of its values."""
    taps = [tap for tap in (*found.taps, *found.columns) if axis.rest.coefficient(tap)]
    if axis.factor == 1 or len(set(taps)) != 1 or found.solution.phases:
        return ALWAYS
    step = axis.rest.coefficient(taps[0])
    shared = gcd(step, axis.factor)
    modulus = axis.factor // shared
    behind = sub(residue, integer(axis.rest.substitute({taps[0]: 0})))
    least = Mod(mul(const(pow(step // shared, -1, modulus)), floordiv(behind, shared)), modulus)
    found_one = Compare("<", least, tap_count(found, taps[0], {}))
    return found_one if shared == 1 else Select(Compare("==", Mod(behind, shared), const(0)), found_one, const(0))


def _offsets(found: Contraction, axis: Axis) -> tuple[Expr, Expr]:
    """The least and the largest ``floor(rest / factor)`` over taps and phases."""
    phases = [p for p in found.solution.phases if any(axis.rest.coefficient(name) for name in p.names)]
    entries = [dict(zip(p.names, entry, strict=True)) for p in phases for entry in p.table] or [{}]
    reached = [ends(found, axis.rest, entry) for entry in entries]
    low = smallest([floordiv(end[0], axis.factor) for end in reached])
    high = largest([floordiv(end[1], axis.factor) for end in reached])
    return low, high


def ends(found: Contraction, rest: Affine, phase: dict[str, int]) -> tuple[Expr, Expr]:
    """The least and the largest value of a form over every tap in a phase."""
    span: tuple[Expr, Expr] = (const(0), const(0))
    fixed = rest.substitute(dict(phase))
    for tap in (*found.taps, *found.columns):
        factor = fixed.coefficient(tap)
        if factor:
            fixed = fixed.substitute({tap: 0})
            most = mul(const(abs(factor)), _last(found, tap, phase))
            span = (sub(span[0], most), span[1]) if factor < 0 else (span[0], add(span[1], most))
    return add(integer(fixed), span[0]), add(integer(fixed), span[1])


def _last(found: Contraction, tap: str, phase: dict[str, int]) -> Expr:
    """The largest value of a tap in a phase, 0 where it has none."""
    return largest([const(0), sub(tap_count(found, tap, phase), const(1))])


def tap_count(found: Contraction, tap: str, phase: dict[str, int]) -> Expr:
    """How many values a tap has in a phase."""
    solution = found.solution
    loops = {*solution.cells, *solution.steps}
    known = solution.ranges if tap in solution.cells else dict.fromkeys((*solution.bounds, *solution.limits))
    own = [b.substitute({n: Affine((), v) for n, v in phase.items()}) for b in known]
    _, upper = bounds_of([b for b in own if b.form.names() & loops == {tap}], tap)
    return largest([const(0), upper])


def product(values: Iterable[Expr]) -> Expr:
    """The product of expressions."""
    return reduce(mul, values, total(()))
