"""What kind of arithmetic an operator does: exact on small integers, smooth, or linear in one tensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache

import numpy as np

from symconv.notation.expr import Apply, Const, Expr, Index, Read, Reduce
from symconv.notation.operator import Operator
from symconv.verify.grid import Scope, lengths, parts, scopes
from symconv.verify.scalars import COMPARISONS, KINKED

__all__ = ["affine_tensors", "empty_windows", "equalled", "exact_bits", "is_smooth", "kinks_are_exact"]

_SAME = frozenset({"add", "sub", "neg", "abs", "relu", "max", "min"})

_TAPLESS = frozenset({"sum", "prod"})
"""Reductions that are something over no tap."""


def exact_bits(op: Operator, *, gradients: bool = False) -> int | None:
    """Binary digits after the point that integer data need; None where results are not dyadic.

    A right kernel is exact on integer data while magnitudes times ``2**bits`` fit the significand. With ``gradients``
    what is declared for a derivative counts too.

    >>> from symconv.notation.front import formula
    >>> exact_bits(formula("y[i] = sum[p](0.25*abs(x[i+p] - w[p]))"))
    2
    >>> exact_bits(formula("y[i] = tanh(x[i])")) is None
    True
    """
    bits: dict[str, int | None] = {tensor.name: 0 for tensor in op.inputs}
    for statement in op.statements:
        bits[statement.target.name] = _bits(statement.expr, bits)
    share = any(choice == "share" for _, choice in op.kinks)
    result = bits[op.output.name]
    for surrogate in op.surrogates if gradients else ():
        slope = None if result is None else _bits(surrogate.slope, {**bits, "u": result})
        result = None if result is None or slope is None else result + slope
    return None if result is None or share else result + 1 * any(choice == "half" for _, choice in op.kinks)


def _bits(expr: Expr, known: Mapping[str, int | None]) -> int | None:
    match expr:
        case Const(value):
            return _dyadic(value)
        case Index():
            return 0
        case Read(tensor, _, border):
            outside = _dyadic(border.value) if border is not None else 0
            inside = known[tensor]
            return None if inside is None or outside is None else max(inside, outside)
        case Apply():
            return _apply_bits(expr, known)
        case Reduce(kind, _, pieces):
            inner = [_bits(piece.body, known) for piece in pieces]
            if kind == "mean" or any(bits is None for bits in inner):
                return None
            most = max((bits or 0 for bits in inner), default=0)
            # As many factors as there are taps: how many digits that makes is not known here.
            return None if kind == "prod" and most else 0 if kind.startswith("arg") else most


def _apply_bits(node: Apply, known: Mapping[str, int | None]) -> int | None:
    match node:
        case Apply("pow", (base, Const(power))) if power.denominator == 1 and power >= 0:
            bits = _bits(base, known)
            return None if bits is None else bits * int(power)
        case Apply("div", (left, Const(divisor))) if divisor and _dyadic(1 / divisor) is not None:
            bits, extra = _bits(left, known), _dyadic(1 / divisor)
            return None if bits is None or extra is None else bits + extra
    inner = [_bits(argument, known) for argument in node.arguments]
    if any(bits is None for bits in inner):
        return None
    found = [bits or 0 for bits in inner]
    match node.function:
        case function if function in COMPARISONS or function == "sign":
            return 0
        case "mul":
            return sum(found)
        case "where":
            return max(found[1:])
        case function if function in _SAME:
            return max(found)
    return None


def _dyadic(value: Fraction) -> int | None:
    denominator = value.denominator
    small = denominator <= 2**16 and abs(value.numerator) <= 2**16
    return denominator.bit_length() - 1 if small and denominator & (denominator - 1) == 0 else None


def _nodes(op: Operator) -> Iterator[Expr]:
    stack: list[Expr] = [statement.expr for statement in op.statements]
    while stack:
        node = stack.pop()
        yield node
        match node:
            case Apply(_, arguments):
                stack.extend(arguments)
            case Reduce(_, _, pieces):
                stack.extend(piece.body for piece in pieces)


def is_smooth(op: Operator) -> bool:
    """Whether no function or reduction of the operator has a kink or a jump."""
    for node in _nodes(op):
        match node:
            case Apply(function, _) if function in KINKED:
                return False
            case Reduce(kind, _, _) if kind not in {"sum", "mean", "prod"}:
                return False
    return True


def kinks_are_exact(op: Operator) -> bool:
    """Whether integer data reach every kink exactly, so that conventions at ties can be judged on them."""
    bits: dict[str, int | None] = {tensor.name: 0 for tensor in op.inputs}
    for statement in op.statements:
        bits[statement.target.name] = _bits(statement.expr, bits)
    for node in _nodes(op):
        match node:
            case Apply("where", (condition, _, _)):
                judged: tuple[Expr, ...] = (condition,)
            case Apply(function, arguments) if function in KINKED:
                judged = arguments
            case Reduce(kind, _, pieces) if kind not in {"sum", "mean", "prod"}:
                judged = tuple(piece.body for piece in pieces)
            case _:
                continue
        if any(_bits(expr, bits) is None for expr in judged):
            return False
    return True


def affine_tensors(op: Operator, names: tuple[str, ...]) -> tuple[str, ...]:
    """The tensors of ``names`` in which the output is affine whatever the others hold, read off the formula.

    >>> from symconv.notation.front import formula
    >>> affine_tensors(formula("y[i] = sum[p](x[i+p]*abs(w[p])) + b[i]"), ("x", "w", "b"))
    ('x', 'b')
    """
    return tuple(name for name in names if _degrees(op, name)[op.output.name] is not None)


def _degrees(op: Operator, name: str) -> dict[str, int | None]:
    """Per tensor its degree in the input ``name``: 0, 1, or None for anything that is not affine."""
    degrees: dict[str, int | None] = {tensor.name: int(tensor.name == name) for tensor in op.inputs}
    for statement in op.statements:
        degrees[statement.target.name] = _degree(statement.expr, degrees)
    return degrees


def _degree(expr: Expr, known: Mapping[str, int | None]) -> int | None:
    match expr:
        case Const() | Index():
            return 0
        case Read(tensor):
            return known[tensor]
        case Apply(function, arguments):
            inner = [_degree(argument, known) for argument in arguments]
            linear = function in {"add", "sub", "neg"}
            # One factor may vary, a divisor or a condition may not.
            linear |= function == "mul" and 0 in inner
            linear |= function == "div" and inner[1] == 0
            linear |= function == "where" and inner[0] == 0
        case Reduce(kind, _, pieces):
            inner = [_degree(piece.body, known) for piece in pieces]
            linear = kind in {"sum", "mean"}
    found = [degree for degree in inner if degree is not None]
    highest = max(found, default=0)
    return highest if len(found) == len(inner) and (linear or highest == 0) else None


def empty_windows(op: Operator, sizes: Mapping[str, int]) -> bool:
    """Whether a mean, max or min somewhere has no tap to take, and the operator does not say what that gives."""
    if op.empty is not None or not _needs_taps(op):
        return False
    shapes = {t.name: lengths(sizes, t.sizes) for t in (*op.inputs, *(s.target for s in op.statements))}
    return any(
        _empty(statement.expr, scope, shapes) for statement in op.statements for scope in scopes(statement, sizes)
    )


@lru_cache(maxsize=64)
def _needs_taps(op: Operator) -> bool:
    """Whether a reduction of the operator gives nothing for no tap."""
    return any(isinstance(node, Reduce) and node.kind not in _TAPLESS for node in _nodes(op))


def _empty(expr: Expr, scope: Scope, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    match expr:
        case Apply(_, arguments):
            return any(_empty(argument, scope, shapes) for argument in arguments)
        case Reduce(kind, indices, _):
            inner, pieces = parts(expr, scope, shapes)
            taps = tuple(range(len(scope.shape), len(scope.shape) + len(indices)))
            wanted = np.broadcast_to(scope.mask, scope.shape)
            if kind not in _TAPLESS and bool(np.any(wanted & ~inner.mask.any(axis=taps))):
                return True
            return any(_empty(body, place, shapes) for place, body in pieces)
    return False


def equalled(op: Operator, sizes: dict[str, int]) -> dict[str, int]:
    """The sizes with one of each equality that the operator assumes as the others want it: few draws meet it."""
    for one in op.assumptions:
        form = one.constraint.form
        if one.constraint.equality and form.names() <= sizes.keys():
            for name in sorted(form.names() - {op.batch}):
                value = sizes[name] - form.coefficient(name) * form.evaluate(sizes)
                if abs(form.coefficient(name)) == 1 and value > 0:
                    sizes[name] = value
                    break
    return sizes
