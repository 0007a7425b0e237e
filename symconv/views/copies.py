"""Copies with a border, and their transposes: what a reader looks through to see the tensor itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from symconv.notation.expr import Apply, Constraint, Expr, Range, Read, Reduce, children
from symconv.notation.operator import Operator, Statement

__all__ = ["seen_through"]

_Lone = tuple[tuple[Range, ...], tuple[Constraint, ...], Read]
"""A read that is a summand alone: the indices that are summed, under which constraints, and the read."""


def seen_through(op: Operator) -> Mapping[str, Statement]:
    """The statements by their tensor that hand numbers on as they are.

    A copy has an element of another tensor in each cell. Its transpose is read by nothing but sums that add each of
    its cells, alone, to one cell.

    >>> import symconv as sc
    >>> g = sc.derive(sc.conv2d(padding=1, border="reflect"), "x")
    >>> [(one.target.name, one.target.name in seen_through(g.operator)) for one in g.operator.statements]
    [('gx11', True), ('gx1', True), ('gx', False)]
    """
    made = {statement.target.name: statement for statement in op.statements[:-1]}
    if not made:
        return {}
    kept = {name for statement in op.statements for name in _otherwise(statement.expr, len(statement.indices))}
    return {name: statement for name, statement in made.items() if name not in kept or _copies(statement)}


def _copies(statement: Statement) -> bool:
    """Whether each cell is made of elements at places that the cell says: a read alone in every piece."""
    return isinstance(statement.expr, Read) or all(
        isinstance(one, Reduce)
        and len(lone := list(_lone(one))) == len(one.pieces)
        and all(where and {index.name for index in ranges} <= _tied(where) for ranges, where, _ in lone)
        for one in _summands(statement.expr)
    )


def _summands(expr: Expr) -> Iterator[Expr]:
    match expr:
        case Apply("add", arguments):
            for argument in arguments:
                yield from _summands(argument)
        case _:
            yield expr


def _lone(expr: Reduce) -> Iterator[_Lone]:
    if expr.kind == "sum":
        yield from ((expr.indices, piece.where, piece.body) for piece in expr.pieces if isinstance(piece.body, Read))


def _tied(where: tuple[Constraint, ...]) -> set[str]:
    """Names that an equality settles once the others are known."""
    return {name for one in where if one.equality for name in one.form.names() if abs(one.form.coefficient(name)) == 1}


def _otherwise(expr: Expr, rank: int) -> Iterator[str]:
    """Tensors that are read in another way than each cell alone, as a summand of one cell."""
    match expr:
        case Read(tensor):
            yield tensor
        case Reduce():
            handed_on = [
                read for ranges, _, read in _lone(expr) if len(read.index) == rank and _each_once(ranges, read)
            ]
            for piece in expr.pieces:
                if not any(piece.body is read for read in handed_on):
                    yield from _otherwise(piece.body, rank)
        case _:
            for child in children(expr):
                yield from _otherwise(child, rank)


def _each_once(ranges: tuple[Range, ...], read: Read) -> bool:
    """Whether every index that is summed stands alone on an axis of the read."""
    return bool(ranges) and {one.name for one in ranges} <= {form.name for form in read.index}
