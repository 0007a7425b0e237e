"""Which elements of intermediates a cell is made of, through every statement before it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from symconv.notation.operator import Operator, Statement
from symconv.views.terms import Cell, cell_terms

__all__ = ["Element", "sources"]

Element = tuple[str, int]
"""A tensor and a row-major place in its array."""


def sources(op: Operator, cells: Mapping[int, Cell], sizes: Mapping[str, int]) -> dict[int, frozenset[Element]]:
    """For each of these cells of the output, the elements of intermediates that it needs.

    >>> import symconv as sc
    >>> op = sc.operator("u[i] = x[i]*w[i]; y[i] = u[i]*u[i+1]")
    >>> sorted(sources(op, {0: (0,)}, op.sizes(x=(3,), w=(3,)))[0])
    [('u', 0), ('u', 1)]
    """
    made = {statement.target.name: statement for statement in op.statements[:-1]}
    if not made:
        return dict.fromkeys(cells, frozenset())
    shapes = {name: statement.target.shape(dict(sizes)) for name, statement in made.items()}
    known: dict[tuple[str, Cell], frozenset[Element]] = {}

    def of(statement: Statement, index: Cell) -> frozenset[Element]:
        terms = cell_terms(op, index, sizes, statement, seen=False)
        read = {access for term in terms for access in term.factors if access[0] in made}
        return frozenset().union(*(through(name, index) for name, index in read))

    def through(name: str, index: Cell) -> frozenset[Element]:
        if (name, index) not in known:
            at = int(np.ravel_multi_index(index, shapes[name])) if index else 0
            known[name, index] = of(made[name], index) | {(name, at)}
        return known[name, index]

    return {at: of(op.statements[-1], index) for at, index in cells.items()}
