"""The way from a forward formula to the gather form of one gradient, every step kept with how it was checked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from symconv.derive.adjoint import adjoint, tangent
from symconv.derive.borders import resolve_borders
from symconv.derive.conventions import sentence
from symconv.derive.scalar import differentiate
from symconv.gather.gather import gather
from symconv.gather.solution import Gather
from symconv.notation.expr import Apply, Reduce, reads, walk
from symconv.notation.operator import Operator
from symconv.notation.trace import Step, Trace

__all__ = ["Derivation", "derivation", "forward", "forward_mode"]


@dataclass(frozen=True, slots=True)
class Derivation:
    """One derived operator: what was stated, what it became, and the steps between.

    ``stated`` is the operator as given, ``wrt`` the tensor differentiated by ("" for the forward itself), ``operator``
    the
    result in relation form (an operator like any other), ``gather`` its solved form, ``trace`` the steps.
    """

    stated: Operator
    wrt: str
    operator: Operator
    gather: Gather
    trace: Trace


@cache
def forward(op: Operator) -> Derivation:
    """The forward operator itself: borders resolved, solved, proved."""
    resolved = resolve_borders(op)
    solved = gather(resolved)
    return Derivation(op, "", resolved, solved, (*_borders(op, resolved), *_solve(resolved, solved)))


@cache
def derivation(op: Operator, wrt: str) -> Derivation:
    """The gradient of a loss with respect to input ``wrt``.

    Raises SpecError for an unknown tensor, DerivationError where no derivative exists, GatherError where a proof fails.
    """
    resolved = resolve_borders(op)
    result = adjoint(resolved, wrt)
    solved = gather(result)
    trace = (
        Step("state", op.source, op, "parsed; every index has a range"),
        *_borders(op, resolved),
        *_slopes(resolved, wrt),
        Step("transpose", resolved, result, "each read's access relation is inverted as a set of index pairs"),
        *_solve(result, solved),
    )
    return Derivation(op, wrt, result, solved, trace)


@cache
def forward_mode(op: Operator, wrt: tuple[str, ...]) -> Derivation:
    """The directional derivative along tangents ``t<name>`` of the tensors ``wrt``."""
    resolved = resolve_borders(op)
    result = tangent(resolved, wrt)
    solved = gather(result)
    steps = tuple(step for name in wrt for step in _slopes(resolved, name))
    return Derivation(op, ",".join(wrt), result, solved, (*_borders(op, resolved), *steps, *_solve(result, solved)))


def _borders(op: Operator, resolved: Operator) -> Trace:
    if op == resolved:
        return ()
    kinds = sorted({r.border.kind for s in op.statements for r in reads(s.expr) if r.border is not None})
    check = "isl: the pieces are disjoint and every read of each lies inside its tensor, for all sizes"
    return (Step("border", op, resolved, check, f"rule: {', '.join(kinds)}"),)


def _slopes(op: Operator, wrt: str) -> Trace:
    steps = []
    for statement in op.statements:
        for node in (n for n in walk(statement.expr) if isinstance(n, Reduce)):
            for piece in node.pieces:
                for read in reads(piece.body):
                    if read.tensor == wrt:
                        slope = differentiate(piece.body, read, op.kinks)
                        steps.append(
                            Step("differentiate", (piece.body, read), slope, "SymPy", _conventions(op, piece.body))
                        )
    return tuple(dict.fromkeys(steps))


def _conventions(op: Operator, body: object) -> str:
    chosen = dict(op.kinks)
    names = {n.function for n in walk(body) if isinstance(n, Apply)}  # type: ignore[arg-type]
    said = [sentence(name, chosen.get(name)) for name in sorted(names)]
    return "; ".join(s for s in said if s)


def _solve(op: Operator, solved: Gather) -> Trace:
    check = (
        "isl, for all sizes: the loops visit exactly the relation (nothing missed), each point once (nothing twice), "
        "and every read lies inside its tensor"
    )
    steps = []
    for statement in solved.statements:
        fallback = any(not s.owned for _, several in statement.reductions for s in several)
        note = "not invertible: the contributions choose the cell, serially per parallel cell" if fallback else ""
        steps.append(Step("solve", statement.statement, statement, check, note))
    return tuple(steps)
