"""Which planes have a factor at a point of a transform: where a kernel has no tap, some points of it are 0.

A plane of windows is one of a block of taps and, along axes in strides, of a residue class. Points that are made of
taps alone which there are not are 0: with Cook and Toom that at infinity, or at 0 where taps are flipped. Their
products are left out.

Let a block have ``r`` taps in strides of ``s``. Tap ``k`` of class ``ρ`` in block ``b`` is ``s·r·b + s·k + ρ``, which
grows with ``s·b + ρ``, the number of the class along the axis. So if ``k`` is the first tap that a point is made of, it
has a factor in the first classes: those with ``s·r·b + ρ < K − s·k``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product as combinations
from math import prod

from symconv.algorithms.winograd import WinogradAxis
from symconv.loops.arith import add, const, floordiv, largest, mul, smallest, sub
from symconv.loops.ir import Compare, Expr, Let, Mod, Select, Size, Stmt, Var
from symconv.packed.frame import ceiling, extent, product, quotient
from symconv.packed.loops import counts
from symconv.packed.tiling import Tiled, tap_classes
from symconv.tune.facts import LONGEST

__all__ = ["classes_layout", "present_planes", "summed_planes"]


def classes_layout(it: Tiled) -> Iterator[Size]:
    """How many classes of taps there are along each axis, and how many planes are transformed before their products are
    added: nearly as many each time, of whole sets of classes.

    Shorter slabs load and store sums more often, whatever cache their windows fit. Planes alone say how long they are:
    strips are cut for threads, which must not change what is added in which order.
    """
    every: Expr = const(1)
    for number, axis in enumerate(it.form.axes):
        name = _count(number)
        yield Size(name, product(counts(it.still, tap_classes(axis), exact=False)))
        every = mul(every, Var(name))
    given = product(counts(it.found, it.found.planes, exact=False))
    sets = _evenly(given, largest([const(1), quotient(const(LONGEST), largest([const(1), every]))]))
    yield Size("PB_", largest([const(1), Select(_together(it), mul(every, sets), _evenly(Var("P_"), const(LONGEST)))]))


def _evenly(planes: Expr, most: Expr) -> Expr:
    """The length of as many parts as are needed, all but the last of one length."""
    number = largest([const(1), ceiling(planes, most)])
    return largest([const(1), ceiling(planes, number)])


def _count(number: int) -> str:
    """The name of how many classes of taps an axis has."""
    return f"C{number}_"


def _together(it: Tiled) -> Compare:
    """Whether a slab holds every class of a plane: not where kernels have very many taps."""
    return Compare("<=", product(Var(_count(k)) for k, _ in enumerate(it.form.axes)), const(LONGEST))


def present_planes(it: Tiled) -> tuple[Stmt, ...]:
    """Where the planes of a slab lie that have a factor at the point ``phase_``: in ``runs_`` runs of ``run_planes_``,
    ``run_apart_`` from one to the next.

    Along one axis alone, the first one that has less: points at infinity along several are few.
    """
    planes = Var("planes_")
    below: Expr = const(1)
    length: Expr = planes
    apart: Expr = planes
    for number, axis in reversed(list(enumerate(it.form.axes))):
        classes = Var(_count(number))
        point = _coordinate(it, number)
        missing: Expr = const(0)
        for at, lacking in enumerate(_lacking(axis)):
            missing = Select(Compare("==", point, const(at)), const(lacking), missing) if lacking else missing
        some = _present(it, axis, missing)
        less = Compare("<", some, classes)
        length = Select(less, mul(some, below), length)
        below = mul(classes, below)
        # One run of no plane ends sooner than many of them.
        apart = Select(less, Select(Compare("<", some, const(1)), planes, below), apart)
    length, apart = (Select(_together(it), one, planes) for one in (length, apart))
    return (
        Let("run_planes_", length),
        Let("run_apart_", apart),
        Let("runs_", quotient(planes, Var("run_apart_"))),
    )


def _coordinate(it: Tiled, number: int) -> Expr:
    """The point along an axis, of the number of a point."""
    below = 1
    for axis in it.form.axes[number + 1 :]:
        below *= axis.transform.n
    rest = floordiv(Var("phase_"), below)
    return Mod(rest, it.form.axes[number].transform.n) if number else rest


def _present(it: Tiled, axis: WinogradAxis, missing: Expr) -> Expr:
    """How many classes of taps along an axis have a factor at a point that lacks so many first taps: the first ones."""
    step, block = const(axis.stride), const(axis.stride * axis.transform.r)
    taps = largest([const(0), sub(extent(it.found, axis.tap)[1], missing)])
    whole = quotient(taps, block)
    return add(mul(step, whole), smallest([step, sub(taps, mul(block, whole))]))


def _lacking(axis: WinogradAxis) -> tuple[int, ...]:
    """For each point along an axis how far the first tap that it is made of lies behind that of a class."""
    rows = (zip(axis.taps(), row, strict=True) for row in axis.transform.G)
    return tuple(axis.stride * min(tap for tap, factor in row if factor) for row in rows)


def summed_planes(it: Tiled) -> tuple[Expr, Expr]:
    """How many planes are summed at all points together, and in how many runs where some are left out."""
    classes = [product(counts(it.still, tap_classes(axis), exact=False)) for axis in it.form.axes]
    every: list[Expr] = [const(0), const(0)]
    for kinds in combinations(*(Counter(_lacking(axis)).items() for axis in it.form.axes)):
        points = const(prod(number for _, number in kinds))
        planes = product(classes)
        runs: Expr = const(0)
        for k, (axis, (missing, _)) in reversed(list(enumerate(zip(it.form.axes, kinds, strict=True)))):
            some = _present(it, axis, const(missing))
            less = Compare("<", some, classes[k])
            planes = Select(less, product((*classes[:k], some, *classes[k + 1 :])), planes)
            runs = Select(less, product(classes[:k]), runs)
        every = [add(one, mul(points, more)) for one, more in zip(every, (planes, runs), strict=True)]
    given = product(counts(it.found, it.found.planes, exact=False))
    return mul(given, every[0]), mul(given, every[1])
