"""Border ``skip`` as constraints: each reduction is confined to the taps that are taken."""

from __future__ import annotations

from dataclasses import dataclass, replace

from symconv.notation.affine import var
from symconv.notation.expr import Constraint, Expr, Piece, Range, Reduce, children, nonnegative, rebuild
from symconv.notation.operator import Operator
from symconv.notation.taps import leaving
from symconv.relation.sets import Context, System, context_of, implied

__all__ = ["leave_out", "span"]


def span(ranges: tuple[Range, ...]) -> tuple[Constraint, ...]:
    """The constraints ``0 <= index < extent`` of ranges."""
    ends = ((nonnegative(var(r.name)), nonnegative(r.extent - 1 - var(r.name))) for r in ranges)
    return tuple(bound for pair in ends for bound in pair)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an expression stands: the indices in force, those that reductions bind, and what holds of them."""

    op: Operator
    context: Context
    ranges: tuple[Range, ...]
    bound: frozenset[str] = frozenset()
    where: tuple[Constraint, ...] = ()


def leave_out(op: Operator) -> Operator:
    """The operator with each reduction confined to the taps that none of its reads of border ``skip`` leaves out."""
    context = context_of(op)
    statements = (replace(s, expr=_confined(_Place(op, context, s.ranges), s.expr)) for s in op.statements)
    return replace(op, statements=tuple(statements))


def _confined(place: _Place, expr: Expr) -> Expr:
    if not isinstance(expr, Reduce):
        return rebuild(expr, tuple(_confined(place, child) for child in children(expr)))
    inner = replace(place, ranges=(*place.ranges, *expr.indices), bound=place.bound | {r.name for r in expr.indices})
    pieces = []
    for piece in expr.pieces:
        where = (*piece.where, *_taken(place, inner, expr, piece))
        pieces.append(Piece(where, _confined(replace(inner, where=(*place.where, *where)), piece.body)))
    return replace(expr, pieces=tuple(pieces))


def _taken(place: _Place, inner: _Place, node: Reduce, piece: Piece) -> tuple[Constraint, ...]:
    domain = System(tuple(r.name for r in inner.ranges), (*span(inner.ranges), *place.where, *piece.where))
    found: dict[Constraint, None] = {}
    for read, axis in leaving(node, piece.body, place.bound):
        form, size = read.index[axis], place.op.tensor(read.tensor).sizes[axis]
        bounds = (nonnegative(form), nonnegative(size - 1 - form))
        found.update((bound, None) for bound in bounds if not implied(place.context, domain, bound))
    return tuple(found)
