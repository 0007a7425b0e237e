"""Statements computed cell by cell: every reduction of the statement in scalars, one store per cell."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from symconv.gather.solution import Solution
from symconv.gather.solve import solve
from symconv.loops.arith import add, mul, smallest
from symconv.loops.ir import (
    Compare,
    Const,
    Declare,
    Expr,
    Let,
    Nest,
    Scalar,
    Select,
    Stmt,
    Store,
    Update,
    Var,
)
from symconv.loops.nest import Order, guarded, nest
from symconv.loops.scalars import integer, scalar
from symconv.loops.tile import JOINS, neutral
from symconv.notation import expr as notation
from symconv.notation.affine import var
from symconv.notation.expr import Constraint, nonnegative
from symconv.notation.operator import Statement

__all__ = ["FAR", "best_of", "cell_nest", "first", "in_order", "is_plain", "position"]

FAR = Const(Fraction(2**31 - 1))
"""A position behind every tap."""

_RELATIONS = {"max": "larger", "min": "smaller"}


def is_plain(statement: Statement, solution: Solution) -> bool:
    """Whether the solution's cells are the statement's own indices, one to one, and every one of them."""
    same = solution.owned and solution.target == tuple(var(name) for name in statement.indices)
    return same and not _partial(statement, solution)


def _partial(statement: Statement, solution: Solution) -> list[Constraint]:
    """What restricts the cells beyond the target's own ranges: cells outside of it receive nothing here."""
    inner = {*solution.steps, *(name for phase in solution.phases for name in phase.names)}
    plain = {c for r in statement.ranges for c in (nonnegative(var(r.name)), nonnegative(r.extent - 1 - var(r.name)))}
    return [bound for bound in solution.bounds if not bound.form.names() & inner and bound not in plain]


def cell_nest(
    statement: Statement,
    solutions: dict[notation.Reduce, tuple[Solution, ...]],
    positions: frozenset[str],
    orders: Mapping[Solution, Order],
) -> Nest:
    """One nest over the target's cells, the steps of each solution in its order; callers check ``is_plain`` first."""
    names: dict[notation.Reduce, Expr] = {}
    body: list[Stmt] = []
    for count, (node, several) in enumerate(solutions.items()):
        total = f"sum{count}_"
        names[node] = Var(f"at{count}_") if node.kind.startswith("arg") else Var(total)
        body += _start(node, total, f"at{count}_")
        for solution in several:
            body += _loops(solution, statement, node, count, positions, orders[solution], len(several) == 1)
    target = tuple(Var(name) for name in statement.indices)
    body.append(Store(statement.target.name, target, scalar(statement.expr, names, positions)))
    frame = solve(statement.ranges, (), notation.Piece((), notation.Const(Fraction(0))))
    comment = f"{statement.target.name}: cell by cell"
    return nest(frame, Order(frame.cells, ()), lambda: tuple(body), wrap_at=-1, wrap=lambda b: b, comment=comment)


def _start(node: notation.Reduce, total: str, at: str) -> list[Stmt]:
    start: list[Stmt] = [Declare(total, neutral(JOINS.get(node.kind, node.kind.removeprefix("arg"))))]
    if node.kind.startswith("arg"):
        start.append(Declare(at, FAR, Scalar("int")))
    return start


def _loops(
    solution: Solution,
    statement: Statement,
    node: notation.Reduce,
    count: int,
    positions: frozenset[str],
    order: Order,
    alone: bool,
) -> tuple[Stmt, ...]:
    steps = tuple(item for item in order.inner if isinstance(item, str) and item in solution.steps)
    rest = tuple(name for name in solution.steps if name not in steps)
    frozen = Order(solution.cells, (*rest, *steps))
    value = scalar(solution.body, {}, positions)

    def leaf() -> tuple[Stmt, ...]:
        if not node.kind.startswith("arg"):
            return (Update(f"sum{count}_", JOINS.get(node.kind, node.kind), value),)
        return _extreme(node, solution, count, value, alone and (*rest, *steps) == in_order(node, solution))

    built = nest(solution, frozen, leaf, wrap_at=-1, wrap=lambda body: body, comment="")
    loops = tuple(s for s in built.body if not (isinstance(s, Let) and _is_cell(s.name, statement)))
    return guarded(_partial(statement, solution), loops)


def _is_cell(name: str, statement: Statement) -> bool:
    return name in statement.indices or name.endswith("z_")


def _extreme(node: notation.Reduce, solution: Solution, count: int, value: Expr, ordered: bool) -> tuple[Stmt, ...]:
    """Keep the better tap, and of equal ones the first in row-major window order."""
    best, at, new, where = Var(f"sum{count}_"), Var(f"at{count}_"), Var(f"new{count}_"), Var(f"pos{count}_")
    kind = node.kind.removeprefix("arg")
    return (
        Declare(new.name, value),
        Let(where.name, position(node, solution)),
        Update(at.name, "=", first(kind, best, at, new, where, ordered)),
        Update(best.name, kind, new),
    )


def position(node: notation.Reduce, solution: Solution) -> Expr:
    """Where a tap stands in the window, in row-major order."""
    result: Expr = Const(Fraction(0))
    for index in node.indices:
        result = add(mul(result, integer(index.extent)), integer(solution.value(index.name)))
    return result


def in_order(node: notation.Reduce, solution: Solution) -> tuple[str, ...] | None:
    """The steps in the order in which their loops meet taps by position, outermost first; None where none does."""
    moved = [solution.value(index.name) for index in node.indices]
    names = [[name for name in solution.steps if form.coefficient(name)] for form in moved]
    along = tuple(name for found in names for name in found)
    forward = all(
        len(found) < 2 and form.coefficient(found[0]) > 0 for found, form in zip(names, moved, strict=True) if found
    )
    return along if forward and sorted(along) == sorted(solution.steps) else None


def first(kind: str, best: Expr, at: Expr, new: Expr, where: Expr, ordered: bool = False) -> Expr:
    """The position of the better of ``best`` at ``at`` and ``new`` at ``where``, the smaller one where they are the
    same; where taps come ``ordered`` by position that is the one at hand."""
    relation = _RELATIONS[kind]
    if ordered:
        # A tap may be as extreme as what the search starts with, which has no position yet.
        return Select(Compare(relation, best, new), smallest([where, at]), where)
    better = Select(Compare(relation, new, best), where, at)
    return Select(Compare("same", new, best), smallest([where, at]), better)


def best_of(kind: str, best: Var, new: Var, ordered: bool, mask: str) -> Update:
    """The better of both, in lanes, right after :func:`first`: where taps come ``ordered``, what is compared there says
    it, and lanes compare once."""
    if not ordered:
        return Update(best.name, kind, new, mask)
    return Update(best.name, "=", Select(Compare(_RELATIONS[kind], best, new), best, new), mask)
