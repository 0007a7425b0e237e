"""Expressions and statements evaluated on their full grids: target indices times reduction indices.

A reduction over no tap at all gives what the operator states for it; where it states nothing, 0 for sum, 1 for prod,
NaN for mean, -inf for max, +inf for min. It gives -1 for argmax and argmin. A read of border ``skip`` outside
every reduction gives 0 where it leaves its tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from symconv.errors import InternalError
from symconv.notation.expr import Apply, Const, Expr, Index, Read, Reduce
from symconv.notation.operator import Operator, Statement
from symconv.verify.grid import Array, Scope, address, form, lengths, once, parts, scopes
from symconv.verify.scalars import apply, same

__all__ = [
    "Problem",
    "extreme",
    "first_hit",
    "flatten",
    "lift",
    "run",
    "taken_values",
    "value",
]

_fraction = np.frompyfunc(Fraction, 1, 1)


@dataclass(frozen=True, slots=True)
class Problem:
    """An operator with concrete data: logical arrays by tensor name, intermediates included once computed.

    ``known`` are the values of expressions over small grids.
    """

    op: Operator
    sizes: dict[str, int]
    tensors: dict[str, Array]
    exact: bool
    known: dict[tuple[int, int], tuple[Expr, Scope, Array]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Logical shapes by tensor name."""
        return {name: array.shape for name, array in self.tensors.items()}

    @property
    def kinks(self) -> dict[str, str]:
        """The operator's conventions by function."""
        return dict(self.op.kinks)


def run(op: Operator, arrays: Mapping[str, Array]) -> Problem:
    """Every statement evaluated in order."""
    sizes = op.sizes(**{name: tuple(array.shape) for name, array in arrays.items()})
    exact = any(arrays[t.name].dtype == object for t in op.inputs if t.dtype == "real")
    tensors = {}
    for tensor in op.inputs:
        data = arrays[tensor.name] if tensor.dtype == "index" else lift(arrays[tensor.name], exact)
        tensors[tensor.name] = data.reshape(lengths(sizes, tensor.sizes))
    problem = Problem(op, sizes, tensors, exact)
    for statement in op.statements:
        computed = _statement(problem, statement)
        problem = replace(problem, tensors={**problem.tensors, statement.target.name: computed})
    return problem


def _statement(problem: Problem, statement: Statement) -> Array:
    rows = []
    for scope in scopes(statement, problem.sizes):
        with np.errstate(all="ignore"):
            rows.append(np.broadcast_to(value(problem, statement.expr, scope), scope.shape))
    whole = np.concatenate(rows) if statement.indices else rows[0]
    return whole.astype(np.int32) if statement.target.dtype == "index" else np.array(whole)


def value(problem: Problem, expr: Expr, scope: Scope) -> Array:
    """The expression over the scope's grid, broadcastable to its shape; arbitrary where the mask is false."""
    if scope.held is None:
        return _value(problem, expr, scope)
    found = problem.known.get((id(expr), id(scope)))
    # Both are held as well, so that no others get their places in memory.
    if found is None or found[0] is not expr or found[1] is not scope:
        found = problem.known[id(expr), id(scope)] = expr, scope, _value(problem, expr, scope)
        found[2].setflags(write=False)
    return found[2]


def _value(problem: Problem, expr: Expr, scope: Scope) -> Array:
    exact = problem.exact
    match expr:
        case Const(number):
            shape = (1,) * len(scope.names)
            return once(scope, "value", expr, exact, lambda: lift(np.full(shape, number, dtype=object), exact))
        case Index(affine):
            return once(scope, "value", expr, exact, lambda: lift(form(scope, affine), exact))
        case Read():
            return _read(problem, expr, scope)
        case Apply(function, arguments):
            return apply(function, tuple(value(problem, argument, scope) for argument in arguments))
        case Reduce(kind):
            values, taken = taken_values(problem, expr, scope)
            found = _collapse(kind, values, taken)
            if problem.op.empty is not None and kind in {"mean", "max", "min"}:
                stated = lift(np.asarray(problem.op.empty, dtype=object), problem.exact)
                found = np.where(taken.any(axis=-1), found, stated)
            # Where nothing counts, a number that can be divided by: fractions have no NaN.
            return np.where(np.broadcast_to(scope.mask, scope.shape), found, lift(np.asarray(1), problem.exact))


def taken_values(problem: Problem, node: Reduce, scope: Scope) -> tuple[Array, Array]:
    """The values of a reduction's taps and which are taken, taps flattened row-major into the last axis."""
    inner, pieces = parts(node, scope, problem.shapes)
    values: Array = np.full(inner.shape, Fraction(0) if problem.exact else 0.0)
    for place, body in pieces:
        values = np.where(place.mask, value(problem, body, place), values)
    return flatten(values, len(node.indices)), flatten(inner.mask, len(node.indices))


def _read(problem: Problem, read: Read, scope: Scope) -> Array:
    tensor = problem.tensors[read.tensor]
    where = address(scope, read, tensor.shape)
    if read.border is None and np.any(np.broadcast_to(scope.mask & ~where.inside, scope.shape)):
        raise InternalError(f"{problem.op.name}: a read of {read.tensor} leaves it, declared never to")
    found = lift(tensor.reshape(-1)[where.flat], problem.exact)
    constant = read.border is not None and read.border.kind == "constant"
    outside = np.asarray(read.border.value if read.border is not None and constant else Fraction(0), dtype=object)
    return np.where(where.inside, found, lift(outside, problem.exact))


def _collapse(kind: str, values: Array, taken: Array) -> Array:
    match kind:
        case "sum" | "mean":
            total = np.where(taken, values, 0).sum(axis=-1)
            if kind == "sum":
                return np.asarray(total)
            count = taken.sum(axis=-1)
            return np.where(count > 0, total / np.maximum(count, 1), np.nan)
        case "prod":
            return np.asarray(np.where(taken, values, 1).prod(axis=-1))
        case "max" | "min":
            return extreme(kind, values, taken)
        case "argmax" | "argmin":
            hit = first_hit(kind, values, taken)
            first = hit.argmax(axis=-1) if hit.shape[-1] else 0
            return np.asarray(np.where(hit.any(axis=-1), first, -1))
    raise InternalError(f"the reference knows no reduction {kind!r}")


def extreme(kind: str, values: Array, taken: Array) -> Array:
    """The largest (``max``, ``argmax``) or smallest taken value of each window, NaN where one is; taps are the last
    axis."""
    if kind.endswith("max"):
        return np.asarray(np.where(taken, values, -np.inf).max(axis=-1, initial=-np.inf))
    return np.asarray(np.where(taken, values, np.inf).min(axis=-1, initial=np.inf))


def first_hit(kind: str, values: Array, taken: Array) -> Array:
    """True at the first extreme tap of each window and nowhere else; taps are the last axis."""
    hits = taken & same(values, extreme(kind, values, taken)[..., None])
    return np.asarray(hits & (np.cumsum(hits, axis=-1) == 1))


def flatten(array: Array, taps: int) -> Array:
    """The last ``taps`` axes as one; spelled out rather than -1, which an empty batch leaves undetermined."""
    outer = array.ndim - taps
    return array.reshape(*array.shape[:outer], int(np.prod(array.shape[outer:], dtype=np.int64)))


def lift(array: Array, exact: bool) -> Array:
    """Data as float64, or as Fractions where the problem is exact."""
    if exact:
        return np.asarray(_fraction(array), dtype=object)
    return np.asarray(array, dtype=np.float64)
