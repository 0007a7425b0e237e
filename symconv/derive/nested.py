"""Reductions inside reductions, and those that fewer indices decide than what they stand in, become statements.

Every later stage sees one level then, and a norm beside each element is summed once and not once for each. So are
functions inside of a sum that depend on less than its terms: weights of attention are computed once, not for each
feature.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from symconv.derive.skip import span
from symconv.notation.affine import Affine, var
from symconv.notation.expr import (
    Apply,
    Constraint,
    Expr,
    Index,
    Piece,
    Range,
    Read,
    Reduce,
    nonnegative,
    reads,
    rebuild,
    rename,
    transform,
    walk,
)
from symconv.notation.functions import TABLE
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.relation.sets import Context, System, context_of, implied

__all__ = ["Split", "moved", "unnest"]


@dataclass(slots=True)
class Split:
    """Statements so far, the names that are taken, and what the reductions that moved out are called.

    Only with ``once`` what could be computed once is; else only reductions inside of others move out.
    """

    op: Operator
    taken: set[str]
    output: str
    new: list[Statement] = field(default_factory=list)
    made: dict[tuple[Expr, tuple[Affine, ...]], str] = field(default_factory=dict)
    once: bool = True

    @classmethod
    def of(cls, op: Operator, once: bool = True) -> Split:
        """No statement yet; every name of the operator is taken."""
        nodes = [n for s in op.statements for n in walk(s.expr) if isinstance(n, Reduce)]
        targets = (s.target.name for s in op.statements)
        names = (*(r.name for n in nodes for r in n.indices), *(n for s in op.statements for n in s.indices))
        return cls(op, {*op.tensors, *targets, *names}, op.statements[-1].target.name, once=once)

    def fresh(self) -> str:
        """A name for an intermediate whose cotangent and tangent have none either."""
        names = (f"{self.output}{k}" for k in range(1, 1000))
        name = next(n for n in names if not self.taken & {n, f"g{n}", f"t{n}"})
        self.taken.add(name)
        return name


def unnest(op: Operator, once: bool = True) -> Operator:
    """The same operator with every reduction inside another in a statement of its own, over what it depends on.

    With ``once`` so is one beside something else that depends on more, and a function inside of a sum of more.
    """
    split = Split.of(op, once)
    for statement in op.statements:
        ranges = statement.ranges
        alone = isinstance(statement.expr, Reduce) or not once
        expr = _outer(split, statement.expr, ranges) if alone else _beside(split, statement.expr, ranges)
        split.new.append(replace(statement, expr=expr))
    if not split.made:
        return op
    return replace(op, statements=tuple(_reusing(split) if once else split.new))


def _beside(split: Split, expr: Expr, known: tuple[Range, ...]) -> Expr:
    """An expression around reductions: what fewer indices decide than there are is computed before."""
    match expr:
        case Reduce():
            found = _outer(split, expr, _needed(expr, known))
            return moved(split, found, known) if len(_needed(found, known)) < len(known) and _sums(expr) else found
        case Apply(_, arguments):
            return rebuild(expr, tuple(_beside(split, argument, known) for argument in arguments))
    return expr


def _sums(node: Reduce) -> bool:
    """Whether an index runs: one that quotients are written with has one value, or none."""
    tied = [c for piece in node.pieces for c in piece.where]
    pinned = {
        name for c in tied for name in c.form.names()
        if c.equality or any((c.form + other.form).is_constant for other in tied)
    }  # fmt: skip
    return any(r.name not in pinned for r in node.indices)


def _reusing(split: Split) -> Iterator[Statement]:
    """The statements, where what moved out before is read instead of summed again: the mean beside a variance."""
    before: set[str] = set()
    for statement in split.new:

        def rule(node: Expr, ranges: tuple[Range, ...] = statement.ranges) -> Expr | None:
            if not isinstance(node, Reduce):
                return None
            needed = _needed(node, ranges)
            name = split.made.get(_meaning(node, needed), "")
            return Read(name, tuple(var(r.name) for r in needed)) if name in before else node

        alone = isinstance(statement.expr, Reduce)
        yield statement if alone else replace(statement, expr=transform(statement.expr, rule))
        before.add(statement.target.name)


def _outer(split: Split, expr: Expr, known: tuple[Range, ...]) -> Expr:
    """Reductions that stay where they are."""
    match expr:
        case Reduce(_, indices, pieces):
            around = (*known, *indices)
            inside = tuple(Piece(p.where, _inner(split, p.body, around, p.where)) for p in pieces)
            if split.once:
                # Where a condition does not hold a function may overflow, and 0 times that is no number.
                inside = tuple(p if p.where else replace(p, body=_factored(split, p.body, around)) for p in inside)
            return replace(expr, pieces=inside)
        case Apply(_, arguments):
            return rebuild(expr, tuple(_outer(split, argument, known) for argument in arguments))
    return expr


def _inner(split: Split, expr: Expr, known: tuple[Range, ...], where: tuple[Constraint, ...]) -> Expr:
    """Reductions that move out: what remains is a read of what they computed."""
    match expr:
        case Reduce():
            found = _outer(split, expr, _needed(expr, known))
            return moved(split, _limited(split, found, known, where) if isinstance(found, Reduce) else found, known)
        case Apply(_, arguments):
            return rebuild(expr, tuple(_inner(split, argument, known, where) for argument in arguments))
    return expr


def _factored(split: Split, expr: Expr, known: tuple[Range, ...]) -> Expr:
    """The terms of a sum with functions that fewer indices decide read from where they are computed once."""
    match expr:
        case Apply(_, arguments):
            if _is_work(expr) and len(_needed(expr, known)) < len(known):
                return moved(split, expr, known)
            return rebuild(expr, tuple(_factored(split, argument, known) for argument in arguments))
    return expr


def _is_work(expr: Expr) -> bool:
    """Whether an expression takes long and reads whole axes: of windows there would be as many values as taps."""
    nodes = list(walk(expr))
    plain = all(n.border is None and all(form.name for form in n.index) for n in nodes if isinstance(n, Read))
    return plain and any(isinstance(n, Apply) and TABLE[n.function].is_series for n in nodes)


def _limited(split: Split, node: Reduce, known: tuple[Range, ...], where: tuple[Constraint, ...]) -> Reduce:
    """The reduction where it is read, if it would read beside its tensors elsewhere; it is 0, or of no tap, there."""
    context = context_of(split.op)
    used, sizes = frozenset(_names(node)), {*context.sizes}
    own = tuple(c for c in where if c.form.names() - sizes and c.form.names() - sizes <= used)
    if not own or not any(_leaves(split.op, context, (*known, *node.indices), piece) for piece in node.pieces):
        return node
    return replace(node, pieces=tuple(Piece((*own, *piece.where), piece.body) for piece in node.pieces))


def _leaves(op: Operator, context: Context, ranges: tuple[Range, ...], piece: Piece) -> bool:
    """Whether a read without a border rule can leave its tensor."""
    sizes = {one.name: one.sizes for one in op.inputs}
    domain = System(tuple(one.name for one in ranges), (*span(ranges), *piece.where))
    return any(
        not implied(context, domain, bound)
        for read in reads(piece.body) if read.tensor in sizes and read.border is None
        for form, size in zip(read.index, sizes[read.tensor], strict=True)
        for bound in (nonnegative(form), nonnegative(size - 1 - form))
    )  # fmt: skip


def moved(split: Split, node: Expr, known: tuple[Range, ...]) -> Read:
    """A statement that computes a reduction for each value of the indices it depends on, and the read of it.

    One statement computes all that are the same but for the names of indices.
    """
    needed = _needed(node, known)
    meaning = _meaning(node, needed)
    if not split.once or meaning not in split.made:
        target = Tensor(split.fresh(), tuple((r.extent,) for r in needed))
        split.made[meaning] = target.name
        split.new.append(Statement(target, tuple(r.name for r in needed), node))
    return Read(split.made[meaning], tuple(var(r.name) for r in needed))


def _needed(node: Expr, known: tuple[Range, ...]) -> tuple[Range, ...]:
    used = frozenset(_names(node))
    return tuple(r for r in known if r.name in used)


def _meaning(node: Expr, needed: tuple[Range, ...]) -> tuple[Expr, tuple[Affine, ...]]:
    """What is equal for reductions that differ in the names of indices alone."""
    names = {r.name: var(f"@{at}") for at, r in enumerate(needed)}
    return _nameless(node, names), tuple(r.extent for r in needed)


def _nameless(expr: Expr, names: dict[str, Affine]) -> Expr:
    match expr:
        case Reduce(_, indices, pieces):
            inner = names | {r.name: var(f"@{at}") for at, r in enumerate(indices, len(names))}
            parts = tuple(Piece(tuple(c.substitute(inner) for c in p.where), _nameless(p.body, inner)) for p in pieces)
            ranges = tuple(Range(str(inner[r.name]), r.extent.substitute(names)) for r in indices)
            return replace(expr, indices=ranges, pieces=parts)
        case Apply(_, arguments):
            return rebuild(expr, tuple(_nameless(argument, names) for argument in arguments))
    return rename(expr, names)


def _names(expr: Expr) -> Iterator[str]:
    for node in walk(expr):
        match node:
            case Read(_, index, _):
                yield from (name for form in index for name in form.names())
            case Index(form):
                yield from form.names()
            case Reduce(_, _, pieces):
                yield from (name for p in pieces for c in p.where for name in c.form.names())
