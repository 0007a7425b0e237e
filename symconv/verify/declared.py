"""Declared derivatives read off the operator by the oracle itself: which stands where, and what is left to derive."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symconv.notation.expr import Apply, Const, Expr, Read, Reduce
from symconv.notation.operator import Operator
from symconv.verify.grid import reads_of

__all__ = ["declared_tensors", "direct_reads", "function_slope", "inner_factor", "put", "slopes_beside"]


def function_slope(op: Operator, node: Apply) -> Expr | None:
    """The declared slope of an application at its argument; None where nothing is declared."""
    for surrogate in op.surrogates:
        if surrogate.function and surrogate.target == node.function:
            return put(surrogate.slope, {"u": node.arguments[0]})
    return None


def slopes_beside(op: Operator, body: Expr) -> Iterator[tuple[Read, Expr]]:
    """The reads of a body whose slope is declared, with that slope over the body's own reads."""
    reads = {read.tensor: read for read in direct_reads(body)}
    for surrogate in op.surrogates:
        if not surrogate.function and surrogate.target in reads:
            yield reads[surrogate.target], put(surrogate.slope, dict(reads))


def put(slope: Expr, values: dict[str, Expr]) -> Expr:
    """A declared slope with its names replaced."""
    match slope:
        case Read(tensor, ()):
            return values[tensor]
        case Apply(function, arguments):
            return Apply(function, tuple(put(argument, values) for argument in arguments))
    return slope


def direct_reads(expr: Expr) -> Iterator[Read]:
    """The reads of an expression outside its reductions."""
    match expr:
        case Read():
            yield expr
        case Apply(_, arguments):
            for argument in arguments:
                yield from direct_reads(argument)


def inner_factor(node: Apply, which: int, factor: Fraction) -> Fraction:
    """The constant factor of an argument in what stands around it; 1 inside anything that is not linear."""
    match node.function, node.arguments:
        case "neg", _:
            return -factor
        case "add", _:
            return factor
        case "sub", _:
            return factor if which == 0 else -factor
        case "mul", (Const(number), _) if number and which == 1:
            return number * factor
        case "mul", (_, Const(number)) if number and which == 0:
            return number * factor
        case "div", (_, Const(number)) if number and which == 0:
            return factor / number
    return Fraction(1)


def declared_tensors(op: Operator) -> frozenset[str]:
    """The inputs whose gradient is declared somewhere on the way: no derivative of the formula judges it."""
    functions = {s.target for s in op.surrogates if s.function}
    found = {s.target for s in op.surrogates if not s.function}
    behind: dict[str, frozenset[str]] = {tensor.name: frozenset({tensor.name}) for tensor in op.inputs}
    for statement in op.statements:
        for node in _applications(statement.expr):
            if node.function in functions:
                found |= {name for read in reads_of(node) for name in behind[read.tensor]}
        inputs = (behind[read.tensor] for read in reads_of(statement.expr))
        behind[statement.target.name] = frozenset().union(*inputs)
    return frozenset(found)


def _applications(expr: Expr) -> Iterator[Apply]:
    match expr:
        case Apply(_, arguments):
            yield expr
            for argument in arguments:
                yield from _applications(argument)
        case Reduce(_, _, pieces):
            for piece in pieces:
                yield from _applications(piece.body)
