"""NaN and infinities among the data: a kernel must carry them to exactly the cells to which the definition does.

Judged for operators made of sums, products, maxima and functions that are linear in pieces, for which the docs say what
becomes of them. They are put into one tensor at a time, and not into a factor of another that is 0 beyond its border:
there a kernel has no term where the definition has 0·NaN. Infinities are not put into a sum inside a function that is
flat somewhere: a kernel multiplies that slope, which it keeps, by the infinite factor; the definition leaves it out.
Nor are they put into a sum that stands in another with a condition, as in ``sum[j<=i](sum[e](...)*v[j])``: the
cotangent of the inner sum is 0 where the condition does not hold, and a kernel multiplies by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np

from symconv.notation.expr import Apply, Const, Constraint, Expr, Read, Reduce
from symconv.notation.operator import Operator
from symconv.verify.cases import INTEGERS, Case, Ruling, prepare
from symconv.verify.geometry import Geometry
from symconv.verify.grid import Array, Scope, address, lengths, points, reads_of
from symconv.verify.reference import evaluate, gradients
from symconv.verify.scalars import KINKED, PIECEWISE
from symconv.verify.trials import Finding, KernelLike, attempt, collect, gradient_name
from symconv.verify.verdict import Check, Failure

__all__ = ["special_values"]

_STATED = KINKED | {"add", "sub", "mul", "neg"}
"""Functions that carry NaN and infinity in the way the docs state, whatever form a derivative has."""
_VALUES = (np.nan, np.inf, -np.inf)
_FEW = 2
_CLOSE = 1e-3
"""Finite cells are judged elsewhere: here an error is one that NaN or infinity made, larger than any rounding."""


def special_values(op: Operator, kernel: KernelLike, places: Sequence[Geometry], ruling: Ruling) -> Check:
    """NaN, infinity and minus infinity in each tensor that may hold them, on a few small geometries."""
    small = _small(op, places)
    names, why = _tensors(op, ruling, small)
    small = small if names else []
    findings: list[Finding] = []
    for seed, place in enumerate(small):
        clean = prepare(op, place, INTEGERS, ruling, seed)
        for name, value in product(names, _VALUES[:1] if _flat_around_sums(op) else _VALUES):
            arrays = {**clean.arrays, name: _spoiled(clean.arrays[name], value, seed)}
            findings += _judged(op, kernel, replace(clean, kind=f"{value} in {name}", arrays=arrays), ruling)
    what = "NaN and ∞ reach the cells they reach by the definition"
    return collect("NaN and infinities", what, findings, len(small), why)


def _tensors(op: Operator, ruling: Ruling, places: Sequence[Geometry]) -> tuple[tuple[str, ...], str]:
    if not ruling.exact:
        return (), "not applicable: a kernel that trades exactness for speed spreads NaN"
    nodes = [node for statement in op.statements for node in _nodes(statement.expr)]
    if op.surrogates or not all(_is_stated(node) for node in nodes):
        return (), "not applicable: what becomes of them is stated for sums, products and maxima"
    real = tuple(tensor.name for tensor in op.inputs if tensor.dtype == "real")
    outside = frozenset(read for place in places for read in _outside(op, place))
    spoiled = {name for statement in op.statements for name in _beside(statement.expr, outside)}
    if spoiled and any(_holds_sum(op, node) for node in nodes if _is_curved(node)):
        # The slope of what stands around the sum is NaN, and taps outside, where x is 0, have 0·NaN.
        return (), "not applicable: a slope that is NaN stands beside what is 0 outside"
    spoiled |= {name for statement in op.statements for name in _under_conditions(statement.expr)}
    names = tuple(name for name in real if name not in spoiled and name not in ruling.finite)
    return names, "" if names else "not applicable: every tensor is a factor of one that is 0 outside"


def _under_conditions(expr: Expr) -> Iterator[str]:
    """The tensors of sums inside of a sum that count there only where a condition on positions holds."""
    pieces = (piece for node in _nodes(expr) if isinstance(node, Reduce) for piece in node.pieces)
    for piece in pieces:
        cut = any(_cuts(one, piece.where) for one in piece.where)
        for part in (piece.body,) if cut else _branches(piece.body):
            sums = (inner for inner in _nodes(part) if isinstance(inner, Reduce))
            yield from (read.tensor for inner in sums for read in reads_of(inner))


def _branches(expr: Expr) -> Iterator[Expr]:
    """What is chosen by positions alone."""
    for node in _nodes(expr):
        match node:
            case Apply("where", (on, yes, no)) if not any(isinstance(n, Read | Reduce) for n in _nodes(on)):
                yield from (yes, no)


def _cuts(one: Constraint, others: Sequence[Constraint]) -> bool:
    """Whether a constraint is a condition: two that leave a fixed room between them say what a quotient is."""
    return not one.equality and not any((one.form + other.form).is_constant for other in others)


def _flat_around_sums(op: Operator) -> bool:
    """Whether a function with slopes of 0 is applied to a reduction, or to an intermediate."""
    nodes = (node for statement in op.statements for node in _nodes(statement.expr))
    return any(isinstance(n, Apply) and n.function in PIECEWISE and _holds_sum(op, n) for n in nodes)


def _holds_sum(op: Operator, expr: Expr) -> bool:
    """Whether there is a reduction in an expression, or a read of an intermediate, which may be one."""
    between = {statement.target.name for statement in op.statements}
    return any(isinstance(n, Reduce) or (isinstance(n, Read) and n.tensor in between) for n in _nodes(expr))


def _is_curved(expr: Expr) -> bool:
    """Whether an expression is a product or a power whose slopes depend on its arguments."""
    match expr:
        case Apply("mul", (left, right)):
            return not isinstance(left, Const) and not isinstance(right, Const)
        case Apply("pow", (_, Const(power))):
            return power != 1
    return False


def _nodes(expr: Expr) -> Iterator[Expr]:
    yield expr
    match expr:
        case Apply(_, arguments):
            for argument in arguments:
                yield from _nodes(argument)
        case Reduce(_, _, pieces):
            for piece in pieces:
                yield from _nodes(piece.body)


def _is_stated(expr: Expr) -> bool:
    match expr:
        case Apply("div", (_, Const(value))):
            return value != 0
        case Apply("pow", (_, Const(value))):
            return value.denominator == 1 and value > 0
        case Apply(function, _):
            return function in _STATED
        case Reduce(kind, _, _):
            return kind in {"sum", "mean", "max", "min"}
        case Const(value):
            return abs(value) < Fraction(2**20)
    return True


def _outside(op: Operator, place: Geometry) -> Iterator[Read]:
    """The reads that are a number beyond their border, and get there."""
    sizes = op.sizes(**place)
    tensors = {tensor.name: tensor for tensor in (*op.inputs, *(s.target for s in op.statements))}

    def beyond(expr: Expr, scope: Scope) -> Iterator[Read]:
        match expr:
            case Read(name, _, border) if border is not None and border.kind == "constant":
                if not address(scope, expr, lengths(sizes, tensors[name].sizes)).inside.all():
                    yield expr
            case Apply(_, arguments):
                for argument in arguments:
                    yield from beyond(argument, scope)
            case Reduce(_, indices, pieces):
                for piece in pieces:
                    yield from beyond(piece.body, scope.enter(indices))

    for statement in op.statements:
        yield from beyond(statement.expr, Scope(sizes, (), ()).enter(statement.ranges))


def _beside(expr: Expr, outside: frozenset[Read]) -> Iterator[str]:
    """The tensors that are read beside one which is a number where it is read."""
    bodies = [expr, *(p.body for node in _nodes(expr) if isinstance(node, Reduce) for p in node.pieces)]
    for body in bodies:
        found = tuple(reads_of(body))
        for read in outside.intersection(found):
            yield from (other.tensor for other in found if other.tensor != read.tensor)


def _small(op: Operator, places: Sequence[Geometry]) -> list[Geometry]:
    drafts = [place for place in places if all(all(shape) for shape in place.values())]
    order = sorted(drafts, key=lambda place: points(op, op.sizes(**place)))
    # From the middle: the smallest have windows of one tap, where nothing is lost.
    start = max(0, len(order) // 2 - 1)
    return order[start : start + _FEW]


def _judged(op: Operator, kernel: KernelLike, case: Case, ruling: Ruling) -> Iterator[Finding]:
    trial = attempt(op, kernel, case, ruling)
    wanted = {op.output.name: evaluate(op, case.arrays)}
    if ruling.gradients:
        found = gradients(op, case.arrays, case.gy, ruling.gradients)
        wanted |= {gradient_name(tensor): found[tensor] for tensor in ruling.gradients}
    results = {op.output.name: trial.output, **{gradient_name(t): trial.gradients.get(t) for t in ruling.gradients}}
    for label, want in wanted.items():
        yield _compared(case, label, results[label], want, trial.faults.get(label))


def _spoiled(array: Array, value: float, seed: int) -> Array:
    """About every sixth element, so that most windows hold one and some hold several."""
    rng = np.random.default_rng(seed)
    flat = array.copy().reshape(-1)
    count = max(1, flat.size // 6)
    flat[rng.choice(flat.size, count, replace=False)] = value
    return flat.reshape(array.shape)


def _compared(case: Case, name: str, got: Array | None, want: Array, fault: str | None) -> Finding:
    shapes = tuple(case.shapes.items())
    if got is None:
        return Finding(0, np.inf, Failure(name, shapes, fault or "no result"))
    if want.dtype.kind != "f":
        return Finding()
    with np.errstate(all="ignore"):
        near = np.isfinite(want) & (np.abs(got - want) <= _CLOSE * (1 + np.abs(want)))
    right = near | (got == want) | (np.isnan(got) & np.isnan(want))
    if right.all():
        return Finding(want.size)
    place = tuple(int(k) for k in np.argwhere(~right)[0])
    reason = f"{case.kind}; {int((~right).sum())} of {right.size} cells are wrong"
    return Finding(want.size, np.inf, Failure(name, shapes, reason, place, float(got[place]), float(want[place]), 0.0))
