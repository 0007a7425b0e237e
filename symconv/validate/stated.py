"""What the derivation says every tensor holds, in the terms in which a kernel's execution is told."""

from __future__ import annotations

from collections.abc import Mapping

from symconv.loops.ir import Binary, Var
from symconv.loops.ir import Expr as Lowered
from symconv.loops.scalars import integer, scalar
from symconv.notation.affine import var
from symconv.notation.expr import Reduce, walk
from symconv.notation.operator import Operator, Statement
from symconv.relation.points import Instances, Word
from symconv.relation.sets import constraint_text
from symconv.validate.scope import bounds
from symconv.validate.terms import Sum, Term, shape, terms_of
from symconv.validate.words import parts

__all__ = ["cells", "stated"]

_NO: Mapping[str, Word] = {}


def cells(statement: Statement) -> Instances:
    """Every cell of a statement's target, once."""
    names = tuple(r.name for r in statement.ranges)
    facts = tuple(w for r in statement.ranges for w in bounds(r.name, integer(var(r.name) * 0), integer(r.extent), _NO))
    return Instances(names, facts, tuple(Word(name) for name in statement.indices))


def stated(op: Operator, statement: Statement) -> list[Term]:
    """The terms of a statement: its reductions point by point, and what stands beside them."""
    positions = frozenset(t.name for t in (*op.inputs, *(s.target for s in op.statements)) if t.dtype == "index")
    nodes = dict.fromkeys(node for node in walk(statement.expr) if isinstance(node, Reduce))
    names: dict[Reduce, Lowered] = {node: Var(f"reduction{k}_") for k, node in enumerate(nodes)}
    at = cells(statement)
    sums = {f"reduction{k}_": _sum(node, at, positions) for k, node in enumerate(nodes)}
    return terms_of(scalar(statement.expr, names, positions), at.image, at, _NO, sums)


def _sum(node: Reduce, at: Instances, positions: frozenset[str]) -> Sum:
    dims = (*at.dims, *(r.name for r in node.indices))
    spans = tuple(w for r in node.indices for w in bounds(r.name, integer(var(r.name) * 0), integer(r.extent), _NO))
    terms = []
    for piece in node.pieces:
        facts = (*at.facts, *spans, *(Word(constraint_text(c)) for c in piece.where))
        form, words = shape(scalar(piece.body, {}, positions), _NO, {})
        if node.kind.startswith("arg"):
            place: Lowered = integer(var("") * 0)
            for index in node.indices:
                place = Binary("+", Binary("*", place, integer(index.extent)), Var(index.name))
            extents, digits = parts(place, _NO)
            form, words = ("at", extents, form), (*digits, *words)
        terms.append(Term(1, form, Instances(dims, facts, (*at.image, *words))))
    return Sum({"sum": "+"}.get(node.kind, node.kind), tuple(terms))
