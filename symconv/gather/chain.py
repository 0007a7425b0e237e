"""The chain rule of one gradient written out: the loss through every output, and each output's own derivative.

The derivative of an output by a cell is a sum over the reads that reach that cell. What follows from both, the gradient
in relation form, is compared with a difference quotient of the forward formula, in exact numbers where functions allow
it: neither transposes a relation nor differentiates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from symconv.derive.adjoint import cotangent_name
from symconv.derive.scalar import differentiate
from symconv.derive.surrogates import plain
from symconv.derive.weights import leaves, other_taps
from symconv.gather.chain_checks import CHOOSING, checked_quotient, checked_written
from symconv.notation.affine import Affine, var
from symconv.notation.expr import (
    Apply,
    Const,
    Constraint,
    Expr,
    Piece,
    Range,
    Read,
    Reduce,
    add,
    equal,
    mul,
    reads,
    rename,
    walk,
)
from symconv.notation.loss import loss
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.notation.trace import Step, Trace

__all__ = ["Partial", "Through", "chained"]

_BRACKETS = "[...] is 1 where its condition holds, else 0"


@dataclass(frozen=True, slots=True)
class Through:
    """``∂L/∂cell = Σ ∂L/∂output · ∂output/∂cell`` over every output that reads the cell's tensor.

    Where the cell is one of several outputs itself, its own cotangent, ``given``, is a term too.
    """

    cell: Read
    outputs: tuple[tuple[Read, tuple[Range, ...]], ...]
    given: Read | None = None


@dataclass(frozen=True, slots=True)
class Partial:
    """``∂output/∂cell``; ``named`` are sums of the forward formula that go by a name in it."""

    output: Read
    cell: Read
    expr: Expr
    named: tuple[tuple[str, Reduce], ...]


Link = tuple[Through, tuple[Partial, ...]]


def chained(stated: Operator, op: Operator, wrt: str, result: Operator) -> Trace:
    """The chain rule for each tensor on the way from ``wrt`` to the output; ``op`` has its borders resolved.

    Of several outputs, the loss that is the sum of their products with their cotangents stands for them.
    Raises InternalError where the gradient is not what the difference quotient says.

    >>> import symconv as sc
    >>> found = sc.derive(sc.conv1d(), "x").derivation
    >>> [step.rule for step in chained(found.stated, found.stated, "x", found.operator)]
    ['chain', 'partial']
    """
    outputs, cotangent = stated.several, result.inputs[0]
    if outputs:
        stated, op = loss(stated), loss(op)
        cotangent = replace(op.output, name=f"g{op.output.name}")
    active = _active(op, wrt)
    on_the_way = [s.target.name for s in op.statements[:-1] if s.target.name in active]
    links = [_link(op, name, active, _indices(op, name, result, wrt)) for name in (wrt, *on_the_way)]
    written = checked_written(stated, wrt, _written(op, links, cotangent))
    said = (checked_quotient(stated, wrt, result, outputs), written)
    if outputs:
        links = [_given(link, op.output.name) for link in links]
    steps = list[Step]()
    for k, (through, partials) in enumerate(link for link in links if link[0].outputs):
        steps.append(Step("chain", through, through, said[0] if k == 0 else said[1]))
        steps += [Step("partial", one, one, said[1], _BRACKETS if _selects(one.expr) else "") for one in partials]
    return tuple(steps)


def _selects(expr: Expr) -> bool:
    return any(isinstance(node, Apply) and node.function == "where" for node in walk(expr))


def _link(op: Operator, name: str, active: frozenset[str], indices: tuple[str, ...]) -> Link:
    cell = Read(name, tuple(map(var, indices)))
    readers = [s for s in op.statements if s.target.name in active and any(r.tensor == name for r in reads(s.expr))]
    outputs = tuple(_output(s, indices) for s in readers)
    partials = (_partial(op, s, output, cell) for s, (output, _) in zip(readers, outputs, strict=True))
    return Through(cell, outputs), tuple(partials)


def _given(link: Link, loss: str) -> Link:
    """A link without the loss, through which an output gets the cotangent that is given."""
    through, partials = link
    kept = tuple(one for one in through.outputs if one[0].tensor != loss)
    given = None if kept == through.outputs else replace(through.cell, tensor=cotangent_name(through.cell.tensor))
    return Through(through.cell, kept, given), tuple(one for one in partials if one.output.tensor != loss)


def _written(op: Operator, links: list[Link], cotangent: Tensor) -> Operator:
    """The chain rule as an operator over the cotangent and the inputs: what is shown, to be executed."""
    names = {op.output.name: cotangent.name, **{t.cell.tensor: f"chain_{t.cell.tensor}" for t, _ in links}}
    tensors = {tensor.name: tensor for tensor in (*op.inputs, *(s.target for s in op.statements))}
    statements = list(op.statements)
    for through, partials in reversed(links):
        total: Expr = Const(Fraction(0))
        for (output, ranges), partial in zip(through.outputs, partials, strict=True):
            term = mul(Read(names[output.tensor], output.index), partial.expr)
            total = add(total, Reduce("sum", ranges, (Piece((), term),)))
        target = replace(tensors[through.cell.tensor], name=names[through.cell.tensor])
        statements.append(Statement(target, tuple(str(form) for form in through.cell.index), total))
    return replace(op, name=f"chain({op.name})", inputs=(cotangent, *op.inputs), statements=tuple(statements))


def _active(op: Operator, wrt: str) -> frozenset[str]:
    found = {wrt}
    for statement in op.statements:
        if statement.target.dtype == "real" and any(r.tensor in found for r in reads(statement.expr)):
            found.add(statement.target.name)
    return frozenset(found - {wrt})


def _indices(op: Operator, name: str, result: Operator, wrt: str) -> tuple[str, ...]:
    if name == wrt:
        return result.statements[-1].indices
    return next(s.indices for s in op.statements if s.target.name == name)


def _clear(statement: Statement, taken: tuple[str, ...]) -> dict[str, Affine]:
    """Indices of a statement that the cell has too get a prime."""
    own = {*statement.indices, *_bound(statement.expr)}
    return {name: var(f"{name}_") for name in own & set(taken)}


def _bound(expr: Expr) -> frozenset[str]:
    """The indices that reductions run over."""
    return frozenset(r.name for node in walk(expr) if isinstance(node, Reduce) for r in node.indices)


def _output(statement: Statement, taken: tuple[str, ...]) -> tuple[Read, tuple[Range, ...]]:
    fresh = _clear(statement, taken)
    names = [fresh.get(name, var(name)) for name in statement.indices]
    ranges = tuple(Range(str(name), r.extent) for name, r in zip(names, statement.ranges, strict=True))
    return Read(statement.target.name, tuple(names)), ranges


def _partial(op: Operator, statement: Statement, output: Read, cell: Read) -> Partial:
    fresh, terms, named = (
        _clear(statement, tuple(str(form) for form in cell.index)),
        list[Expr](),
        list[tuple[str, Reduce]](),
    )
    body = _renamed(statement.expr, fresh)
    taken = frozenset(name for at in (*cell.index, *output.index) for name in at.names()) | _bound(body)
    for leaf in leaves(body):
        if not any(read.tensor == cell.tensor for read in reads(leaf)):
            continue
        slope = plain(differentiate(body, leaf, op.kinks, op.surrogates))
        if isinstance(leaf, Read):
            terms.append(_where(_hits(leaf, cell), slope))
            continue
        if any(node == leaf for node in walk(slope)) or leaf.kind in CHOOSING:
            named.append((f"S{len(named) + 1}" if len(leaves(body)) > 1 else "S", leaf))
        terms += [mul(slope, term) for term in _inside(op, leaf, cell, taken)]
    total: Expr = Const(Fraction(0))
    for term in terms:
        total = add(total, term)
    return Partial(output, cell, total, tuple(named))


def _inside(op: Operator, node: Reduce, cell: Read, taken: frozenset[str]) -> Iterator[Expr]:
    """A reduction's derivative: the slope of its summand, for each read, at the taps that reach the cell."""
    for piece in node.pieces:
        for read in dict.fromkeys(r for r in reads(piece.body) if r.tensor == cell.tensor):
            slope = plain(differentiate(piece.body, read, op.kinks, op.surrogates))
            if node.kind in CHOOSING:
                slope = Apply("where", (Apply("same", (piece.body, node)), slope, Const(Fraction(0))))
            elif node.kind == "prod":
                slope = mul(other_taps(node, taken), slope)
            yield Reduce("sum", node.indices, (Piece((*piece.where, *_hits(read, cell)), slope),))


def _hits(read: Read, cell: Read) -> tuple[Constraint, ...]:
    return tuple(equal(at, form) for at, form in zip(cell.index, read.index, strict=True))


def _where(conditions: tuple[Constraint, ...], slope: Expr) -> Expr:
    return Reduce("sum", (), (Piece(conditions, slope),)) if conditions else slope


def _renamed(expr: Expr, fresh: Mapping[str, Affine]) -> Expr:
    """Every index in ``fresh`` renamed, those that reductions run over too."""
    values = dict(fresh)

    def ranges(node: Expr) -> Expr:
        match node:
            case Reduce(kind, indices, pieces):
                names = tuple(Range(str(values.get(r.name, var(r.name))), r.extent) for r in indices)
                return Reduce(kind, names, tuple(Piece(p.where, ranges(p.body)) for p in pieces))
            case Apply(function, arguments):
                return Apply(function, tuple(ranges(argument) for argument in arguments))
        return node

    return ranges(rename(expr, values))
