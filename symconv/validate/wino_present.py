"""Planes that a point leaves out: none of them has a factor there.

Planes of a slab are summed in runs, each as far from the next. Where a run has all of them nothing is left out. Else
the planes between two runs are sets of classes of taps: the last digits of the number of a plane say which class it is,
and as slabs hold whole sets, so do the last digits of its place in a slab. A plane is left out by one digit, or by
several side by side, that are no less than a number. isl finds no sizes for which a tap of such a plane is there and is
part of the point (of ``wino_factors``), and none for which runs are longer than they lie apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from symconv.loops.arith import const, mul, simplify, sub, total
from symconv.loops.ir import Binary, Compare, Const, Expr, For, Kernel, Select, Var
from symconv.loops.traverse import rewrite, substitute, walk
from symconv.relation.lemmas import impossible
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import Polynomial, alike, canonical, expression, polynomial
from symconv.validate.wino_factors import Factors
from symconv.validate.wino_reading import each, factors_of, number_of
from symconv.validate.words import condition

__all__ = ["Planes"]

_OTHER = "planes of a slab are not summed in runs of those that have a factor"


@dataclass(frozen=True, slots=True)
class Planes:
    """The planes of a slab: ``some`` names how many there are. ``seen`` are the runs that are known to be right."""

    kernel: Kernel
    factors: Factors
    some: str
    seen: set[tuple[Expr, ...]] = field(default_factory=set)

    def summed(self, runs: For, point: Var) -> For:
        """The loop over planes in a loop over runs; raises UnclearError where one with a factor at a point is left out,
        or one is taken twice."""
        match runs.body:
            case (For() as loop,):
                pass
            case _:
                raise UnclearError(_OTHER)
        match runs.upper:
            case Binary("//", Var(some), apart) if some == self.some:
                each(runs, runs.upper, "runs of planes")
            case _:
                raise UnclearError(_OTHER)
        length = sub(loop.upper, loop.lower)
        if loop.step != 1 or not alike(loop.lower, mul(Var(runs.var), apart)):
            raise UnclearError(_OTHER)
        if (apart, length) in self.seen:
            return loop
        slab = canonical(self._layout["PB_"])
        kinds: dict[tuple[Expr, Expr, tuple[int, ...]], None] = {}
        for number, form in enumerate(self.factors.matrix):
            at: dict[str, Expr] = {point.name: const(number)}
            taps = tuple(sorted(tap for (tap,), factor in form.items() if factor))
            kinds[simplify(substitute(apart, at)), simplify(substitute(length, at)), taps] = None
        for far, long, taps in kinds:
            for lengths, given in _ways((canonical(far), canonical(long), slab)):
                self._nothing_lost(taps, lengths, given)
        self.seen.add((apart, length))
        return loop

    @property
    def _layout(self) -> dict[str, Expr]:
        return {size.name: size.value for size in self.kernel.layout}

    @property
    def _counts(self) -> tuple[Expr, ...]:
        return factors_of(self._layout.get("P_", const(1)))

    def _nothing_lost(self, taps: tuple[int, ...], lengths: tuple[Expr, ...], given: tuple[Expr, ...]) -> None:
        """No plane with a factor at points of these taps is left out, where runs and slabs are as long as this."""
        apart, length, slab = lengths
        one_run = alike(apart, Var(self.some))
        if one_run and alike(length, apart):
            return
        if not one_run and not self._whole_sets(slab, apart):
            raise UnclearError("slabs of planes do not hold whole sets of classes of taps")
        counts = self._counts
        sizes = {name: value for name, value in self._layout.items() if _plain(value)}
        long, far = (polynomial(simplify(substitute(one, sizes))) for one in (length, apart))
        for first, last in ((a, b) for a in range(len(counts)) for b in range(a + 1, len(counts) + 1)):
            some = _divided(long, polynomial(total(counts[last:])))
            if some is None or not (one_run or far == polynomial(total(counts[first:]))):
                continue
            none = (Compare(">=", expression(some), const(1)),) if one_run else ()
            if self._missing(taps, range(first, last), expression(some), none, given):
                return
        raise UnclearError("a plane that has a factor at a point is left out")

    def _whole_sets(self, slab: Expr, apart: Expr) -> bool:
        """Whether slabs are a multiple of ``apart`` planes, or there are no planes at all.

        Numbers of classes are factors of the number of planes: a slab of none of them is one of no planes.
        """
        match slab:
            case Binary("max", Const(one, False), several) | Binary("max", several, Const(one, False)) if one == 1:
                factors = factors_of(several)
            case _:
                return False
        if _divided(polynomial(several), polynomial(apart)) is None:
            return False
        return all(self._counts_something(one) or self._counts_classes(one) for one in factors)

    def _counts_classes(self, value: Expr) -> bool:
        """Whether a number is one of the numbers of planes, or a product of neighbouring ones."""
        counts, given = self._counts, polynomial(self._layout[value.name] if isinstance(value, Var) else value)
        ends = [(a, b) for a in range(len(counts)) for b in range(a + 1, len(counts) + 1)]
        return any(given == polynomial(total(counts[a:b])) for a, b in ends)

    @staticmethod
    def _counts_something(value: Expr) -> bool:
        match value:
            case Binary("max", Const(least, False), _) | Binary("max", _, Const(least, False)) | Const(least, False):
                return least >= 1
        return False

    def _missing(
        self, taps: tuple[int, ...], digits: range, some: Expr, wrong: tuple[Expr, ...], given: tuple[Expr, ...]
    ) -> bool:
        """Whether planes of which these digits make ``some`` or more have none of these taps; there are never less than
        ``some`` of them, and nothing is ever as ``wrong``."""
        names = [self.factors.planes[k] for k in digits]
        counts = tuple(self._counts[k] for k in digits)
        every = number_of([Var(name) for name in names], counts)
        ranges = [Compare(">=", Var(name), const(0)) for name in names]
        ranges += [Compare("<", Var(name), count) for name, count in zip(names, counts, strict=True)]
        known = (*given, *(Compare(">=", count, const(0)) for count in counts))
        wrong = (*wrong, Compare("<", some, const(0)), Compare("<", total(counts), some))
        if not all(_never(*known, one) for one in wrong):
            return False
        left_out = (*given, *ranges, Compare(">=", every, some))
        tests = dict.fromkeys(self.factors.taps[tap].tests for tap in taps)
        return all(any(_never(*left_out, test) for test in every_one) for every_one in tests)


def _plain(value: Expr) -> bool:
    """Whether a number of a layout is one of sizes alone."""
    return not any(isinstance(node, Select) for node in walk(value))


def _ways(
    values: tuple[Expr, ...], given: tuple[Expr, ...] = ()
) -> Iterator[tuple[tuple[Expr, ...], tuple[Expr, ...]]]:
    """The values for every way in which their conditions may turn out, the same ones alike, and what holds then."""
    test = next((node.condition for value in values for node in walk(value) if isinstance(node, Select)), None)
    if test is None:
        yield tuple(map(simplify, values)), given
        return
    for yes in (True, False):
        holds = ((test if yes else Select(test, const(0), const(1))),) if _affine(test) else ()
        yield from _ways(tuple(rewrite(value, partial(_taken, test, yes)) for value in values), (*given, *holds))


def _taken(test: Expr, yes: bool, node: Any) -> Any:
    return (node.yes if yes else node.no) if isinstance(node, Select) and node.condition == test else node


def _affine(test: Expr) -> bool:
    try:
        condition(test, {})
    except UnclearError:
        return False
    return True


def _divided(form: Polynomial, by: Polynomial) -> Polynomial | None:
    """The quotient by one product of numbers, None where it is none."""
    if len(by) != 1:
        return None
    ((atoms, factor),) = by.items()
    found: Polynomial = {}
    for each_one, times in form.items():
        left = list(each_one)
        for atom in atoms:
            if atom not in left:
                return None
            left.remove(atom)
        if (times / factor).denominator != 1:
            return None
        found[tuple(left)] = times / factor
    return found


def _never(*tests: Expr) -> bool:
    """Whether no whole numbers meet all these conditions; not where isl cannot be asked."""
    names = sorted({node.name for test in tests for node in walk(test) if isinstance(node, Var)})
    try:
        conditions = tuple(condition(test, {}).text for test in tests)
    except UnclearError:
        return False
    return impossible(tuple(names), conditions)
