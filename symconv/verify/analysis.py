"""What kind of arithmetic an operator does: exact on small integers, smooth, or linear in one tensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

import numpy as np

from symconv.notation.expr import Apply, Const, Expr, Index, Read, Reduce
from symconv.notation.operator import Operator
from symconv.verify.grid import Array, Scope, lengths, parts, scopes
from symconv.verify.reference import evaluate
from symconv.verify.scalars import COMPARISONS, KINKED

__all__ = ["affine_tensors", "empty_windows", "exact_bits", "is_smooth", "kinks_are_exact"]

_SAME = frozenset({"add", "sub", "neg", "abs", "relu", "max", "min"})


def exact_bits(op: Operator) -> int | None:
    """Binary digits after the point that integer data need; None where results are not dyadic.

    A right kernel is exact on integer data while magnitudes times ``2**bits`` fit the significand.

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
            return 0 if kind.startswith("arg") else max((bits or 0 for bits in inner), default=0)


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
            case Reduce(kind, _, _) if kind not in {"sum", "mean"}:
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
            case Reduce(kind, _, pieces) if kind not in {"sum", "mean"}:
                judged = tuple(piece.body for piece in pieces)
            case _:
                continue
        if any(_bits(expr, bits) is None for expr in judged):
            return False
    return True


def affine_tensors(op: Operator, arrays: Mapping[str, Array], names: tuple[str, ...]) -> tuple[str, ...]:
    """The tensors of ``names`` in which the output is affine, found by trial on the reference.

    ``y(a·u + b·v) - y(0)`` must be ``a·(y(u) - y(0)) + b·(y(v) - y(0))`` for factors of both signs.
    """
    rng = np.random.default_rng(12345)
    found = []
    for name in names:
        u, v = rng.standard_normal(arrays[name].shape), rng.standard_normal(arrays[name].shape)
        data = {key: np.asarray(array, dtype=np.float64) for key, array in arrays.items() if key != name}
        index = {t.name: arrays[t.name] for t in op.inputs if t.dtype == "index"}
        origin, at_u, at_v, mixed = (
            evaluate(op, {**data, **index, name: point}) for point in (0 * u, u, v, -1.5 * u + 0.75 * v)
        )
        want = -1.5 * (at_u - origin) + 0.75 * (at_v - origin)
        scale = np.abs(origin) + np.abs(at_u) + np.abs(at_v) + 1.0
        if np.all(np.isfinite(mixed)) and np.all(np.abs(mixed - origin - want) <= 1e-10 * scale):
            found.append(name)
    return tuple(found)


def empty_windows(op: Operator, sizes: Mapping[str, int]) -> bool:
    """Whether a mean, max or min somewhere has no tap to take: a value nobody defines."""
    if all(not isinstance(node, Reduce) or node.kind == "sum" for node in _nodes(op)):
        return False
    shapes = {t.name: lengths(sizes, t.sizes) for t in (*op.inputs, *(s.target for s in op.statements))}
    return any(
        _empty(statement.expr, scope, shapes)
        for statement in op.statements
        for scope in scopes(statement, sizes)
    )


def _empty(expr: Expr, scope: Scope, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    match expr:
        case Apply(_, arguments):
            return any(_empty(argument, scope, shapes) for argument in arguments)
        case Reduce(kind, indices, _):
            inner, pieces = parts(expr, scope, shapes)
            taps = tuple(range(len(scope.shape), len(scope.shape) + len(indices)))
            wanted = np.broadcast_to(scope.mask, scope.shape)
            if kind != "sum" and bool(np.any(wanted & ~inner.mask.any(axis=taps))):
                return True
            return any(_empty(body, place, shapes) for place, body in pieces)
    return False
