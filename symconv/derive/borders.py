"""Border rules resolved: every reduction becomes disjoint convex pieces whose reads stay inside their tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, reduce

from symconv.derive.addends import Leaving, addends, signature
from symconv.derive.folding import fold
from symconv.derive.merging import merged
from symconv.derive.nested import unnest
from symconv.derive.padded import pad
from symconv.derive.shift import shifted
from symconv.derive.skip import leave_out, span
from symconv.derive.surrogates import declare
from symconv.errors import DerivationError
from symconv.notation.affine import Affine, affine
from symconv.notation.expr import (
    TURNS,
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
from symconv.notation.operator import Operator
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
    op = unnest(_each(leave_out(pad(declare(shifted(op)[0]))), _beside))
    return _each(op, _resolved)


def _each(op: Operator, change: Callable[[_Scope, Expr], Expr]) -> Operator:
    context = context_of(op)
    scopes = ((s, _Scope(op, context, s.ranges)) for s in op.statements)
    return replace(op, statements=tuple(replace(s, expr=change(scope, s.expr)) for s, scope in scopes))


def _resolved(scope: _Scope, expr: Expr) -> Expr:
    def rule(node: Expr) -> Expr | None:
        match node:
            case Reduce():
                return _reduce(scope, node)
            case Read() if node.border is not None:
                return replace(node, border=None)
        return None

    return fold(transform(expr, rule))


def _beside(scope: _Scope, expr: Expr) -> Expr:
    """Reads outside reductions that can leave their tensors stand in sums over the one tap there is."""
    leaving = _leaving(scope, (), ())
    if not any(leaving(read) for read in _outside(expr)):
        return expr
    expr = transform(expr, _absent)
    if any(isinstance(node, Reduce) for node in walk(expr)):
        return transform(expr, lambda node: _alone(node, leaving))
    return _total(_single(scope, part, leaving) for part in addends(expr, leaving))


def _single(scope: _Scope, part: Expr, leaving: Leaving) -> Expr:
    """One sum where that has no more pieces than there are reads that leave, else each is read once, on its own."""
    count = sum(1 for read in reads(part) if leaving(read))
    if not count:
        return part
    whole = Piece((), part)
    # Pieces multiply with every read: from four on they are not even counted.
    if count > 1 and (count > 3 or len(_summands(tuple(_pieces(scope, (), whole)))) > count):
        whole = Piece((), transform(part, lambda node: _alone(node, leaving)))
    return Reduce("sum", (), (whole,))


def _alone(node: Expr, leaving: Leaving) -> Expr | None:
    match node:
        case Reduce():
            return node
        case Read() if leaving(node):
            return Reduce("sum", (), (Piece((), node),))
    return None


def _absent(node: Expr) -> Expr | None:
    """There is no tap to skip outside a reduction: what is read there counts 0."""
    match node:
        case Reduce():
            return node
        case Read(_, _, border) if border is not None and border.kind == "skip":
            return replace(node, border=Border("constant"))
    return None


def _outside(expr: Expr) -> Iterator[Read]:
    match expr:
        case Read():
            yield expr
        case Apply(_, arguments):
            for argument in arguments:
                yield from _outside(argument)


def _total(terms: Iterable[Expr]) -> Expr:
    return reduce(lambda a, b: Apply("add", (a, b)), terms)


def _reduce(scope: _Scope, node: Reduce) -> Expr:
    if node.kind == "sum":
        return _sum(scope, node)
    empty = scope.op.empty if node.kind != "prod" and _vacant(scope, node) else None
    one, count = Const(Fraction(1)), _count(node)
    if node.kind == "mean":
        total = _sum(scope, node)
        if empty is None:
            return Apply("div", (total, count))
        mean = Apply("div", (total, Apply("max", (count, one))))
        return add(mean, mul(Const(empty), Apply("lt", (count, one))))
    pieces = tuple(done for piece in node.pieces for done in _pieces(scope, node.indices, piece))
    extreme = replace(node, pieces=merged(scope.context, (*scope.outer, *node.indices), pieces))
    return extreme if empty is None else Apply("where", (Apply("lt", (count, one)), Const(empty), extreme))


def _sum(scope: _Scope, node: Reduce) -> Expr:
    """A sum for each set of axes along which reads leave: borders that have nothing in common are not multiplied."""
    match node:
        case Reduce(_, (), (Piece((), body),)) if not signature(body, _leaving(scope, (), ())):
            return transform(body, lambda part: replace(part, border=None) if isinstance(part, Read) else None)
    parts = [(p.where, addends(p.body, _leaving(scope, node.indices, p.where))) for p in node.pieces]
    sums = []
    for k in range(max((len(several) for _, several in parts), default=0)):
        stated = (Piece(where, several[k]) for where, several in parts if k < len(several))
        pieces = _summands(tuple(done for piece in stated for done in _pieces(scope, node.indices, piece)))
        if pieces:
            joined = merged(scope.context, (*scope.outer, *node.indices), pieces)
            sums.append(Reduce("sum", node.indices, joined))
    return _total(sums) if sums else Const(Fraction(0))


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
        case "symmetric":
            mapped = -form - 1 if low else 2 * size - 1 - form
        case _:
            yield from _turns(scope, indices, where, read, border, axis, low)
            return
    new = replace(read, index=(*read.index[:axis], mapped, *read.index[axis + 1 :]))
    domain = System(_names(scope, indices), (*span((*scope.outer, *indices)), *where))
    for bound in (nonnegative(mapped), nonnegative(size - 1 - mapped)):
        if not implied(scope.context, domain, bound):
            raise DerivationError(
                f"border {border.kind!r} maps {read.tensor}'s index {form} to {mapped}, which can still lie outside "
                f"0 <= index < {size}: the pads are too large for the sizes the operator allows"
            )
    yield from _cases(scope, indices, where, new, border, axis + 1)


def _turns(
    scope: _Scope, indices: tuple[Range, ...], where: tuple[Constraint, ...], read: Read, border: Border, axis: int,
    low: bool,
) -> Iterator[tuple[tuple[Constraint, ...], Expr]]:  # fmt: skip
    """A piece for every number of turns that bring a periodic index back inside; ``where`` ends with that it is not."""
    form, size = read.index[axis], _size(scope, read.tensor, axis)
    for turn in range(1, TURNS + 1):
        mapped = form + turn * size if low else form - turn * size
        domain = System(_names(scope, indices), (*span((*scope.outer, *indices)), *where))
        near, far = (mapped, size - 1 - mapped) if low else (size - 1 - mapped, mapped)
        inside = tuple(nonnegative(b) for b in (near, far) if not implied(scope.context, domain, nonnegative(b)))
        if feasible(scope.context, System(domain.dims, (*domain.constraints, *inside))):
            new = replace(read, index=(*read.index[:axis], mapped, *read.index[axis + 1 :]))
            yield from _cases(scope, indices, (*where, *inside), new, border, axis + 1)
        if implied(scope.context, domain, nonnegative(near)):
            return
        where = (*where[:-1], nonnegative(-near - 1))
    raise DerivationError(
        f"border 'circular' reads {read.tensor} at {form}, more than {TURNS} times its size {size} outside: the pads "
        "are too large for the sizes the operator allows"
    )


def _leaving(scope: _Scope, indices: tuple[Range, ...], where: tuple[Constraint, ...]) -> Leaving:
    """The axes along which reads can leave their tensors somewhere in a domain."""
    domain = System(_names(scope, indices), (*span((*scope.outer, *indices)), *where))

    @cache
    def axes(read: Read) -> frozenset[tuple[Affine, Affine]]:
        found = zip(read.index, scope.op.tensor(read.tensor).sizes, strict=True)
        return frozenset(
            (form, size)
            for form, size in (found if read.border is not None else ())
            if any(not implied(scope.context, domain, b) for b in (nonnegative(form), nonnegative(size - 1 - form)))
        )

    return axes


def _size(scope: _Scope, tensor: str, axis: int) -> Affine:
    return scope.op.tensor(tensor).sizes[axis]


def _names(scope: _Scope, indices: tuple[Range, ...]) -> tuple[str, ...]:
    return tuple(r.name for r in (*scope.outer, *indices))
