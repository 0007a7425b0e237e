"""Which elements of intermediates a cell is made of, through every statement before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from symconv.notation.operator import Operator
from symconv.views.terms import Cell, Term, cell_terms

__all__ = ["Element", "sources"]

Element = tuple[str, int]
"""A tensor and a row-major place in its array."""


def sources(
    op: Operator, cells: Mapping[int, tuple[Term, ...]], sizes: Mapping[str, int]
) -> dict[int, frozenset[Element]]:
    """For each cell of the output, given its terms, the elements of intermediates that it needs.

    >>> import symconv as sc
    >>> op = sc.operator("u[i] = x[i]*w[i]; y[i] = u[i]*u[i+1]")
    >>> sources(op, {0: sc.terms(op, (0,), x=(3,), w=(3,))}, op.sizes(x=(3,), w=(3,)))
    {0: frozenset({('u', 0), ('u', 1)})}
    """
    made = {statement.target.name: statement for statement in op.statements[:-1]}
    shapes = {name: statement.target.shape(dict(sizes)) for name, statement in made.items()}
    known: dict[tuple[str, Cell], frozenset[Element]] = {}

    def of(terms: Iterable[Term]) -> frozenset[Element]:
        read = {access for term in terms for access in term.factors if access[0] in made}
        return frozenset().union(*(through(name, index) for name, index in read))

    def through(name: str, index: Cell) -> frozenset[Element]:
        if (name, index) not in known:
            before = of(cell_terms(op, index, sizes, made[name]))
            at = int(np.ravel_multi_index(index, shapes[name])) if index else 0
            known[name, index] = before | {(name, at)}
        return known[name, index]

    return {at: of(terms) for at, terms in cells.items()}
