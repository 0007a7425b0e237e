"""What the larger module of an entry computes: each output in stages, or of an operator with a padded operand."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, reduce

from symconv.algorithms.packing import padded
from symconv.errors import SymconvError
from symconv.gather.derivation import derivation, forward
from symconv.gather.solution import Gather
from symconv.loops.arith import add, const, mul
from symconv.loops.candidate import Candidate
from symconv.loops.ir import Expr
from symconv.loops.scalars import integer
from symconv.notation.expr import Apply, Reduce, reads, walk
from symconv.notation.expr import Expr as Expression
from symconv.notation.operator import Operator
from symconv.packed import Halo, bordered_masked, packed_masked, packs, shared, stages
from symconv.tune.facts import Facts

__all__ = ["haloed", "staged", "work"]


def staged(wanted: tuple[tuple[Operator, str], ...]) -> tuple[tuple[Gather, ...], tuple[Gather, ...]]:
    """The arrays that outputs share, and the form of each output: those are gradients of operators, or ("") what the
    operators compute.

    A sum over a border that is no zero in a product has a piece for every side. Where it is one sum over an operand
    that was copied with its halo, and that is proved, the copy is a stage; a halo of zeros needs none (``haloed``).
    """
    wholes = tuple(_solved(op, wrt) for op, wrt in wanted)
    return shared(tuple(_stages(op, wrt, wholes) for op, wrt in wanted))


def _stages(op: Operator, wrt: str, beside: tuple[Gather, ...]) -> tuple[Gather, ...]:
    whole = _solved(op, wrt)
    found = stages(whole, beside)
    if any(map(packs, found)) and not any(map(_in_pieces, found)):
        return found
    if haloed(op, wrt) is not None:
        return (whole,)
    cut = any(map(_extreme_in_pieces, found))
    for copied in _copied(op, wrt):
        if any(map(packs, copied)) or (cut and not any(map(_in_pieces, copied))):
            return copied
    if any(map(packs, found)):
        return found
    return found if len(found) == 1 or _common(beside) else (whole,)


@lru_cache(maxsize=32)
def haloed(op: Operator, wrt: str) -> Halo | None:
    """The sum of an output over an operand in a halo of zeros, and the copy: packing does both at once."""
    whole = _solved(op, wrt)
    if len(whole.statements) > 1 or not _in_pieces(whole):
        return None
    for copied in _copied(op, wrt):
        if len(copied) == 2 and bordered_masked(whole, (copied[0], copied[1])) is not None:
            return copied[0], copied[1]
    return None


def _copied(op: Operator, wrt: str) -> Iterator[tuple[Gather, ...]]:
    """The stages of an output over each operand that can be copied with its halo."""
    for tensor in _bordered(op):
        other = _padded(op, tensor)
        if other is not None:
            yield stages(_solved(other, wrt))


def _in_pieces(form: Gather) -> bool:
    """Whether what is left of a statement sums in several pieces, those of a border."""
    solutions = [one for _, several in form.statements[0].reductions for one in several]
    return sum(bool(one.steps) for one in solutions) > 1


def _extreme_in_pieces(form: Gather) -> bool:
    """Whether an extreme is one of several pieces, which have no lanes together."""
    (solved, *_) = form.statements
    return _in_pieces(form) and all(node.kind != "sum" for node, _ in solved.reductions)


def _common(gathers: tuple[Gather, ...]) -> bool:
    """Whether outputs share what a statement computes, such as the place of each maximum."""
    every = [solved.statement for gather in gathers for solved in gather.statements[:-1]]
    return len({(one.indices, one.target.axes, one.expr) for one in every}) < len(every)


def _solved(op: Operator, wrt: str) -> Gather:
    return (derivation(op, wrt) if wrt else forward(op)).gather


def _padded(op: Operator, tensor: str) -> Operator | None:
    """The operator with an operand copied into its halo, where that is proved equal.

    None where slopes are declared: they are said of the operands, which a copy is none of.
    """
    if op.surrogates:
        return None
    try:
        rewrite = padded(op, tensor)
    except SymconvError:
        return None
    return rewrite.after if rewrite else None


def _bordered(op: Operator) -> tuple[str, ...]:
    """The tensors that the last statement reads beyond their border."""
    found = (read for read in reads(op.statements[-1].expr) if read.border and read.border.kind != "skip")
    return tuple(dict.fromkeys(read.tensor for read in found))


_LINES = frozenset({"neg", "add", "sub", "abs", "relu", "leaky_relu", "max", "min"})
"""Functions of sums that are no larger in error than in size."""
_POINTS = 4
"""Transforms of more points state an error that only results as large as the sum keep."""


def magnified(forms: tuple[Gather, ...], lasts: tuple[Gather, ...]) -> frozenset[str]:
    """The arrays whose error, in units of their largest element, may be larger in those of a result: where a function
    such as tanh holds the result small."""
    names = {form.operator.output.name for form in forms}
    found: set[str] = set()
    for last in lasts:
        statement = last.statements[0].statement
        if not _lines(statement.expr):
            read = {node.tensor for node in reads(statement.expr)}
            found |= {statement.target.name} | (read & names)
    return frozenset(found)


def _lines(expr: Expression) -> bool:
    match expr:
        case Apply(function, arguments):
            return function in _LINES and all(map(_lines, arguments))
    return True


def near_enough(ways: tuple[Candidate, ...], magnified: bool) -> tuple[Candidate, ...]:
    """The candidates without those whose error is too large where it is magnified."""
    return tuple(way for way in ways if not (magnified and isinstance(way.facts, Facts) and _far(way.facts)))


def _far(facts: Facts) -> bool:
    return any(points > _POINTS for _, points in facts.transform)


def work(op: Operator, gathers: tuple[Gather, ...]) -> Expr | None:
    """The operations of a call, where a module with more kernels has other ways for some of them."""
    counts = [_operations(op, gather) for gather in gathers]
    known = [one for one in counts if one is not None]
    return reduce(add, known) if known else _terms(op) if _common(gathers) else None


def _operations(op: Operator, gather: Gather) -> Expr | None:
    found = [facts.flops for form in stages(gather) if isinstance(facts := packed_masked(form), Facts)]
    if found:
        return reduce(add, found)
    return _terms(op) if _bordered(op) else None


def _terms(op: Operator) -> Expr | None:
    """Twice the terms of every reduction of the operator as it is stated."""
    total: Expr = const(0)
    for statement in op.statements:
        for node in walk(statement.expr):
            if isinstance(node, Reduce):
                extents = [integer(one.extent) for one in (*statement.ranges, *node.indices)]
                total = add(total, mul(const(2), reduce(mul, extents)))
    return None if total == const(0) else total
