"""Sums that a formula holds more than once get a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from symconv.notation.expr import Expr, Index, Read, Reduce, children, walk
from symconv.notation.operator import Statement
from symconv.views.dialect import Dialect, Frag

__all__ = ["named_sum", "shared_sums"]

_LETTERS = ("S", "A", "B", "Z")
"""The first one that nothing else is called by."""


def shared_sums(statements: Iterable[Statement]) -> dict[Reduce, str]:
    """Reductions that stand more than once in these statements, each with a name that is free.

    >>> import symconv as sc
    >>> op = sc.operator("y[i] = sum[p](x[i,p])/(1 + abs(sum[p](x[i,p])))")
    >>> list(shared_sums(op.statements).values())
    ['S']
    >>> shared_sums(sc.conv1d().statements)
    {}
    """
    several = tuple(statements)
    counts = Counter(node for statement in several for node in _outermost(statement.expr))
    found = [node for node, count in counts.items() if count > 1 and node.indices]
    if not found:
        return {}
    taken = {name for statement in several for name in _names(statement)}
    letter = next((one for one in _LETTERS if not any(name.startswith(one) for name in taken)), "sum_")
    return {node: letter if len(found) == 1 else f"{letter}{k}" for k, node in enumerate(found, 1)}


def named_sum(node: Reduce, name: str, statement: Statement, dialect: Dialect) -> Frag:
    """What stands for a reduction: its name, with the indices of the cell that it depends on."""
    free = _read(node)
    indices = tuple(dialect.symbol(index) for index in statement.indices if index in free)
    return Frag(dialect.element(dialect.tensor(name), indices))


def _outermost(expr: Expr) -> Iterator[Reduce]:
    if isinstance(expr, Reduce):
        yield expr
        return
    for child in children(expr):
        yield from _outermost(child)


def _names(statement: Statement) -> set[str]:
    tensors = {node.tensor for node in walk(statement.expr) if isinstance(node, Read)}
    sizes = {name for size in statement.target.sizes for name in size.names()}
    return {statement.target.name, *statement.indices, *tensors, *sizes, *_read(statement.expr)}


def _read(expr: Expr) -> set[str]:
    """Every index and size in an expression."""
    found: set[str] = set()
    for node in walk(expr):
        match node:
            case Read(_, forms, _):
                found.update(name for form in forms for name in form.names())
            case Index(form):
                found |= form.names()
            case Reduce(_, ranges, pieces):
                found.update(name for r in ranges for name in (r.name, *r.extent.names()))
                found.update(name for piece in pieces for c in piece.where for name in c.form.names())
    return found
