"""How far an index of a claim's sum runs where the claim does not tell: as far as the formula's own of that name.

In ``gx[n,c,u] = sum[p](gy[n,c,(u-p)/2])`` of a pooling over ``p`` nothing else says how long a window is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from symconv.notation.affine import Affine
from symconv.notation.expr import Expr, Reduce, children
from symconv.notation.operator import Operator
from symconv.prove.language.places import alone, bounds, places
from symconv.prove.language.syntax import Binary, Claim, Equation, Name, Node, Number, Reduction, rebuild
from symconv.prove.language.syntax import children as parts

__all__ = ["bounded"]


def bounded(op: Operator, claim: Claim) -> Claim:
    """The claim with a bound for each index of a sum that has none, and that the formula sums over too."""
    extents = _extents(op)

    def own(one: Equation) -> Equation:
        return replace(one, body=_within(one.body, extents))

    earlier = tuple(map(own, claim.earlier))
    return replace(claim, body=_within(claim.body, extents), earlier=earlier) if extents else claim


def _extents(op: Operator) -> dict[str, Affine]:
    """How far the indices run that the formula reduces over, where each name has one extent."""
    found: dict[str, set[Affine]] = {}
    for statement in op.statements:
        for one in _reductions(statement.expr):
            for index in one.indices:
                if all(isinstance(atom, str) for atom, _ in index.extent.terms):
                    found.setdefault(index.name, set()).add(index.extent)
    return {name: extents.pop() for name, extents in found.items() if len(extents) == 1}


def _reductions(expr: Expr) -> Iterator[Reduce]:
    if isinstance(expr, Reduce):
        yield expr
    for child in children(expr):
        yield from _reductions(child)


def _within(node: Node, extents: Mapping[str, Affine]) -> Node:
    match node:
        case Reduction(_, indices, where, body):
            inner = _within(body, extents)
            open_ = [name for name in indices if name in extents and not alone(body, name) and not bounds(where, name)]
            more = [Binary("<", Name(name), _node(extents[name])) for name in open_ if next(places(body, name), None)]
            return replace(node, where=(*where, *more), body=inner)
    return rebuild(node, tuple(_within(child, extents) for child in parts(node)))


def _node(form: Affine) -> Node:
    """A form of sizes as it is written."""
    found: Node | None = None
    for name in sorted(form.names()):
        factor = form.coefficient(name)
        term: Node = Name(name) if factor == 1 else Binary("*", Number(Fraction(factor)), Name(name))
        found = term if found is None else Binary("+", found, term)
    constant = Number(Fraction(form.constant))
    return constant if found is None else Binary("+", found, constant) if form.constant else found
