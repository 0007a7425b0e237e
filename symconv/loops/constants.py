"""Constant tensors in a kernel: all their numbers stored by one nest."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from symconv.loops.arith import const
from symconv.loops.ir import Const, Nest, Store
from symconv.notation.operator import Statement
from symconv.notation.tables import Entries

__all__ = ["constant_nest"]


def constant_nest(statement: Statement, entries: Entries) -> Nest:
    """One iteration that stores every number, zeros too: a nest per number would be tens of nests."""
    known, name = dict(entries), statement.target.name
    places = product(*(range(size.constant) for size in statement.target.sizes))
    body = tuple(
        Store(name, tuple(map(const, place)), Const(known.get(place, Fraction(0)), real=True)) for place in places
    )
    return Nest("once_", const(1), body, comment=f"{name}: constants")
