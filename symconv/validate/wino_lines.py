"""Rows of an operand as they are read for windows: which elements, dealt to which windows, and which rows there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import gcd

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    Binary,
    Compare,
    Const,
    Declare,
    Expr,
    For,
    Kernel,
    Lanes,
    LoadLanes,
    Stmt,
    StoreLanes,
    Unzip,
    Var,
)
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import WIDTH, alike, canonical, expression, polynomial, uses
from symconv.validate.wino_linear import Form, linear
from symconv.validate.wino_reading import ranges, tests_of

__all__ = ["Elements", "Lines", "elements"]


@dataclass(frozen=True, slots=True)
class Lines:
    """Loops over the rows of windows, in their order: those before the operand, in it, and behind it."""

    before: For
    dealt: For
    behind: For

    @property
    def name(self) -> str:
        """The number of a row."""
        return self.dealt.var

    @property
    def count(self) -> Expr:
        """How many rows there are."""
        return self.behind.upper

    @property
    def ends(self) -> tuple[Expr, ...]:
        """What the loops run to."""
        return self.before.upper, self.dealt.upper, self.behind.upper

    def tests(self) -> tuple[Expr, ...]:
        """When a row is read; elsewhere it is 0. Raises UnclearError unless every row is one or the other."""
        lower, upper = self.before.upper, self.dealt.upper
        if (
            not ranges(self.before, const(0), lower)
            or not ranges(self.dealt, lower, upper)
            or not ranges(self.behind, upper, self.count)
        ):
            raise UnclearError("rows of windows are not read between rows of zeros")
        tests, value, no = tests_of(upper)
        if no is not None and not alike(no, lower):
            raise UnclearError("rows of windows are not read between rows of zeros")
        if alike(self.count, const(1)) and alike(value, const(1)) and alike(lower, const(0)):
            return tests
        match lower, value:
            case Binary("min", all_rows, start), Binary("max", same, Binary("min", every, end)) if (
                alike(same, lower) and alike(all_rows, self.count) and alike(every, self.count)
            ):
                pass
            case _:
                raise UnclearError("nothing says that rows of windows are read among those there are")
        line, (first, apart), (last, unit) = Var(self.name), _places_before(start), _places_before(end)
        if apart is None or (unit is None and _number(end)):
            raise UnclearError("nothing says that rows of windows are read among those there are")
        unit = unit or 1
        return (
            *tests,
            Compare(">=", mul(const(apart), line), first),
            Compare("<", mul(const(unit), line), last),
        )

    def windows(self, step: int, more: int) -> Iterator[Expr]:
        """What the number of rows may be ``step`` times, and ``more``."""
        rest = sub(self.count, const(more))
        for one in _parts(self.count):
            if alike(mul(const(step), one), rest):
                yield one


def _parts(expr: Expr) -> Iterator[Expr]:
    yield expr
    if isinstance(expr, Binary) and expr.op in "+-*":
        yield from _parts(expr.left)
        yield from _parts(expr.right)


def _number(expr: Expr) -> bool:
    return isinstance(expr, Const)


def _places_before(expr: Expr) -> tuple[Expr, int | None]:
    """``max(0, d)``, or how many places so far apart lie before it, as d and how far; None where it is d itself.

    Of rows k from 0 on, ``k >= ceil(max(0, d) / u)`` are those with ``u*k >= d``.
    """
    match expr:
        case Binary("max", Const(zero, False), value) if not zero:
            return _inside(value), 1
        case Binary(
            "//", Binary("+", Binary("max", Const(zero, False), value), Const(most, False)), Const(by, False)
        ) if not zero and by == most + 1 >= 1:
            return _inside(value), int(by)
    return expr, None


def _inside(expr: Expr) -> Expr:
    """``d`` of ``max(0, d)``, and of that again."""
    match expr:
        case Binary("max", Const(zero, False), value) if not zero:
            return _inside(value)
    return expr


@dataclass(frozen=True, slots=True)
class Elements:
    """``index`` is where the first element of a window lies, the next ones ``unit`` further; ``forms`` are by name.

    Windows of a turn lie ``pace`` apart.
    """

    tensor: str
    index: tuple[Expr, ...]
    unit: int
    pace: int
    forms: Mapping[str, Form]


def elements(kernel: Kernel, body: Sequence[Stmt], masks: Mapping[str, Lanes], at: str, turn: int) -> Elements:
    """What a row is dealt to in blocks of lanes that start at the window ``at``, whose numbers are its lanes.

    Lanes are whole turns: lane l of an element is the one ``l % turn`` behind that of the first window of its turn.

    Raises UnclearError where lanes are dealt in another way, or read outside of the operand.
    """
    loads: dict[str, LoadLanes] = {}
    rest: list[Stmt] = []
    for statement in body:
        match statement:
            case Declare(name, LoadLanes() as load) if name not in loads and not rest:
                _masked(kernel, load, masks)
                loads[name] = load
            case StoreLanes():
                continue
            case _:
                rest.append(statement)
    places: dict[Expr, tuple[int, LoadLanes]] = {}

    def element(value: Expr) -> Expr | None:
        match value:
            case Var(name) if name in loads and turn == 1:
                load, part, many = loads[name], 0, 1
            case Unzip((Var(first), *_) as vectors, part, apart) if first in loads and apart == turn:
                load, many = loads[first], len(vectors)
                for k, one in enumerate(vectors):
                    there = add(load.index[-1], mul(const(load.stride * k), WIDTH))
                    if not isinstance(one, Var) or one.name not in loads or not _further(loads[one.name], load, there):
                        raise UnclearError("windows are dealt from vectors that do not lie side by side")
            case _:
                return None
        place = expression(polynomial(add(load.index[-1], const(load.stride * part * turn))))
        places[place] = load.stride * many, load
        return place

    forms = linear(rest, element)
    if loads.keys() & forms.keys():
        raise UnclearError("elements of windows have the names of sums")
    if not places or len({step for step, _ in places.values()}) != 1 or len(_rows(places)) != 1:
        raise UnclearError("elements of windows are read from several rows")
    ((_, load),) = list(places.values())[:1]
    (step,) = {step for step, _ in places.values()}
    origin, unit, numbers = _numbers(list(places))
    around = (*load.index[:-1], sub(origin, mul(const(step), Var(at))))
    if any(uses(one, {at}) for one in map(canonical, around)):
        raise UnclearError("windows in lanes do not lie where those in their places do")
    told = {name: {numbers[place]: times for place, times in form.items()} for name, form in forms.items()}
    return Elements(load.buffer, (*load.index[:-1], origin), unit, load.stride, told)


def _rows(places: Mapping[Expr, tuple[int, LoadLanes]]) -> set[tuple[str, tuple[Expr, ...]]]:
    return {(load.buffer, load.index[:-1]) for _, load in places.values()}


def _further(one: LoadLanes, first: LoadLanes, there: Expr) -> bool:
    same = (one.buffer, one.index[:-1], one.stride) == (first.buffer, first.index[:-1], first.stride)
    return same and alike(one.index[-1], there)


def _masked(kernel: Kernel, load: LoadLanes, masks: Mapping[str, Lanes]) -> None:
    """Lanes are let through exactly where they lie in the last axis of the operand, and are elements of it."""
    if load.buffer not in {buffer.name for buffer in kernel.buffers}:
        raise UnclearError("windows are of something else than an operand")
    size, at, step = kernel.buffer(load.buffer).sizes[-1], load.index[-1], load.stride
    if load.mask not in masks or load.offset is not None or load.axis != -1 or step < 1:
        raise UnclearError("windows are read without a mask")
    if kernel.buffer(load.buffer).role != "in" or len(load.index) != len(kernel.buffer(load.buffer).sizes):
        raise UnclearError("windows are of something else than an operand")
    wanted = Lanes(_lanes(sub(const(0), at), step), _lanes(sub(size, at), step))
    if not alike(masks[load.mask], wanted):
        raise UnclearError("masks of windows do not let through what lies in the operand")


def _lanes(distance: Expr, step: int) -> Expr:
    if step == 1:
        return distance
    return Binary("//", add(Binary("max", const(0), distance), const(step - 1)), const(step))


def _numbers(places: Sequence[Expr]) -> tuple[Expr, int, dict[Expr, int]]:
    """The first place, how far they lie apart, and their numbers."""
    far: dict[Expr, int] = {}
    for place in places:
        step = polynomial(sub(place, places[0]))
        if set(step) - {()}:
            raise UnclearError("elements of windows do not lie evenly apart")
        far[place] = int(step.get((), 0))
    least = min(far.values())
    unit = gcd(*(one - least for one in far.values())) or 1
    origin = next(place for place, one in far.items() if one == least)
    return origin, unit, {place: (one - least) // unit for place, one in far.items()}
