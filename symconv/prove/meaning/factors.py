"""Products over few taps written as the products they are."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from itertools import product

from symconv.limits import FACTORS
from symconv.notation.affine import affine
from symconv.notation.expr import Apply, Expr, Reduce, reads, rename, transform, walk
from symconv.notation.operator import Operator

__all__ = ["multiplied_out"]


def multiplied_out(op: Operator) -> Operator:
    """The operator with products over a known number of taps as factors one by one: a polynomial in the tensors.

    >>> import symconv as sc
    >>> op = multiplied_out(sc.operator("y[n,i] = prod[p<2](x[n,i+p])"))
    >>> [type(s.expr).__name__ for s in op.statements]
    ['Apply']
    """
    return replace(op, statements=tuple(replace(s, expr=transform(s.expr, _factors)) for s in op.statements))


def _factors(node: Expr) -> Expr | None:
    match node:
        case Reduce("prod", indices, (piece,)) if not piece.where and all(r.extent.is_constant for r in indices):
            taps = list(product(*(range(r.extent.constant) for r in indices)))
            # A factor that is left out is no factor of a product without the reduction; names that an inner reduction
            # binds would be replaced as well.
            skips = any(read.border is not None and read.border.kind == "skip" for read in reads(piece.body))
            nested = any(isinstance(inner, Reduce) for inner in walk(piece.body))
            if 1 <= len(taps) <= FACTORS and not skips and not nested:
                names = [r.name for r in indices]
                bodies = [rename(piece.body, dict(zip(names, map(affine, at), strict=True))) for at in taps]
                return reduce(lambda one, other: Apply("mul", (one, other)), bodies)
    return None
