"""Where reads beyond the ends of an axis go: found by deriving the smallest operator that has the border."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from symconv import pipeline
from symconv.errors import SymconvError
from symconv.notation.expr import Border, reads
from symconv.notation.front import formula
from symconv.notation.operator import Operator
from symconv.notation.shapes import bind_sizes, completed
from symconv.views.terms import cell_terms

__all__ = ["border_of", "mirrors"]

_CONTINUED = frozenset(("reflect", "symmetric", "replicate", "circular"))


def border_of(op: Operator, tensor: str) -> str:
    """The border rule by which an operator continues a tensor; empty where it does not."""
    found = (r.border for s in op.statements for r in reads(s.expr) if r.tensor == tensor)
    return next((b.kind for b in found if isinstance(b, Border) and b.kind in _CONTINUED), "")


@lru_cache(maxsize=64)
def mirrors(kind: str, low: int, high: int, size: int) -> Mapping[int, int]:
    """Of each position outside an axis of ``size``, up to ``low`` and ``high`` from its ends, the one that is read.

    >>> dict(mirrors("reflect", 2, 1, 5))
    {-2: 2, -1: 1, 5: 3}
    """
    if not kind or low < 0 or high < 0:
        return {}
    try:
        stated = formula(f"y[i] = sum[p](x[i+p-{low}])", padding=((low, high),), extents={"p": 1}, border=kind)
        op = pipeline.forward(stated).operator
        sizes = bind_sizes(op, completed(op, {"x": (size,)}))
        outside = (*range(-low, 0), *range(size, size + high))
        return {t: _source(op, t + low, sizes) for t in outside}
    except SymconvError:
        # An axis that is too short to be continued so far.
        return {}


def _source(op: Operator, cell: int, sizes: Mapping[str, int]) -> int:
    (term,) = cell_terms(op, (cell,), sizes)
    ((_, (at,)),) = term.factors
    return at
