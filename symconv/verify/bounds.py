"""How far rounding may take a right kernel: sums of absolute values, and the bound stated from them.

A kernel's value ``got`` may differ from the exact one by at most ``(n + 8)·eps·magnitude``: ``magnitude`` is
the expression with every term replaced by its absolute value (first-order error propagation through
nonlinear functions), ``n`` the longest chain of roundings: the terms of the sums and the scalar operations
on the way. To ``eps`` of the kernel's dtype the oracle's own (float64) is added, as it rounds too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from symconv.notation.expr import Apply, Const, Expr, Index, Read, Reduce
from symconv.notation.operator import Operator
from symconv.verify.declared import function_slope
from symconv.verify.grid import Array, Scope, address, parts, scopes, taps
from symconv.verify.reference import wanted
from symconv.verify.scalars import CANCELLING, FLAT, FLOORS, partial
from symconv.verify.sweep import backward, true_slope
from symconv.verify.values import Problem, flatten, run, value

__all__ = ["allowed", "gradient_magnitudes", "gradient_terms", "magnitudes", "roundings"]

_LINEAR = frozenset({"add", "sub", "neg"})
_PIECEWISE = frozenset({"abs", "relu", "max", "min", "where"})
_STEEP = 1e15
"""A slope above this is that of a root beside its end: the bound it gives is no bound."""
_TINY = 1e-30
"""Below this a number is 0 to a step of differences: smaller steps would underflow."""


@dataclass(frozen=True, slots=True)
class _Measured:
    problem: Problem
    tensors: dict[str, Array]


def allowed(magnitude: Array, terms: Array | int, dtype: str) -> Array:
    """The largest rounding error of a right kernel; infinite where no finite bound is known.

    >>> bool(allowed(np.array(100.0), 9, "float32") < 1e-3)
    True
    """
    eps = float(np.finfo(dtype).eps) + float(np.finfo(np.float64).eps)
    with np.errstate(all="ignore"):
        bound = (np.asarray(terms) + 8) * (eps * magnitude + float(np.finfo(dtype).tiny))
    return np.asarray(np.where(np.isfinite(bound), bound, np.inf))


def magnitudes(op: Operator, arrays: Mapping[str, Array]) -> Array:
    """Sum of absolute values of the terms of every output cell: float64, physical output shape.

    Raises SpecError when shapes do not fit.

    >>> from symconv.notation.front import formula
    >>> op = formula("y[i] = sum[p](x[i+p]*w[p])")
    >>> magnitudes(op, {"x": np.array([1.0, -2.0]), "w": np.array([3.0, 1.0])}).tolist()
    [5.0]
    """
    measured = _measured(run(op, arrays))
    return measured.tensors[op.output.name].reshape(op.output.shape(measured.problem.sizes))


def gradient_magnitudes(
    op: Operator, arrays: Mapping[str, Array], gy: Array, wrt: tuple[str, ...] | None = None
) -> dict[str, Array]:
    """Sum of absolute values of the terms of every gradient cell, per tensor of ``wrt``."""
    measured = _measured(run(op, arrays))

    def slope(_: Problem, node: Apply, which: int, scope: Scope) -> Array:
        return _slope(measured, node, which, scope)

    def declared(_: Problem, slope: Expr, factor: Fraction, scope: Scope) -> Array:
        return _measure(measured, slope, scope) / abs(float(factor))

    def tapped(_: Problem, node: Reduce, scope: Scope) -> tuple[Array, Array]:
        return _taps(measured, node, scope)

    totals = backward(measured.problem, np.abs(np.asarray(gy, dtype=np.float64)), slope, declared, tapped)
    sizes = measured.problem.sizes
    return {name: totals[name].reshape(op.input(name).shape(sizes)) for name in wanted(op, wrt)}


def gradient_terms(op: Operator, arrays: Mapping[str, Array], wrt: tuple[str, ...] | None = None) -> dict[str, Array]:
    """How many terms every gradient cell sums, plus the roundings of the forward expression it may repeat."""
    problem = run(op, arrays)
    ones = np.ones(problem.shapes[op.output.name])

    def one(_problem: Problem, _node: Expr, _which: int | Fraction, scope: Scope) -> Array:
        return np.ones((1,) * len(scope.names))

    def alike(_problem: Problem, node: Reduce, scope: Scope) -> tuple[Array, Array]:
        taken = flatten(parts(node, scope, problem.shapes)[0].mask, len(node.indices))
        return np.ones(taken.shape), taken

    counts = backward(problem, ones, one, one, alike)
    chain = roundings(op, problem.sizes)
    return {name: (counts[name] + chain).reshape(op.input(name).shape(problem.sizes)) for name in wanted(op, wrt)}


def roundings(op: Operator, sizes: Mapping[str, int]) -> int:
    """The longest chain of roundings of a forward value: terms of sums, and scalar operations."""
    return sum(_operations(s.expr) + taps(s.expr, sizes) for s in op.statements)


def _operations(expr: Expr) -> int:
    match expr:
        case Apply(_, arguments):
            return 1 + sum(_operations(argument) for argument in arguments)
        case Reduce(_, _, pieces):
            return 1 + max((_operations(piece.body) for piece in pieces), default=0)
    return 0


def _measured(problem: Problem) -> _Measured:
    known = {tensor.name: np.abs(problem.tensors[tensor.name]) for tensor in problem.op.inputs}
    measured = _Measured(problem, known)
    for statement in problem.op.statements:
        rows = []
        for scope in scopes(statement, problem.sizes):
            with np.errstate(all="ignore"):
                rows.append(np.broadcast_to(_measure(measured, statement.expr, scope), scope.shape))
        known[statement.target.name] = np.array(np.concatenate(rows) if statement.indices else rows[0])
    return measured


def _measure(measured: _Measured, expr: Expr, scope: Scope) -> Array:
    match expr:
        case Const() | Index():
            return np.abs(value(measured.problem, expr, scope))
        case Read(tensor):
            where = address(scope, expr, measured.tensors[tensor].shape)
            return np.where(
                where.inside,
                measured.tensors[tensor].reshape(-1)[where.flat],
                abs(value(measured.problem, expr, scope)),
            )
        case Apply():
            return _apply(measured, expr, scope)
        case Reduce(kind):
            flat, taken = _taps(measured, expr, scope)
            if kind in {"sum", "mean"}:
                return np.asarray(flat.sum(axis=-1) / (taken.sum(axis=-1) if kind == "mean" else 1))
            if kind == "prod":
                return np.asarray(np.where(taken, flat, 1.0).prod(axis=-1))
            return np.asarray(flat.max(axis=-1, initial=0.0))


def _taps(measured: _Measured, node: Reduce, scope: Scope) -> tuple[Array, Array]:
    """The magnitudes of a reduction's taps, and which are taken, taps flattened into the last axis."""
    inner, pieces = parts(node, scope, measured.problem.shapes)
    found: Array = np.zeros(inner.shape)
    for place, body in pieces:
        found = np.where(place.mask, _measure(measured, body, place), found)
    return flatten(found, len(node.indices)), flatten(inner.mask, len(node.indices))


def _apply(measured: _Measured, node: Apply, scope: Scope) -> Array:
    sizes = tuple(_measure(measured, argument, scope) for argument in node.arguments)
    match node.function, sizes:
        case (("add" | "sub"), (a, b)):
            return np.asarray(a + b)
        case "mul", (a, b):
            return np.asarray(a * b)
        case (("neg" | "abs" | "relu"), (a,)):
            return np.asarray(a)
        case (("max" | "min"), (a, b)):
            return np.maximum(a, b)
        case "where", (_, a, b):
            return np.where(value(measured.problem, node.arguments[0], scope) != 0, a, b)
    result = np.abs(value(measured.problem, node, scope))
    if node.function in FLAT:
        return result
    arguments = tuple(value(measured.problem, argument, scope) for argument in node.arguments)
    for which, size in enumerate(sizes):
        if _carries_no_error(measured.problem.op, node, which):
            continue
        slope = _steepest(node.function, which, arguments, measured.problem.kinks)
        result = result + np.where(size == 0, 0.0, slope * size)
    floor = FLOORS.get(node.function)
    return np.asarray(result if floor is None else result + floor(arguments[0]))


def _slope(measured: _Measured, node: Apply, which: int, scope: Scope) -> Array:
    function = node.function
    declared = function_slope(measured.problem.op, node)
    if declared is not None:
        return _measure(measured, declared, scope)
    if function == "mul":
        return _measure(measured, node.arguments[1 - which], scope)
    slope = np.abs(true_slope(measured.problem, node, which, scope))
    if function in _LINEAR or function in _PIECEWISE:
        return slope
    arguments = tuple(value(measured.problem, argument, scope) for argument in node.arguments)
    for varied, argument in enumerate(node.arguments):
        if _carries_no_error(measured.problem.op, node, varied):
            continue
        size = _measure(measured, argument, scope)
        bend = _bend(function, which, arguments, varied)
        slope = slope + np.where(size == 0, 0.0, bend * size)
    return np.asarray(slope + 1.0 if function in CANCELLING else slope)


def _steepest(function: str, which: int, arguments: tuple[Array, ...], kinks: Mapping[str, str]) -> Array:
    """The largest slope at a point and just beside it: what a kink takes by convention bounds no error.

    Infinite at the end of a root, where a rounding of the argument has no bound in its image.
    """
    found = np.abs(partial(function, which, arguments, kinks))
    for sign in (1.0, -1.0):
        beside = tuple(a + sign * _TINY**2 if k == which else a for k, a in enumerate(arguments))
        found = np.fmax(found, np.abs(partial(function, which, beside, kinks)))
    return np.asarray(np.where(found > _STEEP, np.inf, found))


def _bend(function: str, which: int, arguments: tuple[Array, ...], varied: int) -> Array:
    """|∂slope/∂argument|, by a central difference: an error of the argument enters the slope through it.

    Infinite where it has no finite value: nothing is known of the slope's error there.
    """
    # Relative, so that no step crosses from x to -x: sqrt, log and quotients end at 0.
    step = 1e-5 * np.maximum(np.abs(arguments[varied]), _TINY)
    sides = []
    for sign in (1.0, -1.0):
        moved = tuple(a + sign * step if k == varied else a for k, a in enumerate(arguments))
        sides.append(partial(function, which, moved, {}))
    bend = np.abs(sides[0] - sides[1]) / (2.0 * step)
    return np.asarray(np.where(np.isfinite(bend), bend, np.inf))


def _carries_no_error(op: Operator, node: Apply, which: int) -> bool:
    """An exponent that is a dyadic number or an input reaches the function as it is: there is no error to pass on.

    To pass it on would want log(base), which a negative base does not have.
    """
    if (node.function, which) != ("pow", 1):
        return False
    match node.arguments[1]:
        case Const(value) | Apply("neg", (Const(value),)):
            return value.denominator & (value.denominator - 1) == 0
        case Read(tensor):
            return any(tensor == given.name for given in op.inputs)
    return isinstance(node.arguments[1], Index)
