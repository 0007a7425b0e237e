"""The work in an operator at concrete shapes: operations of its sums, bytes that no method can do without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

from symconv.notation.expr import Apply, Expr, Read, Reduce, reads, walk
from symconv.notation.operator import Operator

__all__ = ["backward_bytes", "backward_flops", "forward_bytes", "forward_flops"]

Shapes = Mapping[str, tuple[int, ...]]


def forward_flops(op: Operator, shapes: Shapes) -> int:
    """Two for every (tap, output) term of every reduction, taps on the padding included; 0 for an operator without.

    >>> import symconv as sc
    >>> forward_flops(sc.conv1d(padding=1), {"x": (1, 2, 8), "w": (3, 2, 3)}) == 2 * (3 * 8) * (2 * 3)
    True
    """
    return 2 * sum(_terms(op, shapes).values())


def backward_flops(op: Operator, shapes: Shapes, wrt: tuple[str, ...]) -> int:
    """Two for every (tap, output) term a gradient sums up, over the gradients by ``wrt``.

    >>> import symconv as sc
    >>> shapes = {"x": (1, 2, 8), "w": (3, 2, 3), "b": (3,)}
    >>> backward_flops(sc.conv1d(padding=1, bias=True), shapes, ("x", "w", "b")) == 2 * 2 * (3 * 8) * (2 * 3)
    True
    """
    return 2 * sum(
        terms for node, terms in _terms(op, shapes).items() for name in wrt if name in {r.tensor for r in reads(node)}
    )


def forward_bytes(op: Operator, shapes: Shapes, itemsize: int) -> int:
    """Every input read once, every output written once.

    >>> import symconv as sc
    >>> forward_bytes(sc.conv1d(padding=1), {"x": (1, 2, 8), "w": (3, 2, 3)}, 4) == 4 * (16 + 18 + 24)
    True
    """
    return itemsize * (sum(prod(shapes[name]) for name in op.tensors) + _cells(op, shapes))


def backward_bytes(op: Operator, shapes: Shapes, wrt: tuple[str, ...], itemsize: int) -> int:
    """The cotangents and what the gradients by ``wrt`` depend on read once, the gradients written once.

    >>> import symconv as sc
    >>> shapes = {"x": (1, 2, 8), "w": (3, 2, 3)}
    >>> backward_bytes(sc.conv1d(padding=1), shapes, ("x",), 4) == 4 * (24 + 18 + 16)
    True
    >>> backward_bytes(sc.adder1d(padding=1), shapes, ("x",), 4) == 4 * (24 + 18 + 16 + 16)
    True
    """
    needed = {name for tensor in wrt for name in op.tensors if name != tensor or not _linear(op, tensor)}
    cells = _cells(op, shapes) + sum(prod(shapes[name]) for name in (*needed, *wrt))
    return itemsize * cells


def _cells(op: Operator, shapes: Shapes) -> int:
    return sum(map(prod, op.output_shapes(**shapes).values()))


def _terms(op: Operator, shapes: Shapes) -> dict[Reduce, int]:
    sizes = op.sizes(**shapes)
    found: dict[Reduce, int] = {}
    for statement in op.statements:
        cells = prod(extent.evaluate(sizes) for extent in statement.target.sizes)
        for node in walk(statement.expr):
            if isinstance(node, Reduce):
                taps = prod(index.extent.evaluate(sizes) for index in node.indices)
                found[node] = found.get(node, 0) + cells * taps
    return found


def _linear(op: Operator, tensor: str) -> bool:
    """Whether the output is a sum of products with one factor of the tensor: its gradient does not read it."""
    return len(op.statements) == 1 and all(_once(part, tensor) for part in _addends(op.statements[0].expr))


def _addends(expr: Expr) -> Iterator[Expr]:
    match expr:
        case Apply("add" | "sub" | "neg", parts):
            for part in parts:
                yield from _addends(part)
        case Reduce("sum", _, pieces):
            for piece in pieces:
                yield from _addends(piece.body)
        case _:
            yield expr


def _once(addend: Expr, tensor: str) -> bool:
    match addend:
        case Read():
            return True
        case Apply("mul", factors):
            held = [factor for factor in factors if tensor in {read.tensor for read in reads(factor)}]
            return not held or (len(held) == 1 and _once(held[0], tensor))
        case _:
            return tensor not in {read.tensor for read in reads(addend)}
