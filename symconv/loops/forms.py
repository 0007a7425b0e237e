"""What a solved statement is, before anything is decided about its loops: its sums, their pieces, and its form."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from symconv.gather.solution import Gather, Solution, Solved
from symconv.gather.solve import solve
from symconv.loops.cells import in_order, is_plain, position
from symconv.loops.scalars import scalar
from symconv.loops.tile import JOINS, SUM, Target, neutral
from symconv.notation.expr import Apply, Const, Piece, Reduce, reads, walk
from symconv.notation.expr import Expr as Formula
from symconv.notation.functions import TABLE
from symconv.notation.operator import Statement

__all__ = ["Form", "Part", "form_of", "index_tensors", "mapped", "whole_target"]

_ZERO = Const(Fraction(0))


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of one reduction: ``nest`` is what directives call it, ``op`` how it joins its cell."""

    nest: str
    node: Reduce
    op: str
    solution: Solution


@dataclass(frozen=True, slots=True)
class Form:
    """A statement by its reductions: ``linear`` (sums and a ``rest`` without), ``single`` (a function of one),
    ``first`` (the position of an extreme) or ``several``. ``plain`` says that each piece visits the statement's own
    cells, all of them, so that one nest can finish a cell before the next."""

    kind: Literal["linear", "single", "first", "several"]
    parts: tuple[Part, ...]
    rest: Formula = _ZERO
    plain: bool = False


def form_of(solved: Solved) -> Form:
    """The form of a statement."""
    statement, expr = solved.statement, solved.statement.expr
    nodes = [node for node, _ in solved.reductions]
    terms = _terms(expr)
    parts = []
    # Terms may name a sum twice; each time it counts.
    linear = terms is not None and all(node.kind == "sum" for node in nodes)
    named = (
        [(node, "+" if s > 0 else "-") for s, node in terms[0]] if linear and terms else [(n, _op(n)) for n in nodes]
    )
    solutions = dict(solved.reductions)
    for node, op in named:
        parts += [(node, op, solution) for solution in solutions[node]]
    made = tuple(Part(f"{statement.target.name}.{k}", *part) for k, part in enumerate(parts))
    plain = all(is_plain(statement, part.solution) for part in made)
    if len(nodes) == 1 and nodes[0].kind.startswith("arg") and expr == nodes[0]:
        return Form("first", made, plain=plain)
    if linear and terms is not None:
        return Form("linear", made, terms[1], plain)
    if len(nodes) == 1 and not nodes[0].kind.startswith("arg"):
        return Form("single", made, plain=plain)
    return Form("several", made, plain=plain)


def mapped(statement: Statement) -> Form | None:
    """A statement without reductions as a sum of one term at each cell, which may stand in lanes; None where compilers
    put what it computes in lanes by themselves, as they do with all but series and roots."""
    if not any(isinstance(node, Apply) and TABLE[node.function].is_series for node in walk(statement.expr)):
        return None
    node = Reduce("sum", (), (Piece((), statement.expr),))
    part = Part(f"{statement.target.name}.0", node, "+", solve(statement.ranges, (), node.pieces[0]))
    return Form("linear", (part,), plain=is_plain(statement, part.solution))


def _op(node: Reduce) -> str:
    return JOINS.get(node.kind, node.kind)


def whole_target(statement: Statement, form: Form, positions: frozenset[str]) -> Target | None:
    """What becomes of a cell's sum where one nest starts and finishes it; None where several pieces share a cell."""
    if len(form.parts) != 1 or not form.plain:
        return None
    part = form.parts[0]
    name = statement.target.name
    match form.kind:
        case "linear":
            return Target(name, part.op, scalar(form.rest, {}, positions))
        case "first":
            where, along = position(part.node, part.solution), in_order(part.node, part.solution)
            return Target(name, part.node.kind.removeprefix("arg"), where=where, along=along)
        case "single":
            finish = scalar(statement.expr, {part.node: SUM}, positions)
            beside = tuple(read for read in reads(statement.expr) if read.tensor not in positions)
            return Target(name, part.op, neutral(part.op), finish=finish, beside=beside)
        case "several":
            return None


def index_tensors(gather: Gather) -> frozenset[str]:
    """The tensors that hold positions."""
    every = (*gather.operator.inputs, *(solved.statement.target for solved in gather.statements))
    return frozenset(tensor.name for tensor in every if tensor.dtype == "index")


def _terms(expr: Formula) -> tuple[list[tuple[int, Reduce]], Formula] | None:
    """``Σ ±reduction + rest`` with a rest free of reductions, or None."""
    match expr:
        case Reduce():
            return [(1, expr)], _ZERO
        case Apply("neg", (inner,)):
            found = _terms(inner)
            return found and ([(-s, r) for s, r in found[0]], _negated(found[1]))
        case Apply("add" | "sub" as function, (left, right)):
            a, b = _terms(left), _terms(right)
            if a is None or b is None:
                return None
            flipped = [(-s if function == "sub" else s, r) for s, r in b[0]]
            return [*a[0], *flipped], _joined(function, a[1], b[1])
    return None if _holds_reduction(expr) else ([], expr)


def _joined(function: str, left: Formula, right: Formula) -> Formula:
    if right == _ZERO:
        return left
    if left == _ZERO:
        return _negated(right) if function == "sub" else right
    return Apply(function, (left, right))


def _negated(expr: Formula) -> Formula:
    return expr if expr == _ZERO else Apply("neg", (expr,))


def _holds_reduction(expr: Formula) -> bool:
    match expr:
        case Reduce():
            return True
        case Apply(_, arguments):
            return any(_holds_reduction(argument) for argument in arguments)
    return False
