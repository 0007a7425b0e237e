"""Border rules resolved: every reduction becomes disjoint convex pieces whose reads stay inside their tensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from symconv.derive.folding import fold
from symconv.derive.nested import unnest
from symconv.derive.shift import shifted
from symconv.derive.skip import leave_out, span
from symconv.derive.surrogates import declare
from symconv.errors import DerivationError
from symconv.notation.affine import Affine, affine
from symconv.notation.expr import (
    Apply,
    Border,
    Const,
    Constraint,
    Expr,
    Index,
    Piece,
    Range,
    Read,
    Reduce,
    add,
    mul,
    nonnegative,
    reads,
    transform,
    walk,
)
from symconv.notation.operator import Operator, Statement
from symconv.relation.sets import Context, System, context_of, difference, feasible, implied

__all__ = ["fold", "resolve_borders", "span"]


@dataclass(frozen=True, slots=True)
class _Scope:
    op: Operator
    context: Context
    outer: tuple[Range, ...]


def resolve_borders(op: Operator) -> Operator:
    """The same operator without border rules, means and nested reductions; surrogates of tensors stand at their bodies.

    Raises DerivationError when a read can leave its tensor even though its border rule says it cannot.
    """
    op = unnest(leave_out(declare(shifted(op)[0])))
    context = context_of(op)
    statements = []
    for statement in op.statements:
        scope = _Scope(op, context, statement.ranges)
        statements.append(replace(statement, expr=_statement(scope, statement)))
    return replace(op, statements=tuple(statements))


def _statement(scope: _Scope, statement: Statement) -> Expr:
    expr = statement.expr
    outside = [r for r in _outside(expr) if r.border is not None and _leaving(scope, r, ())]
    if outside and any(isinstance(node, Reduce) for node in walk(expr)):
        expr = transform(expr, lambda node: _alone(node, outside))
    elif outside:
        # An elementwise formula that looks past its border: a sum over the one tap there is.
        expr = Reduce("sum", (), (Piece((), transform(expr, _absent)),))

    def rule(node: Expr) -> Expr | None:
        match node:
            case Reduce():
                return _reduce(scope, node)
            case Read() if node.border is not None:
                return replace(node, border=None)
        return None

    return fold(transform(expr, rule))


def _alone(node: Expr, outside: list[Read]) -> Expr | None:
    """Beside a reduction, each read that can leave its tensor is a sum of its own."""
    match node:
        case Reduce():
            return node
        case Read() if node in outside:
            return Reduce("sum", (), (Piece((), _absent(node) or node),))
    return None


def _absent(node: Expr) -> Expr | None:
    """There is no tap to skip outside a reduction: what is read there counts 0."""
    if isinstance(node, Read) and node.border is not None and node.border.kind == "skip":
        return replace(node, border=Border("constant"))
    return None


def _outside(expr: Expr) -> Iterator[Read]:
    match expr:
        case Read():
            yield expr
        case Apply(_, arguments):
            for argument in arguments:
                yield from _outside(argument)


def _reduce(scope: _Scope, node: Reduce) -> Expr:
    pieces = tuple(done for piece in node.pieces for done in _pieces(scope, node.indices, piece))
    empty = scope.op.empty if node.kind != "sum" and _vacant(scope, node) else None
    one, count = Const(Fraction(1)), _count(node)
    if node.kind == "mean":
        total = Reduce("sum", node.indices, _summands(pieces))
        if empty is None:
            return Apply("div", (total, count))
        mean = Apply("div", (total, Apply("max", (count, one))))
        return add(mean, mul(Const(empty), Apply("lt", (count, one))))
    if empty is not None:
        return Apply("where", (Apply("lt", (count, one)), Const(empty), Reduce(node.kind, node.indices, pieces)))
    if node.kind == "sum":
        pieces = _summands(pieces)
        if not pieces:
            return Const(Fraction(0))
    return Reduce(node.kind, node.indices, pieces)


def _vacant(scope: _Scope, node: Reduce) -> bool:
    """Whether a cell can be without a tap."""
    taps = tuple(r.name for r in node.indices)
    cells = tuple(r.name for r in scope.outer)
    found = [System(cells, (*span((*scope.outer, *node.indices)), *piece.where), taps) for piece in node.pieces]
    every = System(cells, span(scope.outer))
    return difference(scope.context, [every], found) is not None


def _summands(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    return tuple(piece for piece in pieces if piece.body != Const(Fraction(0)))


def _count(node: Reduce) -> Expr:
    """How many taps a mean divides by: those of its own that are taken, whatever its reads find outside."""
    one = Const(Fraction(1))
    if any(piece.where for piece in node.pieces):
        return Reduce("sum", node.indices, tuple(Piece(piece.where, one) for piece in node.pieces))
    total: Expr = one
    for index in node.indices:
        size: Expr = one if index.extent == affine(1) else Index(index.extent)
        total = fold(Apply("mul", (total, size)))
    return total


def _pieces(scope: _Scope, indices: tuple[Range, ...], piece: Piece) -> Iterator[Piece]:
    pending = [r for r in reads(piece.body) if r.border is not None]
    if not pending:
        yield replace(piece, body=fold(piece.body))
        return
    read = pending[0]
    for where, value in _cases(
        scope, indices, piece.where, replace(read, border=None), read.border or Border("skip"), 0
    ):
        body = transform(piece.body, lambda node, value=value: value if node == read else None)  # type: ignore[misc]
        yield from _pieces(scope, indices, Piece(where, body))


def _cases(
    scope: _Scope, indices: tuple[Range, ...], where: tuple[Constraint, ...], read: Read, border: Border, axis: int
) -> Iterator[tuple[tuple[Constraint, ...], Expr]]:
    """Split on where one axis of one read lies; the remaining axes follow."""
    if axis == len(read.index):
        yield where, read
        return
    form, size = read.index[axis], _size(scope, read.tensor, axis)
    low, high = nonnegative(-form - 1), nonnegative(form - size)
    domain = System(_names(scope, indices), (*span((*scope.outer, *indices)), *where))
    below, above = (
        not implied(scope.context, domain, nonnegative(form)),
        not implied(scope.context, domain, nonnegative(size - 1 - form)),
    )
    inside = (*where, *((nonnegative(form),) if below else ()), *((nonnegative(size - 1 - form),) if above else ()))
    if feasible(scope.context, System(domain.dims, (*domain.constraints, *inside))):
        yield from _cases(scope, indices, inside, read, border, axis + 1)
    for happens, outside, low_end in ((below, low, True), (above, high, False)):
        if happens:
            yield from _beyond(scope, indices, (*where, outside), read, border, axis, low_end)


def _beyond(
    scope: _Scope, indices: tuple[Range, ...], where: tuple[Constraint, ...], read: Read, border: Border, axis: int,
    low: bool,
) -> Iterator[tuple[tuple[Constraint, ...], Expr]]:  # fmt: skip
    form, size = read.index[axis], _size(scope, read.tensor, axis)
    match border.kind:
        case "constant":
            yield where, Const(border.value)
            return
        case "skip":
            return
        case "reflect":
            mapped = -form if low else 2 * (size - 1) - form
        case "replicate":
            mapped = affine(0) if low else size - 1
        case _:
            mapped = form + size if low else form - size
    new = replace(read, index=(*read.index[:axis], mapped, *read.index[axis + 1 :]))
    domain = System(_names(scope, indices), (*span((*scope.outer, *indices)), *where))
    for bound in (nonnegative(mapped), nonnegative(size - 1 - mapped)):
        if not implied(scope.context, domain, bound):
            raise DerivationError(
                f"border {border.kind!r} maps {read.tensor}'s index {form} to {mapped}, which can still lie outside "
                f"0 <= index < {size}: the pads are too large for the sizes the operator allows"
            )
    yield from _cases(scope, indices, where, new, border, axis + 1)


def _leaving(scope: _Scope, read: Read, indices: tuple[Range, ...]) -> bool:
    domain = System(_names(scope, indices), span((*scope.outer, *indices)))
    return any(
        not implied(scope.context, domain, bound)
        for axis, form in enumerate(read.index)
        for bound in (nonnegative(form), nonnegative(_size(scope, read.tensor, axis) - 1 - form))
    )


def _size(scope: _Scope, tensor: str, axis: int) -> Affine:
    return scope.op.tensor(tensor).sizes[axis]


def _names(scope: _Scope, indices: tuple[Range, ...]) -> tuple[str, ...]:
    return tuple(r.name for r in (*scope.outer, *indices))
