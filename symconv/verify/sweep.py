"""The statements run backwards: cotangents scattered into every cell that a read touches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from symconv.notation.expr import Apply, Expr, Read, Reduce
from symconv.verify.declared import function_slope, inner_factor, slopes_beside
from symconv.verify.grid import Array, Scope, address, reads_of, scopes
from symconv.verify.grid import parts as pieces_of
from symconv.verify.scalars import FLAT, PIECEWISE, partial, same
from symconv.verify.values import Problem, extreme, first_hit, taken_values, value

__all__ = ["Slope", "backward", "true_slope"]

Slope = Callable[[Problem, Apply, int, Scope], Array]
"""How strongly an application passes a cotangent on to its argument of that number, over the scope."""
Declared = Callable[[Problem, Expr, Fraction, Scope], Array]
"""The weight of a declared slope, of which a reduction hands on a constant factor, over the scope."""

Tapped = Callable[[Problem, Reduce, Scope], tuple[Array, Array]]
"""The values of a product's taps, or their magnitudes, and which are taken, taps flattened into the last axis."""


@dataclass(frozen=True, slots=True)
class _Sweep:
    problem: Problem
    slope: Slope
    declared: Declared
    tapped: Tapped
    totals: dict[str, Array] = field(default_factory=dict)


def true_slope(problem: Problem, node: Apply, which: int, scope: Scope) -> Array:
    """The derivative itself, kinks by the operator's conventions, or what is declared for the function instead."""
    declared = function_slope(problem.op, node)
    if declared is not None:
        return value(problem, declared, scope)
    values = tuple(value(problem, argument, scope) for argument in node.arguments)
    return partial(node.function, which, values, problem.kinks)


def declared_slope(problem: Problem, slope: Expr, factor: Fraction, scope: Scope) -> Array:
    """What is declared for a tensor, without the factor that the expression around the reduction multiplies by."""
    return np.asarray(value(problem, slope, scope) / (factor if problem.exact else float(factor)))


def backward(
    problem: Problem,
    gy: Array,
    slope: Slope = true_slope,
    declared: Declared = declared_slope,
    tapped: Tapped = taken_values,
) -> dict[str, Array]:
    """Totals by tensor (logical shapes) of a cotangent pulled through every statement in reverse.

    ``slope`` is the derivative, or any other linear weight of the same shape (magnitudes, counts); ``declared`` is the
    same for what a surrogate declares, ``tapped`` for the factors of a product.
    """
    zero = np.zeros((), dtype=object if problem.exact else np.float64)
    # A sum of arrays without axes is no array any more.
    totals = {name: np.asarray(zero + np.zeros(s, dtype=zero.dtype)) for name, s in problem.shapes.items()}
    sweep = _Sweep(problem, slope, declared, tapped, totals)
    output = problem.op.output.name
    totals[output] = gy.reshape(problem.shapes[output])
    for statement in reversed(problem.op.statements):
        cotangent = totals[statement.target.name]
        for scope in scopes(statement, problem.sizes):
            part = cotangent[scope.start : scope.start + scope.shape[0]] if scope.shape else cotangent
            with np.errstate(all="ignore"):
                _pull(sweep, statement.expr, part, scope, Fraction(1))
                _declare(sweep, statement.expr, part, scope, Fraction(1))
    return totals


def _pull(sweep: _Sweep, expr: Expr, cotangent: Array, scope: Scope, factor: Fraction) -> None:
    problem = sweep.problem
    match expr:
        case Read(tensor):
            if all(s.function or s.target != tensor for s in problem.op.surrogates):
                _scatter(sweep, expr, cotangent, scope)
        case Apply(function, arguments) if function not in FLAT or function_slope(problem.op, expr) is not None:
            for which, argument in enumerate(arguments):
                if (function, which) != ("where", 0) and any(reads_of(argument)):
                    slope = sweep.slope(problem, expr, which, scope)
                    # A branch not taken must not turn 0·inf into NaN: it is out, not weighted by zero.
                    place = scope.only(slope != 0) if function in PIECEWISE else scope
                    _pull(sweep, argument, cotangent * slope, place, inner_factor(expr, which, factor))
        case Reduce(kind, indices, _) if not kind.startswith("arg"):
            inner, pieces = pieces_of(expr, scope, problem.shapes)
            outer = np.broadcast_to(cotangent, scope.shape)[(..., *(None,) * len(indices))]
            weights = _weights(sweep, expr, scope).reshape(inner.shape)
            # A tap that is not the extreme is out, as a branch not taken is.
            spread = np.where(weights != 0, weights * outer, 0)
            for found, body in pieces:
                place = found.only(weights != 0) if kind in {"max", "min"} else found
                _pull(sweep, body, spread, place, Fraction(1))
                _declare(sweep, body, spread, place, factor)


def _declare(sweep: _Sweep, body: Expr, cotangent: Array, scope: Scope, factor: Fraction) -> None:
    for read, slope in slopes_beside(sweep.problem.op, body):
        _scatter(sweep, read, cotangent * sweep.declared(sweep.problem, slope, factor, scope), scope)


def _scatter(sweep: _Sweep, read: Read, cotangent: Array, scope: Scope) -> None:
    total = sweep.totals[read.tensor]
    if np.issubdtype(sweep.problem.tensors[read.tensor].dtype, np.integer):
        return
    where = address(scope, read, total.shape)
    hit = np.broadcast_to(scope.mask & where.inside, scope.shape)
    flat, given = np.broadcast_to(where.flat, scope.shape), np.broadcast_to(cotangent, scope.shape)
    np.add.at(total.reshape(-1), flat[hit], given[hit])


def _others(values: Array, taken: Array) -> Array:
    """The product of all taps but one, for each: of those before it and of those behind it."""
    result: Array = np.ones_like(values)
    for shift in range(1, values.shape[-1]):
        result = result * np.roll(np.where(taken, values, 1), shift, axis=-1)
    return result


def _weights(sweep: _Sweep, node: Reduce, scope: Scope) -> Array:
    """The derivative of a reduction by each of its taps, taps flattened into the last axis."""
    problem = sweep.problem
    values, taken = taken_values(problem, node, scope)
    one: Any = Fraction(1) if problem.exact else 1.0
    if node.kind == "sum":
        return np.asarray(taken * one)
    if node.kind == "prod":
        return np.asarray(np.where(taken, _others(*sweep.tapped(problem, node, scope)), 0 * one))
    if node.kind == "mean":
        return np.asarray(taken * one / np.maximum(taken.sum(axis=-1, keepdims=True), 1))
    if problem.kinks.get(node.kind, "first") == "share":
        hits = taken & same(values, extreme(node.kind, values, taken)[..., None])
        return np.asarray(hits * one / np.maximum(hits.sum(axis=-1, keepdims=True), 1))
    return np.asarray(first_hit(node.kind, values, taken) * one)
