"""Pieces with one body whose domains together are one convex domain become one piece."""

from __future__ import annotations

from itertools import combinations

from symconv.derive.skip import span
from symconv.notation.expr import Constraint, Expr, Piece, Range
from symconv.relation.sets import Context, System, difference, implied

__all__ = ["merged"]


def merged(context: Context, ranges: tuple[Range, ...], pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """The pieces, disjoint as before, with neighbours of equal bodies joined where isl proves it for all sizes."""
    bodies: dict[Expr, list[tuple[Constraint, ...]]] = {}
    for piece in pieces:
        bodies.setdefault(piece.body, []).append(piece.where)
    if len(bodies) == len(pieces):
        return pieces
    return tuple(Piece(where, body) for body, wheres in bodies.items() for where in _joined(context, ranges, wheres))


def _joined(
    context: Context, ranges: tuple[Range, ...], wheres: list[tuple[Constraint, ...]]
) -> list[tuple[Constraint, ...]]:
    for one, other in combinations(wheres, 2):
        union = _union(context, ranges, one, other)
        if union is not None:
            rest = [where for where in wheres if where not in (one, other)]
            return _joined(context, ranges, [union, *rest])
    return wheres


def _union(
    context: Context, ranges: tuple[Range, ...], one: tuple[Constraint, ...], other: tuple[Constraint, ...]
) -> tuple[Constraint, ...] | None:
    """The constraints that hold of both, where nothing else satisfies them."""
    every = tuple(dict.fromkeys((*one, *other)))
    names = {name for constraint in every for name in constraint.form.names()}
    near = tuple(r for r in ranges if r.name in names)
    dims, box = tuple(r.name for r in near), span(near)
    first, second = System(dims, (*box, *one)), System(dims, (*box, *other))
    both = tuple(
        c for c in every if (c in one or implied(context, first, c)) and (c in other or implied(context, second, c))
    )
    return both if difference(context, [System(dims, (*box, *both))], [first, second]) is None else None
