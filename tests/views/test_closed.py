"""The formula a reader sees is the relation that was proved: both are evaluated on small arrays, cell by cell.

Bodies are compared as the multiset of what they read, so that no function's rounding or convention matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product

import pytest
from grid import OPERATORS, SECOND_ORDER, derivations, second_order

from symconv.gather.derivation import Derivation
from symconv.gather.solution import Solution
from symconv.notation.affine import Affine
from symconv.notation.expr import Constraint, Expr, Index, Piece, Range, Read, Reduce, walk
from symconv.notation.operator import Statement
from symconv.relation.sets import context_of
from symconv.views.closed import Closed, Divides, Sum, closed

Point = Mapping[str, int]
Seen = tuple[tuple[str, tuple[int, ...]], ...]

BASE = {"N": 1, "C": 2, "F": 2, "Cg": 2, "Fg": 1, "L": 5, "H": 5, "W": 4, "K": 3, "KH": 2, "KW": 2, "I": 3, "G": 3}


def sizes_of(derived: Derivation) -> dict[str, int]:
    op = derived.operator
    sizes = {name: BASE.get(name, 3) for name in context_of(op).sizes}
    for definition in op.definitions:
        sizes[definition.name] = definition.form.evaluate(sizes)
    return sizes


def seen(body: Expr, values: Point) -> Seen:
    """What a body reads, and the indices whose value it takes."""
    found = []
    for node in walk(body):
        match node:
            case Read(tensor, index, _):
                found.append((tensor, tuple(form.evaluate(values) for form in index)))
            case Index(form):
                found.append(("", (form.evaluate(values),)))
    return tuple(found)


def holds(condition: Constraint | Divides, values: Point) -> bool:
    value = condition.form.evaluate(values)
    if isinstance(condition, Divides):
        return value % condition.divisor == 0
    return value == 0 if condition.equality else value >= 0


def stated(statement: Statement, node: Reduce, piece: Piece, sizes: Point) -> Counter[tuple[tuple[int, ...], Seen]]:
    counted: Counter[tuple[tuple[int, ...], Seen]] = Counter()
    for point in points((*statement.ranges, *node.indices), sizes):
        values = {**sizes, **point}
        if all(holds(c, values) for c in piece.where):
            counted[tuple(point[name] for name in statement.indices), seen(piece.body, values)] += 1
    return counted


def points(ranges: tuple[Range, ...], sizes: Point) -> Iterator[dict[str, int]]:
    names = [r.name for r in ranges]
    for point in product(*(range(r.extent.evaluate(sizes)) for r in ranges)):
        yield dict(zip(names, point, strict=True))


def printed(statement: Statement, part: Closed, sizes: Point) -> Counter[tuple[tuple[int, ...], Seen]]:
    counted: Counter[tuple[tuple[int, ...], Seen]] = Counter()
    for cell in points(statement.ranges, sizes):
        values = {**sizes, **cell}
        if not all(holds(c, values) for c in part.outside if isinstance(c, Divides)):
            continue
        for division in part.divisions:
            quotient, rest = divmod(division.form.evaluate(values), division.modulus)
            assert not (division.exact and rest)
            values |= {division.loop: quotient, division.residue or "unused": rest}
        for phase in part.phases:
            k0 = values[phase.residue] // phase.gap * phase.inverse % (phase.modulus // phase.gap)
            values |= {phase.first: k0}
            values |= {phase.shift: (values[phase.residue] - phase.slope * phase.gap * k0) // phase.modulus}
        if all(holds(c, values) for c in part.outside):
            for inner in run(part.sums, values):
                if all(holds(c, inner) for c in part.inside):
                    counted[tuple(cell[name] for name in statement.indices), seen(part.body, inner)] += 1
    return counted


def run(sums: tuple[Sum, ...], values: dict[str, int]) -> Iterator[dict[str, int]]:
    if not sums:
        yield values
        return
    first, *rest = sums
    low = max(-(-bound.form.evaluate(values) // bound.divisor) for bound in first.lowers)
    high = min(bound.form.evaluate(values) // bound.divisor for bound in first.uppers)
    for value in range(low, high + 1):
        yield from run(tuple(rest), {**values, first.name: value})


def pieces(derived: Derivation) -> Iterator[tuple[Statement, Reduce, Piece, Solution]]:
    for solved in derived.gather.statements:
        for node, solutions in solved.reductions:
            if len(solutions) == len(node.pieces):
                for piece, solution in zip(node.pieces, solutions, strict=True):
                    yield solved.statement, node, piece, solution


def check(derived: Derivation) -> int:
    sizes, count = sizes_of(derived), 0
    for statement, node, piece, solution in pieces(derived):
        part = closed(statement, node, solution)
        assert part is not None or not solution.owned
        if part is not None:
            assert printed(statement, part, sizes) == stated(statement, node, piece, sizes)
            count += 1
    return count


@pytest.mark.parametrize("name", OPERATORS)
def test_the_printed_sums_visit_what_the_relation_states(name):
    counts = [check(derived) for derived in derivations(name)]
    assert sum(counts) or name in {"leaky", "rational"}


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_second_order_too(name):
    assert sum(check(derived) for derived in second_order(name))


def test_the_comparison_can_fail():
    derived = derivations("conv1_s2p1")[1]
    statement, node, piece, solution = next(pieces(derived))
    part = closed(statement, node, solution)
    sizes = sizes_of(derived)
    (f, taps) = part.sums
    shorter = Sum(taps.name, taps.lowers, tuple(type(b)(b.form - Affine((), 1), b.divisor) for b in taps.uppers))
    wrong = Closed(part.outside, (f, shorter), part.inside, part.divisions, part.phases, part.body)
    assert printed(statement, wrong, sizes) != stated(statement, node, piece, sizes)
