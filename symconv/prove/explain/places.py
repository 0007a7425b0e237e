"""Where the parts of a formula have kinks: one element is solved for, so that what a slope depends on vanishes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from symconv.limits import KINK_PLACES
from symconv.notation.expr import Apply, Const, Expr, Reduce, walk
from symconv.notation.operator import Operator
from symconv.prove.concrete.sides import Array, is_rational
from symconv.verify.grid import Scope, parts, scopes
from symconv.verify.values import Problem, run, taken_values, value

__all__ = ["at_kink", "places"]

_AT_ZERO = frozenset({"abs", "sign", "relu", "leaky_relu", "elu", "sqrt", "pow"})
_AT_EQUALS = frozenset({"max", "min", "lt", "le", "gt", "ge", "eq", "ne", "larger", "smaller", "same"})
_STARTS = (Fraction(0), Fraction(4), Fraction(-4))
"""An argument may be flat where one starts: relu(relu(x) - 1)."""
_STEP = Fraction(1, 64)
_ZERO = 1e-9
_JUMPS = frozenset({"floor", "ceil"})
"""Functions whose slope jumps at places that are not told here, as are ties of places of extremes."""


def at_kink(op: Operator, arrays: Mapping[str, Array]) -> bool:
    """Whether an argument of a part may be where the part has a kink; if not, the function is smooth around there."""
    for node in (node for statement in op.statements for node in walk(statement.expr)):
        match node:
            case Apply(function, _) if function in _JUMPS:
                return True
            case Reduce("argmax" | "argmin", _, _):
                return True
    found = _arguments(op, {one.name: np.asarray(arrays[one.name], np.float64) for one in op.inputs})
    return not bool((np.abs(found) > _ZERO).all())


def places(op: Operator, tensor: str, cell: tuple[int, ...], arrays: Mapping[str, Array]) -> Iterator[Any]:
    """What ``tensor[cell]`` can be so that an argument of a kinked part is 0, the others as they are.

    Arguments are solved as if they were linear in it, and what is no solution is left out. They are fractions where the
    operator keeps fractions, so that they are hit exactly.
    """
    exact = is_rational(op)
    given = {one.name: arrays[one.name] for one in op.inputs}
    if exact:
        given = {name: np.vectorize(Fraction, otypes=[object])(one) for name, one in given.items() if one.size}
    if len(given) < len(op.inputs):
        return
    start = given[tensor][cell]

    def at(number: Any) -> Array:
        moved = given[tensor].copy()
        moved[cell] = number
        return _arguments(op, {**given, tensor: moved})

    seen: set[Any] = {start}
    for shift in _STARTS:
        base, step = (start + shift, _STEP) if exact else (start + float(shift), float(_STEP))
        first, second = at(base), at(base + step)
        for argument in np.flatnonzero((first != second) & np.isfinite((second - first).astype(np.float64))):
            place = base - first[argument] * step / (second[argument] - first[argument])
            if place in seen or len(seen) > KINK_PLACES:
                continue
            seen.add(place)
            if abs(at(place)[argument]) <= (0 if exact else _ZERO):
                yield place


def _arguments(op: Operator, arrays: Mapping[str, Array]) -> Array:
    """Everything whose vanishing may be a kink, in a row that is as long for all numbers."""
    with np.errstate(all="ignore"):
        problem = run(op, arrays)
        found = [
            row.ravel()
            for statement in op.statements
            for scope in scopes(statement, problem.sizes)
            for row in _below(problem, statement.expr, scope)
        ]
    return np.concatenate(found) if found else np.zeros(0)


def _below(problem: Problem, expr: Expr, scope: Scope) -> Iterator[Array]:
    match expr:
        case Apply(_, arguments):
            for left, right in _vanishing(expr):
                apart = value(problem, left, scope) - value(problem, right, scope)
                yield np.broadcast_to(apart, scope.shape)[np.broadcast_to(scope.mask, scope.shape)]
            for argument in arguments:
                yield from _below(problem, argument, scope)
        case Reduce(kind, _, _):
            if kind in {"max", "min"}:
                values, taken = taken_values(problem, expr, scope)
                others = ~np.eye(taken.shape[-1], dtype=bool)
                pairs = taken[..., :, None] & taken[..., None, :] & others
                yield (values[..., :, None] - values[..., None, :])[pairs]
            for place, body in parts(expr, scope, problem.shapes)[1]:
                yield from _below(problem, body, place)


def _vanishing(node: Apply) -> list[tuple[Expr, Expr]]:
    """What is equal where a function has a kink."""
    match node.function, node.arguments:
        case function, (first, *_) if function in _AT_ZERO:
            return [(first, Const(Fraction(0)))]
        case function, (first, second) if function in _AT_EQUALS:
            return [(first, second)]
        case "hardtanh", (first,):
            return [(first, Const(Fraction(end))) for end in (-1, 1)]
        case "clip", (first, *ends):
            return [(first, end) for end in ends]
        case "where", (condition, _, _) if not (isinstance(condition, Apply) and condition.function in _AT_EQUALS):
            return [(condition, Const(Fraction(0)))]
    return []
