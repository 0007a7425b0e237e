"""What stencils share: sums whose wide operand is read where it lies, because too little is done with each element to
pay for a copy.

Lanes go along the rows of a plane, several rows are in work at once, and what one vector of the operand gives to all of
them is taken from it before the next is loaded. Taps along the rows' axis are unrolled; all others are loops. Lanes
beyond a border are masked and rows beyond it left out, so that exactly the terms of the definition are added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from symconv.errors import InternalError
from symconv.loops.arith import add, ceildiv, const, floordiv, mul, simplify, sub, total
from symconv.loops.ir import LANES, Compare, Const, Declare, Expr, If, Lanes, Load, Prefetch, Scalar, Select, Stmt, Var
from symconv.loops.nest import bounds_of
from symconv.loops.scalars import integer
from symconv.loops.traverse import substitute, walk
from symconv.notation.affine import Affine
from symconv.notation.expr import Apply, Read
from symconv.notation.expr import Const as Constant
from symconv.packed.contraction import Axis, Contraction, Operand, tensor_axes
from symconv.packed.frame import ends
from symconv.tune.numbers import value

__all__ = [
    "MASK",
    "StencilTile",
    "Unrolled",
    "at",
    "behind",
    "both",
    "in_a_row",
    "inside_lanes",
    "loaded",
    "mask_of",
    "moved",
    "read_as_load",
    "tap_range",
    "taps_along",
    "unrolled",
    "vanishes",
    "wanted",
    "within",
]

Values = Mapping[str, int]
MASK = Scalar("mask")
_AHEAD = 2
"""Groups of rows between what is in work and what is fetched: time enough for memory, and few enough to stay near."""


@dataclass(frozen=True, slots=True)
class StencilTile:
    """``rows`` of a plane in work at once; ``taps`` along their axis that are unrolled (1: none is, there may be any
    number), and ``across``, along the lanes. ``whole``: a row fits so many vectors, so that masks are known before (0:
    rows are of any length). One vector is loaded once and moved for each tap along the lanes; of several, rows of both
    operands are loaded for each tap, since sums under a mask may be an instruction more."""

    rows: int
    taps: int
    across: int = 1
    whole: int = 0

    @property
    def moves(self) -> bool:
        """Whether taps along lanes move a vector that is loaded once."""
        return self.whole == 1


@dataclass(frozen=True, slots=True)
class Unrolled:
    """A tap whose number of values is fixed: its values in each residue class, and the sizes for which this is so."""

    tap: str
    values: tuple[tuple[int, ...], ...]
    requires: tuple[Expr, ...]


def at(form: Affine, fixed: Values, values: dict[str, Expr]) -> Expr:
    """An index where some names have known values."""
    result: Expr = simplify(substitute(integer(form.substitute(dict(fixed))), values))
    return result


def tap_range(found: Contraction, tap: str, fixed: Values) -> tuple[Expr, Expr]:
    """``lower <= loop < upper`` of a step or a cell in the residue classes that ``fixed`` says."""
    solution = found.solution
    loops = {*solution.cells, *solution.steps}
    known = solution.ranges if tap in solution.cells else dict.fromkeys((*solution.bounds, *solution.limits))
    own = [bound.substitute({name: Affine((), number) for name, number in fixed.items()}) for bound in known]
    return bounds_of([bound for bound in own if bound.form.names() & loops == {tap}], tap)


def taps_along(found: Contraction, axis: Axis) -> tuple[str, ...]:
    """The taps that move along an axis of the wide operand."""
    return tuple(tap for tap in found.taps if axis.form.coefficient(tap))


def unrolled(found: Contraction, tap: str, count: int, classes: Iterable[Values]) -> Unrolled | None:
    """The tap with ``count`` values in all residue classes together, None where it never has as many."""
    ranges = [tap_range(found, tap, fixed) for fixed in classes]
    names = sorted({node.name for pair in ranges for end in pair for node in walk(end) if isinstance(node, Var)})
    if len(names) > 1:
        return None
    sizes = dict.fromkeys(names, count)
    try:
        spans = [tuple(range(value(lower, sizes), value(upper, sizes))) for lower, upper in ranges]
    except InternalError:
        return None
    if sum(map(len, spans)) != count:
        return None
    return Unrolled(tap, tuple(spans), tuple(Compare("==", Var(name), const(count)) for name in names))


def both(first: Expr, second: Expr) -> Expr:
    """Whether two comparisons hold."""
    return Select(first, second, const(0))


def behind(found: Contraction, tensor: str, steps: tuple[Expr, ...], start: str) -> Load:
    """An element by its distance from one whose place is named, in steps along each axis: the rest of its address is
    computed by then."""
    sizes = tuple(integer(size) for axis in tensor_axes(found.operator, tensor) for size in axis)
    place: Expr = Var(start)
    for axis, step in enumerate(steps):
        place = add(place, mul(step, total(sizes[axis + 1 :])))
    return Load(tensor, (const(0),) * len(steps), place)


def vanishes(found: Contraction) -> bool:
    """Whether the body is a number where all that it reads is 0, as machines compute it: 0, where 0 stands for what
    lies outside."""

    def plain(expr: object) -> bool:
        match expr:
            case Apply("mul" | "add" | "sub" | "neg" | "abs" | "sign", arguments) | Apply("where", (_, *arguments)):
                return all(map(plain, arguments))
        return isinstance(expr, Read | Constant)

    return plain(found.solution.body)


def within(place: Expr, length: Expr, body: tuple[Stmt, ...]) -> Stmt:
    """The body where an index is one of its axis."""
    return If(both(Compare(">=", place, const(0)), Compare("<", place, length)), body)


def inside_lanes(found: Contraction, axis: Axis, fixed: Values, start: Expr) -> Expr:
    """Whether every tap finds all lanes from the cell ``start`` on in the operand."""
    low, high = ends(found, axis.rest, dict(fixed))
    first = mul(const(axis.factor), start)
    last = add(first, mul(const(axis.factor), sub(Var(LANES), const(1))))
    return both(Compare(">=", add(first, low), const(0)), Compare("<", add(last, high), integer(axis.length)))


def mask_of(name: str, axis: Axis, column: Expr, most: Expr | None = None) -> Declare:
    """The lanes that lie in the operand where the first one is at ``column``, no more than ``most``."""
    lower = ceildiv(sub(const(0), column), axis.factor)
    upper = add(floordiv(sub(sub(integer(axis.length), const(1)), column), axis.factor), const(1))
    if most is not None:
        upper = Select(Compare("<", upper, most), upper, most)
    return Declare(name, Lanes(lower, upper), MASK)


def read_as_load(read: Read) -> Load:
    """What a read is in the loop IR."""
    return Load(read.tensor, tuple(integer(form) for form in read.index))


def loaded(read: Read, fixed: Values, values: dict[str, Expr]) -> Load:
    """A read where some names have known values."""
    return Load(read.tensor, tuple(at(form, fixed, values) for form in read.index))


def wanted(
    found: Contraction, operand: Operand, rows: int, fixed: Values, values: dict[str, Expr]
) -> Iterator[Prefetch]:
    """The rows of an operand behind those in work and the next ones: planes follow each other, and memory is far."""
    down, right = (operand.along(loop) for loop in found.flats[-2:])
    still = {**values, **dict.fromkeys((*found.planes, *found.taps), const(0))}
    index = [at(axis.form, fixed, still) for axis in operand.axes]
    each = rows * down.factor
    yield from in_a_row(operand.read.tensor, index, operand.axes.index(down), each, each * right.factor, values)


def in_a_row(
    tensor: str, index: list[Expr], row: int, rows: int, blocks: int, values: dict[str, Expr]
) -> Iterator[Prefetch]:
    """So many blocks of lanes one after the other, from a row behind the ones in work on.

    Whole rows lie side by side: the blocks that belong to the lanes at hand need not be the ones above them.
    """
    *_, lane = values.values()
    index[row] = add(index[row], const(_AHEAD * rows))
    for k in range(blocks):
        yield Prefetch(tensor, (*index[:-1], add(mul(const(blocks), lane), mul(const(k), Var(LANES)))))


def moved(axis: Axis, fixed: Values) -> int:
    """How far taps move lanes, where they and the residue class are fixed."""
    return int(axis.rest.substitute(dict(fixed)).constant)


def constant_value(expr: Expr) -> int | None:
    """The value of a constant."""
    return int(expr.value) if isinstance(expr, Const) else None
