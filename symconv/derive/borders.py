"""Border rules resolved: every reduction becomes disjoint convex pieces whose reads stay inside their tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache, lru_cache, reduce

from symconv.derive.addends import Leaving, addends, signature
from symconv.derive.cases import Scope, cases, names
from symconv.derive.folding import fold
from symconv.derive.merging import merged
from symconv.derive.nested import unnest
from symconv.derive.padded import pad
from symconv.derive.shift import shifted
from symconv.derive.skip import leave_out, span
from symconv.derive.surrogates import declare
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
from symconv.notation.operator import Operator
from symconv.relation.sets import System, context_of, difference, implied

__all__ = ["fold", "resolve_borders", "span"]


def resolve_borders(op: Operator, once: bool = True) -> Operator:
    """The same operator without border rules, means and nested reductions; surrogates of tensors stand at their bodies.

    With ``once`` what depends on less than it stands in is computed once, as kernels want it; terms that are compared
    are simpler without. Raises DerivationError when a read can leave its tensor even though its border rule says it
    cannot.
    """
    return replace(_resolve(op, once), numbers=op.numbers)


@lru_cache(maxsize=64)
def _resolve(op: Operator, once: bool) -> Operator:
    op = unnest(_each(leave_out(pad(declare(shifted(op)[0]))), _beside), once)
    return _each(op, _resolved)


def _each(op: Operator, change: Callable[[Scope, Expr], Expr]) -> Operator:
    context = context_of(op)
    scopes = ((s, Scope(op, context, s.ranges)) for s in op.statements)
    return replace(op, statements=tuple(replace(s, expr=change(scope, s.expr)) for s, scope in scopes))


def _resolved(scope: Scope, expr: Expr) -> Expr:
    def rule(node: Expr) -> Expr | None:
        match node:
            case Reduce():
                return _reduce(scope, node)
            case Read() if node.border is not None:
                return replace(node, border=None)
        return None

    return fold(transform(expr, rule))


def _beside(scope: Scope, expr: Expr) -> Expr:
    """Reads outside reductions that can leave their tensors stand in sums over the one tap there is."""
    leaving = _leaving(scope, (), ())
    if not any(leaving(read) for read in _outside(expr)):
        return expr
    expr = transform(expr, _absent)
    if any(isinstance(node, Reduce) for node in walk(expr)):
        return transform(expr, lambda node: _alone(node, leaving))
    return _total(_single(scope, part, leaving) for part in addends(expr, leaving))


def _single(scope: Scope, part: Expr, leaving: Leaving) -> Expr:
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


def _reduce(scope: Scope, node: Reduce) -> Expr:
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


def _sum(scope: Scope, node: Reduce) -> Expr:
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


def _vacant(scope: Scope, node: Reduce) -> bool:
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


def _pieces(scope: Scope, indices: tuple[Range, ...], piece: Piece) -> Iterator[Piece]:
    pending = [r for r in reads(piece.body) if r.border is not None]
    if not pending:
        yield replace(piece, body=fold(piece.body))
        return
    read = pending[0]
    for where, value in cases(
        scope, indices, piece.where, replace(read, border=None), read.border or Border("skip"), 0
    ):
        body = transform(piece.body, lambda node, value=value: value if node == read else None)  # type: ignore[misc]
        yield from _pieces(scope, indices, Piece(where, body))


def _leaving(scope: Scope, indices: tuple[Range, ...], where: tuple[Constraint, ...]) -> Leaving:
    """The axes along which reads can leave their tensors somewhere in a domain."""
    domain = System(names(scope, indices), (*span((*scope.outer, *indices)), *where))

    @cache
    def axes(read: Read) -> frozenset[tuple[Affine, Affine]]:
        found = zip(read.index, scope.op.tensor(read.tensor).sizes, strict=True)
        return frozenset(
            (form, size)
            for form, size in (found if read.border is not None else ())
            if any(not implied(scope.context, domain, b) for b in (nonnegative(form), nonnegative(size - 1 - form)))
        )

    return axes
