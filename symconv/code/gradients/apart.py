"""One sum of products as a product of sums where its indices do not meet: (Σ_c x[c])·(Σ_k x[k])."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symconv.notation.expr import Apply, Const, Constraint, Expr, Index, Piece, Range, Read, Reduce, walk

__all__ = ["summed_apart", "times"]


def times(left: Expr | None, right: Expr) -> Expr:
    """A product, where there is a first factor."""
    return right if left is None else Apply("mul", (left, right))


def summed_apart(
    scale: Expr | None, ranges: Sequence[Range], factors: Sequence[Expr], conditions: Sequence[Constraint]
) -> Expr:
    """The sum of ``scale`` times the factors over the ranges, where the conditions hold.

    Indices that stand together in no factor and no condition are summed apart: as many terms as there are indices of
    each, not their product. Where all meet it is one sum, with the factors that no index stands in but for sums.
    """
    names = {one.name for one in ranges}
    groups: list[set[str]] = [{name} for name in names]
    for met in (*(_mentioned(one) & names for one in factors), *(one.form.names() & names for one in conditions)):
        joined = [one for one in groups if one & met]
        groups = [one for one in groups if not one & met] + ([set[str]().union(*joined)] if joined else [])
    free = [one for one in factors if not _mentioned(one) & names]
    if len(groups) < 2 and not any(isinstance(node, Reduce) for one in free for node in walk(one)):
        return _sum(ranges, conditions, _product(scale, factors))
    parts = [scale] if scale is not None else []
    bare = [one for one in conditions if not one.form.names() & names]
    parts += [_sum((), bare, _product(None, free))] if bare or free else []
    for group in sorted(groups, key=lambda group: min(k for k, one in enumerate(ranges) if one.name in group)):
        own = [one for one in factors if _mentioned(one) & group]
        where = [one for one in conditions if one.form.names() & group]
        parts.append(_sum([one for one in ranges if one.name in group], where, _product(None, own)))
    return _product(None, parts)


def _product(scale: Expr | None, factors: Sequence[Expr]) -> Expr:
    for one in factors:
        scale = times(scale, one)
    return Const(Fraction(1)) if scale is None else scale


def _sum(ranges: Sequence[Range], conditions: Sequence[Constraint], body: Expr) -> Expr:
    return Reduce("sum", tuple(ranges), (Piece(tuple(conditions), body),)) if ranges or conditions else body


def _mentioned(expr: Expr) -> set[str]:
    """The indices that an expression mentions, those of sums in it among them."""
    found: set[str] = set()
    for node in walk(expr):
        match node:
            case Read(_, index):
                found.update(*(form.names() for form in index))
            case Index(form):
                found |= form.names()
            case Reduce(_, ranges, pieces):
                found.update(*(one.extent.names() for one in ranges))
                found.update(*(c.form.names() for piece in pieces for c in piece.where))
    return found
