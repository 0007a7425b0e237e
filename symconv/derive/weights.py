"""What adjoint and tangent share: the leaves of a statement, their slopes, how a reduction weighs its taps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from symconv.derive.folding import fold
from symconv.derive.scalar import differentiate
from symconv.derive.selects import is_selective, weighted
from symconv.derive.surrogates import plain
from symconv.errors import DerivationError
from symconv.notation.affine import var
from symconv.notation.expr import (
    Apply,
    Const,
    Constraint,
    Expr,
    Index,
    Piece,
    Range,
    Read,
    Reduce,
    equal,
    nonnegative,
    reads,
    rename,
    transform,
    walk,
)
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.relation.sets import Context, context_of

__all__ = [
    "Sweep",
    "buffered",
    "chooser",
    "is_cheap",
    "leaves",
    "linear",
    "needed",
    "other_taps",
    "plain_statements",
    "slope_of",
    "unused",
]

Weigh = Callable[[Expr], tuple[Expr, Callable[[Expr], Expr]]]


@dataclass
class Sweep:
    op: Operator
    wrt: str
    new: list[Statement] = field(default_factory=list)
    terms: dict[str, list[Expr]] = field(default_factory=dict)
    targets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    selected: set[str] = field(default_factory=set)
    """Buffers that may hold a 0 because a branch was not taken."""

    @cached_property
    def context(self) -> Context:
        """The sizes, and what always holds of them."""
        return context_of(self.op)


def leaves(expr: Expr) -> tuple[Read | Reduce, ...]:
    """The reads outside every reduction and the outermost reductions of an expression."""
    match expr:
        case Read() | Reduce():
            return (expr,)
        case Apply(_, arguments):
            return tuple(dict.fromkeys(leaf for argument in arguments for leaf in leaves(argument)))
    return ()


def slope_of(sweep: Sweep, expr: Expr, wrt: Read | Reduce) -> Expr:
    return differentiate(expr, wrt, sweep.op.kinks, sweep.op.surrogates)


def buffered(sweep: Sweep, statement: Statement, weight: Expr) -> Expr:
    """A weight that holds a reduction is computed once per output cell, not once per tap."""
    if not any(isinstance(node, Reduce) for node in walk(weight)):
        return weight
    for known in sweep.new:
        if known.expr == weight and known.indices == statement.indices and known.target.axes == statement.target.axes:
            return Read(known.target.name, tuple(var(index) for index in statement.indices))
    name = unused(sweep, f"q{statement.target.name}")
    buffer = replace(statement.target, name=name, dtype="real")
    sweep.new.append(Statement(buffer, statement.indices, weight))
    if is_selective(weight, frozenset(sweep.selected)):
        sweep.selected.add(name)
    return Read(name, tuple(var(index) for index in statement.indices))


def is_cheap(body: Expr) -> bool:
    """One read times numbers: reading it again costs less than keeping it."""
    match body:
        case Read():
            return True
        case Apply("neg", (inner,)) | Apply("mul", (Const(), inner)) | Apply("mul" | "div", (inner, Const())):
            return is_cheap(inner)
    return False


def chooser(sweep: Sweep, statement: Statement, node: Reduce, weight: Expr) -> Weigh:
    """How a reduction hands its cotangent to a tap: all of it (sum), times the other taps (prod), or to
    the extreme tap (max, min)."""
    if node.kind == "sum":
        whole = buffered(sweep, statement, weight)
        return lambda body: (whole, lambda term: term)
    if node.kind == "prod":
        every = _others(sweep, statement, node)
        scaled = weighted(buffered(sweep, statement, weight), every)
        return lambda body: (scaled, lambda term: term)
    if node.kind not in {"max", "min"}:
        raise DerivationError(f"{node.kind} has no derivative")
    here = tuple(var(index) for index in statement.indices)
    zero, one = Const(Fraction(0)), Const(Fraction(1))
    choice = dict(sweep.op.kinks).get(node.kind, "first")
    if choice == "share":
        extreme = Read(_buffer(sweep, statement, f"m{statement.target.name}", node, "real"), here)
        weight = transform(weight, lambda inner: extreme if inner == node else None)
        tied = replace(
            node,
            kind="sum",
            pieces=tuple(
                replace(p, body=Apply("where", (Apply("same", (p.body, extreme)), one, zero))) for p in node.pieces
            ),
        )
        # A window without a tap has no tie to divide by.
        parts = Apply("max", (tied, one)) if any(p.where for p in node.pieces) else tied
        shared = buffered(sweep, statement, Apply("div", (weight, parts)))
        return lambda body: (shared, lambda term: Apply("where", (Apply("same", (body, extreme)), term, zero)))
    first = replace(node, kind=f"arg{node.kind}")
    position = Read(_buffer(sweep, statement, f"k{statement.target.name}", first, "index"), here)
    chosen = Apply("eq", (position, linear(node.indices)))
    if any(isinstance(inner, Reduce) and inner != node for inner in walk(weight)):
        weight = buffered(sweep, statement, weight)
    # At the tap that is chosen, the tap is the extreme.
    return lambda body: (
        transform(weight, lambda inner: body if inner == node else None),
        lambda term: Apply("where", (chosen, term, zero)),
    )


def other_taps(node: Reduce, taken: frozenset[str]) -> Reduce:
    """The product of all taps but one, for each of them: no quotient, so that a tap may be 0.

    Its indices have names that are not ``taken``.

    What differs from a tap comes before it or behind it in the order of the taps: pieces that are disjoint and convex.
    """
    named = {*taken, *(r.name for r in node.indices)}
    fresh = (f"{r.name.rstrip('_')}{k}" for k in range(2, 1000) for r in node.indices)
    put = {r.name: var(next(n for n in fresh if n not in named)) for r in node.indices}
    pieces: list[Piece] = []
    for piece in node.pieces:
        where, body = tuple(c.substitute(put) for c in piece.where), rename(piece.body, put)
        alike: tuple[Constraint, ...] = ()
        for index in node.indices:
            one, other = var(index.name), put[index.name]
            pieces += (Piece((*where, *alike, nonnegative(f)), body) for f in (one - 1 - other, other - 1 - one))
            alike = (*alike, equal(one, other))
    return Reduce("prod", tuple(Range(put[r.name].name or "", r.extent) for r in node.indices), tuple(pieces))


def _others(sweep: Sweep, statement: Statement, node: Reduce) -> Read:
    """The product of all taps but one is computed once per tap."""
    name = unused(sweep, f"o{statement.target.name}")
    axes = (*statement.target.axes, *((r.extent,) for r in node.indices))
    indices = (*statement.indices, *(r.name for r in node.indices))
    product = other_taps(node, frozenset(r.name for r in statement.ranges))
    sweep.new.append(Statement(Tensor(name, axes), indices, product))
    return Read(name, tuple(map(var, indices)))


def _buffer(sweep: Sweep, statement: Statement, wish: str, expr: Expr, dtype: str) -> str:
    name = unused(sweep, wish)
    sweep.new.append(Statement(replace(statement.target, name=name, dtype=dtype), statement.indices, expr))
    return name


def linear(indices: tuple[Range, ...]) -> Expr:
    """The row-major position of a tap among a reduction's indices."""
    total: Expr = Const(Fraction(0))
    for index in indices:
        total = fold(Apply("add", (Apply("mul", (total, Index(index.extent))), Index(var(index.name)))))
    return total


def unused(sweep: Sweep, wish: str) -> str:
    """A name for an intermediate that nothing else has."""
    taken = {
        *sweep.op.tensors,
        *(s.target.name for s in (*sweep.op.statements, *sweep.new)),
        *(f"g{one.name}" for one in sweep.op.outputs),
        f"g{sweep.wrt}",
    }
    name, count = wish, 2
    while name in taken:
        name, count = f"{wish}{count}", count + 1
    return name


def needed(statements: tuple[Statement, ...], last: Statement) -> tuple[Statement, ...]:
    wanted, kept = {r.tensor for r in reads(last.expr)}, []
    for statement in reversed(statements):
        if statement.target.name in wanted:
            kept.append(statement)
            wanted |= {r.tensor for r in reads(statement.expr)}
    return tuple(reversed(kept))


def plain_statements(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    return tuple(replace(s, expr=plain(s.expr)) for s in statements)
