"""Border ``skip`` as constraints: which taps of which reduction are left out.

A read leaves its tensor along an axis. The tap that is left out belongs to the innermost reduction that binds an index
of that axis; where no reduction does, to the innermost reduction around the read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint, Expr, Piece, Range, Read, Reduce, children, nonnegative, rebuild
from symconv.notation.operator import Operator
from symconv.relation.sets import Context, System, context_of, implied

__all__ = ["leave_out", "span"]


def span(ranges: tuple[Range, ...]) -> tuple[Constraint, ...]:
    """The constraints ``0 <= index < extent`` of ranges."""
    return tuple(bound for r in ranges for bound in (nonnegative(var(r.name)), nonnegative(r.extent - 1 - var(r.name))))


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
    own = frozenset(r.name for r in node.indices)
    found: dict[Constraint, None] = {}
    for read, within, nested in _reads(piece.body):
        if read.border is None or read.border.kind != "skip":
            continue
        for form, size in zip(read.index, place.op.tensor(read.tensor).sizes, strict=True):
            if _owns(form, own, within, place.bound, nested):
                bounds = (nonnegative(form), nonnegative(size - 1 - form))
                found.update((b, None) for b in bounds if not implied(place.context, domain, b))
    return tuple(found)


def _owns(form: Affine, own: frozenset[str], within: frozenset[str], around: frozenset[str], nested: bool) -> bool:
    """Whether an axis read at ``form`` leaves out taps of the reduction that binds ``own``."""
    names = form.names()
    if names & within:
        return False
    return bool(names & own) or not (nested or names & around)


def _reads(
    expr: Expr, within: frozenset[str] = frozenset(), nested: bool = False
) -> Iterator[tuple[Read, frozenset[str], bool]]:
    """Every read below, with the indices that reductions below bind around it, and whether there is one."""
    match expr:
        case Read():
            yield expr, within, nested
        case Reduce(_, indices, pieces):
            for piece in pieces:
                yield from _reads(piece.body, within | {r.name for r in indices}, True)
        case _:
            for child in children(expr):
                yield from _reads(child, within, nested)
