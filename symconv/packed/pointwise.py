"""Statements without a sum in lanes: blocks of neighbouring cells, the last one overlapping."""

from __future__ import annotations

from symconv.gather.solution import Gather
from symconv.loops.arith import const, total
from symconv.loops.candidate import Candidate
from symconv.loops.ir import (
    Const,
    Expr,
    Kernel,
    Load,
    LoadLanes,
    Nest,
    Splat,
    Stmt,
    StoreLanes,
    Var,
)
from symconv.loops.scalars import integer, scalar
from symconv.loops.schedule import Schedule
from symconv.loops.sizes import runtime_sizes
from symconv.loops.traverse import rewrite, substitute, walk
from symconv.notation.expr import Index, Read, reads
from symconv.notation.expr import walk as parts
from symconv.notation.operator import Statement
from symconv.packed.candidates import buffer_of
from symconv.packed.copying import span
from symconv.packed.loops import decoded
from symconv.packed.naming import OWN

__all__ = ["pointwise"]


def pointwise(gather: Gather, name: str) -> Candidate | None:
    """The kernel of a statement without a sum, None where what it reads does not move as its cells do."""
    solved, op = gather.statements[-1], gather.operator
    statement = solved.statement
    if len(gather.statements) != 1 or solved.reductions or not _suits(gather, statement):
        return None
    *outer, last = statement.indices
    sizes = tuple(integer(size) for size in statement.target.sizes)
    value = scalar(statement.expr, {}, frozenset())

    def block(at: Expr, mask: str) -> Stmt:
        place = tuple(at if index == last else Var(index) for index in statement.indices)
        return StoreLanes(statement.target.name, place, 1, mask, "=", _lanes(value, last, at, mask))

    body = (*decoded(tuple(outer), sizes[:-1], "z_"), *span(const(0), sizes[-1], block))
    nest = Nest("z_", total(sizes[:-1]), body, f"{name}: cell by cell, in lanes")
    known, checks = runtime_sizes(op)
    buffers = (*(buffer_of(tensor, "in") for tensor in op.inputs), buffer_of(statement.target, "out"))
    return Candidate(gather, Schedule("lanes", ()), Kernel(name, buffers, known, checks, (nest,)))


def _suits(gather: Gather, statement: Statement) -> bool:
    """Whether neighbouring cells read neighbouring elements, or all of them one."""
    last = statement.indices[-1] if statement.indices else ""
    dtypes = {tensor.name: tensor.dtype for tensor in (*gather.operator.inputs, statement.target)}
    counted = any(isinstance(node, Index) for node in parts(statement.expr))
    names = {*statement.indices, *(n for size in statement.target.sizes for n in size.names())}
    if not last or counted or names & OWN or set(dtypes.values()) != {"real"}:
        return False
    return all(_moves(read, last) for read in reads(statement.expr))


def _moves(read: Read, last: str) -> bool:
    moving = [k for k, form in enumerate(read.index) if form.coefficient(last)]
    return not moving or (moving == [len(read.index) - 1] and read.index[-1].coefficient(last) == 1)


def _lanes(value: Expr, last: str, at: Expr, mask: str) -> Expr:
    """The value in every lane, from the cell ``at`` on."""

    def rule(node: object) -> object:
        match node:
            case Load(tensor, index) if any(_speaks(form, last) for form in index):
                return LoadLanes(tensor, tuple(substitute(form, {last: at}) for form in index), 1, mask)
            case Load() | Const(real=True):
                return Splat(node)
        return node

    result: Expr = rewrite(value, rule)
    return result


def _speaks(expr: Expr, name: str) -> bool:
    return any(isinstance(node, Var) and node.name == name for node in walk(expr))
