"""Sums over an index that has one value, written without it."""

from __future__ import annotations

from dataclasses import replace

from symconv.notation.affine import affine
from symconv.notation.expr import Expr, Piece, Reduce, rename

__all__ = ["without_lone"]


def without_lone(node: Reduce) -> Expr:
    """The same reduction over the indices that have more than one value; where none is left, the summand.

    Sums alone: the position that argmax finds, and the range a maximum is shown with, count every index.

    >>> from symconv.notation.front import formula
    >>> from symconv.notation.expr import Reduce
    >>> op = formula("y[i] = sum[p](x[i+p])", extents={"p": 1})
    >>> node = op.statements[0].expr
    >>> isinstance(node, Reduce), isinstance(without_lone(node), Reduce)
    (True, False)
    """
    values = {r.name: affine(0) for r in node.indices if r.extent == affine(1)}
    if node.kind != "sum" or not values:
        return node
    pieces = tuple(Piece(tuple(c.substitute(values) for c in p.where), rename(p.body, values)) for p in node.pieces)
    kept = tuple(r for r in node.indices if r.name not in values)
    if not kept and len(pieces) == 1 and not pieces[0].where:
        return pieces[0].body
    return replace(node, indices=kept, pieces=pieces)
