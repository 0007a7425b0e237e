"""How a kernel learns its sizes from the arrays it is given, and what must hold of them."""

from __future__ import annotations

from math import prod

from symconv.loops.arith import const, total
from symconv.loops.ir import Binary, Compare, Expr, Size, Var
from symconv.loops.scalars import integer
from symconv.notation.operator import Operator

__all__ = ["dim", "fixed_sizes", "runtime_sizes"]


def dim(tensor: str, axis: int) -> Var:
    """The length of one physical axis of an array as it is given."""
    return Var(f"{tensor}_dim{axis}")


def runtime_sizes(op: Operator) -> tuple[tuple[Size, ...], tuple[Expr, ...]]:
    """Every size from the input shapes, and the conditions under which the arrays fit."""
    known: dict[str, Size] = {}
    defined = {d.name for d in op.definitions}
    for _ in range(2):
        for tensor in op.inputs:
            for axis, sizes in enumerate(tensor.axes):
                unknown = [s for s in sizes if not s.is_constant and s.name not in known]
                if len(unknown) == 1 and unknown[0].name and unknown[0].name not in defined:
                    rest = total(tuple(integer(s) for s in sizes if s is not unknown[0]))
                    length: Expr = dim(tensor.name, axis)
                    value = length if rest == const(1) else Binary("//", length, rest)
                    known[unknown[0].name] = Size(unknown[0].name, value)
    every = (*known.values(), *(Size(d.name, integer(d.form)) for d in op.definitions))
    given = {(size.name, size.value) for size in known.values()}
    fits = [c for c in _fits(op) if not (isinstance(c.right, Var) and (c.right.name, c.left) in given)]
    return every, (*_positive(op, known), *fits)


def _positive(op: Operator, known: dict[str, Size]) -> list[Expr]:
    least = [Compare(">=", Var(name), const(0 if name == op.batch else 1)) for name in known]
    extents = [Compare(">=", Var(d.name), const(1)) for d in op.definitions if d.extent]
    rules = [
        Compare("==" if a.constraint.equality else ">=", integer(a.constraint.form), const(0)) for a in op.assumptions
    ]
    return [*least, *extents, *rules]


def _fits(op: Operator) -> list[Compare]:
    checks = []
    for tensor in op.inputs:
        for axis, sizes in enumerate(tensor.axes):
            checks.append(Compare("==", dim(tensor.name, axis), total(tuple(integer(s) for s in sizes))))
    return checks


def fixed_sizes(op: Operator, sizes: dict[str, int]) -> tuple[tuple[Size, ...], tuple[Expr, ...]]:
    """Every size as a number, and the condition that the arrays have exactly these lengths."""
    checks = []
    for tensor in op.inputs:
        for axis, factors in enumerate(tensor.axes):
            length = prod(factor.evaluate(sizes) for factor in factors)
            checks.append(Compare("==", dim(tensor.name, axis), const(length)))
    return tuple(Size(name, const(value)) for name, value in sizes.items()), tuple(checks)
