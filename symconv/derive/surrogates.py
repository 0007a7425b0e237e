"""Surrogates of tensors in the tree: a body and the slopes declared for its reads travel together.

``declared(body, read, slope, ...)`` has the value of ``body``; differentiated by ``read`` it gives ``slope``. Such
nodes live only between border resolution and the adjoint: what leaves a derivation is plain again.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from symconv.notation.expr import Apply, Const, Expr, Read, Reduce, children, transform
from symconv.notation.operator import Operator
from symconv.notation.surrogate import Surrogate

__all__ = ["DECLARED", "SENTENCE", "declare", "pairs_of", "plain", "sentences"]

DECLARED = "declared"
SENTENCE = "surrogate: declared, not the derivative"


def sentences(surrogates: tuple[Surrogate, ...]) -> tuple[str, ...]:
    """What a derivation says of declared slopes."""
    return tuple(
        f"{SENTENCE}: {s.target}'(u) = {s.text}" if s.function else f"{SENTENCE}: by {s.target}, {s.text}"
        for s in surrogates
    )


def pairs_of(node: Apply) -> tuple[tuple[Read, Expr], ...]:
    """The reads of a declared node with their slopes; a read that a border replaced by a number is gone."""
    rest = node.arguments[1:]
    found = zip(rest[::2], rest[1::2], strict=True)
    return tuple((read, slope) for read, slope in found if isinstance(read, Read))


def declare(op: Operator) -> Operator:
    """Attach the tensors' surrogates to the bodies they speak of; those of functions stay with the operator."""
    declared = tuple(s for s in op.surrogates if not s.function)
    if not declared:
        return op
    statements = tuple(
        replace(s, expr=_attach(_enter(s.expr, Fraction(1), declared), Fraction(1), declared)) for s in op.statements
    )
    return replace(op, statements=statements, surrogates=tuple(s for s in op.surrogates if s.function))


def _enter(expr: Expr, factor: Fraction, declared: tuple[Surrogate, ...]) -> Expr:
    """Into every reduction, with the constant factor its value has in what stands around it."""
    match expr:
        case Reduce(_, _, pieces):
            done = (replace(p, body=_attach(_enter(p.body, Fraction(1), declared), factor, declared)) for p in pieces)
            return replace(expr, pieces=tuple(done))
        case Apply(_, arguments):
            return replace(
                expr, arguments=tuple(_enter(a, _factor(expr, k, factor), declared) for k, a in enumerate(arguments))
            )
    return expr


def _factor(node: Apply, which: int, factor: Fraction) -> Fraction:
    match node.function, node.arguments:
        case "neg", _:
            return -factor
        case (("add" | "sub"), _):
            return -factor if (node.function, which) == ("sub", 1) else factor
        case "mul", (Const(value), _) | (_, Const(value)) if value:
            return factor * value
        case "div", (_, Const(value)) if value and which == 0:
            return factor / value
    return Fraction(1)


def _attach(body: Expr, factor: Fraction, declared: tuple[Surrogate, ...]) -> Expr:
    """``factor·body`` is what the slopes are declared for; the reduction around multiplies by the factor itself."""
    beside = {read.tensor: read for read in _direct(body)}
    found = [(beside[s.target], s.slope) for s in declared if s.target in beside]
    if not found:
        return body
    pairs = ((read, _scaled(_placed(slope, beside), factor)) for read, slope in found)
    return Apply(DECLARED, (body, *(part for pair in pairs for part in pair)))


def _scaled(slope: Expr, factor: Fraction) -> Expr:
    return slope if factor == 1 else Apply("neg", (slope,)) if factor == -1 else Apply("div", (slope, Const(factor)))


def _placed(slope: Expr, beside: dict[str, Read]) -> Expr:
    return transform(slope, lambda node: beside[node.tensor] if isinstance(node, Read) else None)


def _direct(expr: Expr) -> tuple[Read, ...]:
    if isinstance(expr, Read):
        return (expr,)
    return () if isinstance(expr, Reduce) else tuple(r for child in children(expr) for r in _direct(child))


def plain(expr: Expr) -> Expr:
    """The expression without declared slopes; summands that are 0 go with them."""
    match expr:
        case Apply(function, arguments) if function == DECLARED:
            return plain(arguments[0])
        case Apply(_, arguments):
            return replace(expr, arguments=tuple(plain(argument) for argument in arguments))
        case Reduce(kind, _, pieces):
            kept = tuple(replace(p, body=plain(p.body)) for p in pieces)
            if kind == "sum":
                kept = tuple(p for p in kept if p.body != Const(Fraction(0)))
                if not kept:
                    return Const(Fraction(0))
            return replace(expr, pieces=kept)
    return expr
