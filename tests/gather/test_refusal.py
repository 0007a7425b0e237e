"""A solved form that is not the relation is refused with a point: nothing missed, nothing extra, nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

import symconv as sc
from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.errors import GatherError
from symconv.gather.gather import gather, prove_inside, prove_solution
from symconv.gather.solution import Solution
from symconv.notation.affine import Affine, maximum, quotient, var
from symconv.notation.expr import Apply, Constraint, Piece, Range, Read, Reduce, equal, nonnegative, transform
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.relation.sets import context_of

OP = sc.conv2d(stride=(2, 3), padding=((1, 0), (0, 2)), dilation=(1, 2))


def solved(op: Operator, wrt: str) -> Iterator[tuple[Operator, Statement, Reduce, Piece, Solution]]:
    found = gather(adjoint(resolve_borders(op), wrt))
    for one in found.statements:
        for node, solutions in one.reductions:
            assert len(node.pieces) == len(solutions)
            for piece, solution in zip(node.pieces, solutions, strict=True):
                yield found.operator, one.statement, node, piece, solution


def check(op: Operator, statement: Statement, node: Reduce, piece: Piece, solution: Solution) -> None:
    prove_solution(context_of(op), statement.ranges, node.indices, piece, solution)


@pytest.mark.parametrize("wrt", ["x", "w"])
def test_the_solution_itself_is_proved(wrt) -> None:
    for parts in solved(OP, wrt):
        check(*parts)


@pytest.mark.parametrize("wrt", ["x", "w"])
def test_a_bound_moved_by_one_is_refused(wrt) -> None:
    for op, statement, node, piece, solution in solved(OP, wrt):
        assert solution.bounds
        for at, bound in enumerate(solution.bounds):
            for change in (-1, 1):
                moved = replace(bound, form=bound.form + change)
                bounds = (*solution.bounds[:at], moved, *solution.bounds[at + 1 :])
                names = bound.form.names()
                if bound.equality or not any(n[0].islower() for n in names):
                    continue
                with pytest.raises(GatherError, match="differ at"):
                    check(op, statement, node, piece, replace(solution, bounds=bounds))


def test_a_bound_dropped_is_refused() -> None:
    refused = 0
    for op, statement, node, piece, solution in solved(OP, "x"):
        for at in range(len(solution.bounds)):
            bounds = (*solution.bounds[:at], *solution.bounds[at + 1 :])
            with pytest.raises(GatherError):
                check(op, statement, node, piece, replace(solution, bounds=bounds))
            refused += 1
    assert refused >= 4


Change = Callable[[Solution], Solution]

PHASES: dict[str, Change] = {
    "a residue lost": lambda s: replace(s, phases=tuple(replace(p, table=p.table[1:]) for p in s.phases)),
    "a tap shifted": lambda s: replace(
        s, phases=tuple(replace(p, table=tuple((r, k + 1, m) for r, k, m in p.table)) for p in s.phases)
    ),
    "an output shifted": lambda s: replace(
        s, phases=tuple(replace(p, table=tuple((r, k, m + 1) for r, k, m in p.table)) for p in s.phases)
    ),
    "taps exchanged": lambda s: replace(
        s,
        phases=tuple(
            replace(p, table=tuple((r, k, m) for (r, _, m), (_, k, _) in zip(p.table, p.table[::-1], strict=True)))
            for p in s.phases
        ),
    ),
    "a step of another length": lambda s: replace(
        s, values=tuple((n, f + var(s.steps[-1]) if n == "p" else f) for n, f in s.values)
    ),
}


@pytest.mark.parametrize("change", PHASES)
def test_wrong_phases_are_refused(change) -> None:
    for op, statement, node, piece, solution in solved(OP, "x"):
        wrong = PHASES[change](solution)
        assert wrong != solution
        with pytest.raises(GatherError):
            check(op, statement, node, piece, wrong)


def test_a_point_visited_twice_is_refused() -> None:
    for op, statement, node, piece, solution in solved(OP, "w"):
        again = replace(
            solution,
            steps=(*solution.steps, "again"),
            values=tuple((n, f + 0 * var("again")) for n, f in solution.values),
            bounds=(*solution.bounds, nonnegative(var("again")), nonnegative(1 - var("again"))),
        )
        doubled = replace(again, values=tuple((n, f + var("again") if n == "n" else f) for n, f in again.values))
        if doubled.values == again.values:
            doubled = replace(again, values=(*again.values, ("n", var("n") + var("again"))))
        with pytest.raises(GatherError):
            check(op, statement, node, piece, doubled)


def test_a_read_that_leaves_its_tensor_is_refused() -> None:
    op, statement, node, piece, _ = next(solved(OP, "x"))

    def moved(expr: object) -> object:
        if isinstance(expr, Read) and expr.tensor == "gy":
            return replace(expr, index=(*expr.index[:-1], expr.index[-1] + 1))
        return None

    wrong = replace(piece, body=transform(piece.body, moved))
    domain = (*statement.ranges, *node.indices)
    prove_inside(op, context_of(op), domain, piece)
    with pytest.raises(GatherError, match="can leave gy"):
        prove_inside(op, context_of(op), domain, wrong)


I, P, H, K = (var(name) for name in ("i", "p", "H", "K"))
BENT = {
    "x is read at floor((i)/2)": (quotient(I, 2), (), K),
    "x is read at max(i - 1, 0)": (maximum(I - 1, Affine()), (), K),
    "a sum is taken where floor((i + p)/2) - 1 is bounded": (I, (nonnegative(quotient(I + P, 2) - 1),), K),
    "a sum is taken where -floor((i)/2) + p is bounded": (I, (equal(P, quotient(I, 2)),), K),
    "p runs to max(H - i, K)": (I, (), maximum(H - I, K)),
}


@pytest.mark.parametrize("where", BENT)
def test_floors_and_maxima_of_indices_never_reach_loops(where) -> None:
    place, constraints, extent = BENT[where]
    with pytest.raises(GatherError) as refused:
        gather(_of(place, constraints, extent))
    assert where in str(refused.value)
    assert "loops run over indices and linear forms" in str(refused.value)


def _of(place: Affine, constraints: tuple[Constraint, ...], extent: Affine) -> Operator:
    x, w = Tensor("x", ((H,),)), Tensor("w", ((K,),))
    body = Apply("mul", (Read("x", (place,)), Read("w", (P,))))
    total = Reduce("sum", (Range("p", extent),), (Piece(constraints, body),))
    return Operator("t", (x, w), (Statement(Tensor("y", ((H,),)), ("i",), total),))


def test_maxima_of_sizes_are_numbers() -> None:
    assert gather(_of(I, (nonnegative(maximum(H - K, Affine()) - P),), K)).statements


def test_a_read_at_the_end_of_an_axis_that_may_be_empty_is_solved() -> None:
    x = Tensor("x", ((H,), (var("W"),)))
    read = Reduce("sum", (), (Piece((equal(I, Affine()),), Read("x", (H - 1, var("j")))),))
    rolled = Operator("t", (x,), (Statement(Tensor("y", ((H,), (var("W"),))), ("i", "j"), read),), batch="H")
    assert gather(rolled).statements
    assert gather(adjoint(rolled, "x")).statements
