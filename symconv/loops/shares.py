"""Which pieces of a reduction are borders: little work beside the piece that most of it falls to.

They are not cut among threads a second time: parts and their sum cost text, hence time to compile, that so little work
does not earn back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from symconv.gather.solution import Solution
from symconv.loops.heuristics import default_extent
from symconv.notation.expr import Constraint
from symconv.notation.operator import Operator

__all__ = ["minor_pieces"]

# A piece with less than this part of the largest one's points; pieces of a whole axis stay above it.
_PART = 8
# Bounds that hang together (a cell and its tap) are settled after two rounds; one more costs nothing.
_ROUNDS = 3

Interval = tuple[int, int]


def minor_pieces(op: Operator, solutions: Sequence[Solution], sizes: Mapping[str, int] | None) -> tuple[Solution, ...]:
    """The solutions with few points, as far as their bounds say at the sizes given, at usual sizes elsewhere."""
    if len(solutions) < 2:
        return ()
    known = _usual(op, sizes)
    points = [_points(solution, known) for solution in solutions]
    return tuple(s for s, count in zip(solutions, points, strict=True) if count * _PART < max(points))


def _usual(op: Operator, sizes: Mapping[str, int] | None) -> dict[str, int]:
    names = {name for tensor in op.inputs for size in tensor.sizes for name in size.names()}
    known = {name: default_extent(name, sizes) for name in names}
    for definition in op.definitions:
        known.update({n: default_extent(n, sizes) for n in definition.form.names() if n not in known})
        known[definition.name] = definition.form.evaluate(known)
    return known


def _points(solution: Solution, known: Mapping[str, int]) -> int:
    """The product of the ranges that remain when each bound has narrowed them, by intervals."""
    ranges: dict[str, Interval] = {name: (0, max(known.values(), default=1) - 1) for name in solution.cells}
    ranges |= {name: (0, max(known.values(), default=1) - 1) for name in solution.steps}
    for phase in solution.phases:
        for name, column in zip(phase.names, zip(*phase.table, strict=True), strict=True):
            ranges[name] = (min(column), max(column))
    for _ in range(_ROUNDS):
        for bound in solution.limits:
            _narrow(bound, ranges, known)
    return prod(max(0, ranges[name][1] - ranges[name][0] + 1) for name in (*solution.cells, *solution.steps))


def _narrow(bound: Constraint, ranges: dict[str, Interval], known: Mapping[str, int]) -> None:
    form = bound.form.substitute(dict(known))
    for name in form.names() & ranges.keys():
        factor = form.coefficient(name)
        others = [(form.coefficient(n), ranges[n]) for n in form.names() if n != name and n in ranges]
        most = form.constant + sum(f * (high if f > 0 else low) for f, (low, high) in others)
        low, high = ranges[name]
        # factor*name + most >= 0 has to be possible.
        ranges[name] = (max(low, -(most // factor)), high) if factor > 0 else (low, min(high, most // -factor))
