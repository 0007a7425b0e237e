"""Operators in solved form, which rewrites start from: every cell owns its sum, reads are addressed by its loops."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain, count

from symconv.derive.borders import resolve_borders
from symconv.errors import SpecError
from symconv.gather.gather import gather
from symconv.gather.solution import Solution
from symconv.notation.affine import Affine
from symconv.notation.expr import Border, Piece, Range, Read, Reduce, reads, transform, walk
from symconv.notation.operator import Operator, Statement

__all__ = ["ZERO_BORDER", "SolvedSum", "fresh_names", "outside", "solved_sum", "unsolved"]

ZERO_BORDER = Border("constant")


@dataclass(frozen=True, slots=True)
class SolvedSum:
    """The last statement of ``op``, one sum, with its solution; ``extents`` says how far each loop runs."""

    op: Operator
    statement: Statement
    solution: Solution
    extents: dict[str, Affine]


def solved_sum(op: Operator) -> SolvedSum:
    """The last statement's sum, solved.

    Raises SpecError where that statement is anything but one sum over one convex domain whose cells are its loops.
    """
    solved = gather(resolve_borders(op), proofs=False)
    last = solved.statements[-1]
    found = [(node, solution) for node, several in last.reductions for solution in several]
    if len(found) != 1 or last.statement.expr != found[0][0] or found[0][0].kind != "sum":
        raise SpecError(f"{op.name}: its last statement is not one sum over one domain; rewrites are for those")
    solution = found[0][1]
    if solution.phases or not solution.owned or tuple(form.name for form in solution.target) != solution.cells:
        raise SpecError(f"{op.name}: its cells are not loops of its sum; split them by residue classes first")
    return SolvedSum(solved.operator, last.statement, solution, _extents(solved.operator, last.statement, solution))


def _extents(op: Operator, statement: Statement, solution: Solution) -> dict[str, Affine]:
    extents = dict(zip(solution.cells, statement.target.sizes, strict=True))
    for read in reads(solution.body):
        for form, size in zip(read.index, op.tensor(read.tensor).sizes, strict=True):
            if form.name in solution.steps:
                extents.setdefault(form.name, size)
    missing = [name for name in solution.steps if name not in extents]
    if missing:
        raise SpecError(
            f"{op.name}: nothing says how far {', '.join(missing)} runs; an index must stand alone somewhere"
        )
    return extents


def unsolved(one: SolvedSum, name: str = "") -> Operator:
    """The solved sum as an operator again: reads that leave their tensors are zero, other bounds are the loops' own.

    Right for products; what it is for other bodies, a certificate says.
    """
    body = transform(one.solution.body, lambda node: outside(node) if isinstance(node, Read) else None)
    ranges = tuple(Range(step, one.extents[step]) for step in one.solution.steps)
    last = replace(one.statement, indices=one.solution.cells, expr=Reduce("sum", ranges, (Piece((), body),)))
    return replace(one.op, name=name or one.op.name, statements=(*one.op.statements[:-1], last))


def outside(read: Read) -> Read:
    """A read that finds zero outside of its tensor, where it can leave it."""
    return read if all(form.name for form in read.index) else replace(read, border=ZERO_BORDER)


def fresh_names(op: Operator, *wanted: str) -> tuple[str, ...]:
    """Names like the wanted ones that no tensor, size or index of the operator has."""
    tensors = (*op.inputs, *(statement.target for statement in op.statements))
    taken = {tensor.name for tensor in tensors} | {d.name for d in op.definitions} | _indices(op.statements)
    forms = (*(size for tensor in tensors for size in tensor.sizes), *(d.form for d in op.definitions))
    taken |= {name for form in forms for name in form.names()}
    found = []
    for name in wanted:
        new = next(n for n in chain((name,), (f"{name}{k}" for k in count(1))) if n not in taken)
        taken.add(new)
        found.append(new)
    return tuple(found)


def _indices(statements: Iterable[Statement]) -> set[str]:
    names: set[str] = set()
    for statement in statements:
        names |= set(statement.indices)
        for node in walk(statement.expr):
            if isinstance(node, Reduce):
                names |= {r.name for r in node.indices}
    return names
