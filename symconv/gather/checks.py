"""The steps of a derivation checked: each function runs its check and answers what was checked, in words.

isl answers for all sizes. Values are compared by ``verify``'s definition, which shares no code with the stages judged
here. Raises InternalError where a step is wrong: a derivation never prints a check that failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from itertools import combinations

import numpy as np

from symconv.derive.borders import span
from symconv.errors import InternalError, SpecError
from symconv.notation.expr import Apply, Const, Expr, Index, Piece, Range, Read, Reduce, nonnegative, reads, walk
from symconv.notation.loss import loss
from symconv.notation.operator import Operator
from symconv.relation.sets import Context, System, context_of, feasible, implied
from symconv.verify.cases import REALS, Case, Ruling, prepare
from symconv.verify.declared import function_slope
from symconv.verify.geometry import Geometry, geometries
from symconv.verify.grid import Array, points
from symconv.verify.reference import evaluate
from symconv.verify.scalars import apply, partial

__all__ = ["checked_borders", "checked_ranges", "checked_slope", "checked_transpose", "small_sizes"]

_DRAWS = 12
_LARGEST = 20_000
"""Grid points of a geometry for one comparison: a few milliseconds."""
_ROUNDINGS = 1e4
"""How far above the bound of a right kernel a value is called wrong: a wrong step is off by far more."""
_CLOSE = 1e-6
"""Relative agreement of two forms of one slope; a wrong slope is off by its own size at almost every point."""


def checked_ranges(op: Operator) -> str:
    """Every index that is read with has a range, and every tensor that is read is there."""
    known = {t.name for t in op.inputs}
    sizes = {n for t in op.inputs for s in t.sizes for n in s.names()} | {d.name for d in op.definitions}
    sizes |= {n for d in op.definitions for n in d.form.names()}
    ranged: dict[str, None] = {}
    for statement in op.statements:
        nodes = (n for n in walk(statement.expr) if isinstance(n, Reduce))
        ranged |= dict.fromkeys([*statement.indices, *(r.name for n in nodes for r in n.indices)])
        for read, indices in _in_scope(statement.expr, frozenset(statement.indices)):
            if read.tensor not in known:
                raise InternalError(f"{op.name}: {read.tensor} is read before it is there")
            for name in (name for form in read.index for name in form.names()):
                if name not in indices | sizes:
                    raise InternalError(f"{op.name}: the index {name} of {read.tensor} has no range")
        known.add(statement.target.name)
    return f"parsed; every index has a range: {', '.join(ranged)}" if ranged else "parsed"


def _in_scope(expr: Expr, indices: frozenset[str]) -> Iterator[tuple[Read, frozenset[str]]]:
    match expr:
        case Read():
            yield expr, indices
        case Apply(_, arguments):
            for argument in arguments:
                yield from _in_scope(argument, indices)
        case Reduce(_, ranges, pieces):
            for piece in pieces:
                yield from _in_scope(piece.body, indices | {r.name for r in ranges})


def checked_borders(op: Operator, resolved: Operator) -> str:
    """Pieces are disjoint, reads stay inside, and the resolved formula has the values of the stated one."""
    context, pieces, pairs, inside = context_of(resolved), 0, 0, 0
    for statement in resolved.statements:
        for node in dict.fromkeys(n for n in walk(statement.expr) if isinstance(n, Reduce)):
            pairs += _disjoint(context, (*statement.ranges, *node.indices), node)
            pieces += len(node.pieces)
            for piece in node.pieces:
                inside += _inside(resolved, context, (*statement.ranges, *node.indices), piece)
        outer = [leaf for leaf, _ in _in_scope(_bare(statement.expr), frozenset())]
        inside += sum(_inside(resolved, context, statement.ranges, Piece((), read)) for read in outer)
    apart = f"{_count(pieces, 'piece')}{' that do not overlap' if pairs else ''}, "
    said = f"isl, for all sizes: {apart if pieces else ''}{_count(inside, 'read')} inside the tensors"
    cases = [(one.name, _case(op.only(one.name), ())) for one in op.outputs]
    found = [(name, case) for name, case in cases if case is not None]
    for name, case in found:
        value = evaluate(resolved.only(name), case.arrays)
        _compare(op, "resolving borders", value, case.output.value, case.output.bound)
    same = (_place(case, case.output.value) for _, case in found)
    return f"{said}; by the definition the same {' and '.join(same)}" if found else said


def _bare(expr: Expr) -> Expr:
    """The expression without what stands inside its reductions."""
    match expr:
        case Reduce():
            return Const(Fraction(0))
        case Apply(function, arguments):
            return Apply(function, tuple(_bare(argument) for argument in arguments))
    return expr


def _disjoint(context: Context, ranges: tuple[Range, ...], node: Reduce) -> int:
    """How many pairs of pieces there are, none of which overlaps."""
    names, pairs = tuple(r.name for r in ranges), list(combinations(node.pieces, 2))
    for one, other in pairs:
        if feasible(context, System(names, (*span(ranges), *one.where, *other.where))):
            where = (" and ".join(map(str, piece.where)) or "everywhere" for piece in (one, other))
            raise InternalError(f"two pieces of a {node.kind} overlap: {'; '.join(where)}")
    return len(pairs)


def _inside(op: Operator, context: Context, ranges: tuple[Range, ...], piece: Piece) -> int:
    names, found = tuple(r.name for r in ranges), 0
    domain = System(names, (*span(ranges), *piece.where))
    for read in dict.fromkeys(reads(piece.body)):
        for form, size in zip(read.index, op.tensor(read.tensor).sizes, strict=True):
            if not all(implied(context, domain, nonnegative(bound)) for bound in (form, size - 1 - form)):
                raise InternalError(f"a read of {read.tensor} at {form} can leave it")
        found += 1
    return found


def checked_slope(body: Expr, leaf: Expr, slope: Expr, op: Operator) -> str:
    """The slope at random points against the chain rule over ``verify``'s own table of derivatives."""
    rng = np.random.default_rng(0)
    places: dict[Expr, None] = dict.fromkeys((leaf, *_leaves(body), *_leaves(slope)))
    values = {place: np.concatenate([rng.standard_normal(_DRAWS), rng.uniform(0.3, 2.0, _DRAWS)]) for place in places}
    with np.errstate(all="ignore"):
        want = np.broadcast_to(_forward(op, body, leaf, values, dict(op.kinks))[1], 2 * _DRAWS).astype(np.float64)
        got = np.broadcast_to(_forward(op, slope, leaf, values, {})[0], 2 * _DRAWS).astype(np.float64)
    there = np.isfinite(want)
    wrong = there & ~(np.abs(got - want) <= _CLOSE * (1 + np.abs(want)))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InternalError(f"{op.name}: a slope is {got[at]}, by the chain rule {want[at]}, for {slope}")
    if not there.any():
        return "SymPy; no point with a finite slope was found to compare at"
    return f"SymPy; at {int(there.sum())} random points the chain rule by a second table of derivatives agrees"


def _leaves(expr: Expr) -> Iterator[Read | Reduce | Index]:
    match expr:
        case Read() | Reduce() | Index():
            yield expr
        case Apply(_, arguments):
            for argument in arguments:
                yield from _leaves(argument)


def _forward(
    op: Operator, expr: Expr, leaf: Expr, values: Mapping[Expr, Array], kinks: Mapping[str, str]
) -> tuple[Array, Array]:
    """An expression's value and its derivative by a leaf, forward through the tree."""
    if expr in values:
        return values[expr], np.asarray(1.0 if expr == leaf else 0.0)
    match expr:
        case Const(number):
            return np.asarray(float(number)), np.asarray(0.0)
        case Apply(function, arguments):
            inner = [_forward(op, argument, leaf, values, kinks) for argument in arguments]
            given = tuple(np.broadcast_to(value, 2 * _DRAWS).astype(np.float64) for value, _ in inner)
            total: Array = np.zeros(2 * _DRAWS)
            declared = function_slope(op, expr)
            for which, (_, rate) in enumerate(inner):
                if np.any(rate != 0):
                    slope = (
                        partial(function, which, given, kinks)
                        if declared is None
                        else (_forward(op, declared, leaf, values, kinks)[0])
                    )
                    # What does not vary is out, not weighted by a slope that may be infinite; so is a branch not taken.
                    total = total + np.where((rate == 0) | (slope == 0), 0.0, slope * rate)
            return apply(function, given), total
    raise InternalError(f"{expr} has no value at a point")


def checked_transpose(stated: Operator, wrt: str, result: Operator) -> str:
    """The gradient in relation form against the stated formula run backwards, cotangents scattered read by read."""
    case = _case(loss(stated) if stated.several else stated, (wrt,))
    if case is None:
        return "not compared: no small sizes with finite values were found"
    want = case.gradients[wrt]
    if stated.several:
        # The loss hands on what it is given, times the cotangents: those are what the gradient takes.
        scaled = {f"g{name}": case.gy * case.arrays[f"g{name}"] for name in stated.several}
        got = evaluate(result, {**case.arrays, **scaled})
    else:
        got = evaluate(result, {**case.arrays, result.inputs[0].name: case.gy})
    _compare(stated, f"the transpose by {wrt}", got, want.value, want.bound)
    return f"by the definition, scattered instead of gathered, the same {_place(case, want.value)}"


@lru_cache(maxsize=64)
def small_sizes(op: Operator) -> tuple[Geometry, ...]:
    """Some small shapes with something to see, none where none are found; the search takes as long as a comparison."""
    try:
        return geometries(op, 6)
    except SpecError:
        return ()


@lru_cache(maxsize=64)
def _case(op: Operator, wrt: tuple[str, ...]) -> Case | None:
    """Random reals at small sizes, and what the stated formula makes of them; None where there are none."""
    fits = [shapes for shapes in small_sizes(op) if points(op, op.sizes(**shapes)) <= _LARGEST]
    for shapes in sorted(fits, key=lambda shapes: -points(op, op.sizes(**shapes))):
        case = prepare(op, shapes, REALS, Ruling("float64", wrt), 0)
        expected = case.gradients[wrt[0]] if wrt else case.output
        if expected.value.size and expected.unbounded < expected.value.size:
            return case
    return None


def _compare(op: Operator, step: str, got: Array, want: Array, bound: Array) -> None:
    with np.errstate(all="ignore"):
        judged = np.isfinite(want) & np.isfinite(bound)
        wrong = judged & ~(np.abs(got - want) <= _ROUNDINGS * bound)
    if wrong.any():
        index = tuple(int(k) for k in np.argwhere(wrong)[0])
        raise InternalError(f"{op.name}: {step} changes the value at {index}: {got[index]}, want {want[index]}")


def _place(case: Case, values: Array) -> str:
    shapes = ", ".join(f"{name} {'×'.join(map(str, shape)) or 'scalar'}" for name, shape in case.shapes.items())
    return f"{_count(values.size, 'number')} for {shapes}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
