"""Sums whose operands have other axes last: copied, and the result too, so that what slides lies side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from symconv.gather.solution import Solution, Solved
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Expr, Read, Reduce, reads, transform
from symconv.notation.operator import Statement, Tensor

__all__ = ["Turned", "turned"]

Order = tuple[int, ...]
"""For each axis of a copy the axis that it was."""


@dataclass(frozen=True, slots=True)
class Turned:
    """The copies of operands, the sum over them in an array of its own, and where its cells are found there."""

    copies: tuple[Solved, ...]
    total: Solved
    place: tuple[Affine, ...]


def turned(
    solved: Solved,
    node: Reduce,
    several: tuple[Solution, ...],
    tensors: dict[str, Tensor],
    name: Callable[[str], str],
) -> Turned | None:
    """One sum of a statement over turned operands, None where they lie as they should.

    Loops that slide along an axis together go last, in every operand and in the result. ``name`` makes names that
    nothing has.
    """
    if len(several) != 1:
        return None
    solution, statement = several[0], solved.statement
    loops = {*solution.cells, *solution.steps}
    found = reads(solution.body)
    slides = {n for read in found for form in read.index if len(form.names() & loops) > 1 for n in form.names() & loops}
    orders: dict[str, Order] = {}
    for read in found:
        orders.setdefault(read.tensor, _order(read.index, slides))
    orders = {tensor: order for tensor, order in orders.items() if order != tuple(range(len(order)))}
    target = _order(solution.target, slides)
    if not orders:
        return None
    names = {tensor: name(f"{tensor}t") for tensor in orders}
    copies = tuple(_copy(tensors[tensor], order, names[tensor], name) for tensor, order in orders.items())

    def put(expr: Expr) -> Expr:
        return transform(expr, lambda one: _read(one, orders, names) if isinstance(one, Read) else None)

    sums = replace(node, pieces=tuple(replace(piece, body=put(piece.body)) for piece in node.pieces))
    sizes = statement.target.sizes
    own = Tensor(name(f"{statement.target.name}t"), tuple((sizes[k],) for k in target))
    made = Statement(own, tuple(statement.indices[k] for k in target), sums)
    put_there = replace(solution, target=tuple(solution.target[k] for k in target), body=put(solution.body))
    place = tuple(var(statement.indices[k]) for k in target)
    return Turned(copies, Solved(made, ((sums, (put_there,)),), solved.proved), place)


def _order(index: tuple[Affine, ...], slides: set[str]) -> Order:
    return tuple(sorted(range(len(index)), key=lambda k: bool(index[k].names() & slides)))


def _read(read: Read, orders: dict[str, Order], names: dict[str, str]) -> Read:
    if read.tensor not in orders:
        return read
    return replace(read, tensor=names[read.tensor], index=tuple(read.index[k] for k in orders[read.tensor]))


def _copy(tensor: Tensor, order: Order, name: str, fresh: Callable[[str], str]) -> Solved:
    indices = tuple(fresh(f"a{k}") for k in range(len(order)))
    axes = tuple((tensor.sizes[k],) for k in order)
    back = dict(zip(order, indices, strict=True))
    value = Read(tensor.name, tuple(var(back[k]) for k in range(len(order))))
    return Solved(Statement(Tensor(name, axes, tensor.dtype), indices, value), ())
