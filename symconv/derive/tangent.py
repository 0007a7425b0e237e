"""Forward mode: the directional derivative of an operator, from the same slopes as the adjoint."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import reduce

from symconv.derive.folding import fold
from symconv.derive.selects import weighted
from symconv.derive.weights import Sweep, chooser, leaves, needed, plain_statements, slope_of, unused
from symconv.errors import SpecError
from symconv.notation.expr import Apply, Const, Expr, Read, Reduce, reads
from symconv.notation.operator import Operator, Statement

__all__ = ["tangent"]


def tangent(op: Operator, wrt: tuple[str, ...]) -> Operator:
    """The directional derivative of ``op`` along tangents ``t<name>``, an operator over ``(*op.inputs, *tangents)``.

    Raises SpecError for an unknown tensor.
    """
    for name in wrt:
        if name not in op.tensors:
            raise SpecError(f"{op.name} has no tensor {name!r}; its tensors are {', '.join(op.tensors)}")
        if f"t{name}" in op.tensors:
            raise SpecError(f"{op.name} already has a tensor {f't{name}'!r}, the name its tangent needs")
    output = op.output
    sweep = Sweep(op, "")
    moving = {name: f"t{name}" for name in wrt}
    for statement in op.statements:
        if statement.target.dtype != "real":
            continue
        terms = [term for leaf in leaves(statement.expr) for term in _moved(sweep, statement, leaf, moving)]
        name = unused(sweep, f"t{statement.target.name}")
        if terms or statement.target == output:
            expr: Expr = reduce(lambda a, b: Apply("add", (a, b)), terms) if terms else Const(Fraction(0))
            sweep.new.append(Statement(replace(statement.target, name=name), statement.indices, expr))
            moving[statement.target.name] = name
    tangents = tuple(replace(op.input(name), name=f"t{name}") for name in wrt)
    last = sweep.new.pop()
    return replace(
        op,
        name=f"jvp({op.name})",
        inputs=(*op.inputs, *tangents),
        statements=plain_statements((*needed((*op.statements, *sweep.new), last), last)),
        source=f"directional derivative of {op.source}",
    )


def _moved(sweep: Sweep, statement: Statement, leaf: Read | Reduce, moving: dict[str, str]) -> list[Expr]:
    """What one leaf of a statement contributes to the tangent of its target."""
    if not any(r.tensor in moving for r in reads(leaf)):
        return []
    slope = slope_of(sweep, statement.expr, leaf)
    if isinstance(leaf, Read):
        return [weighted(slope, replace(leaf, tensor=moving[leaf.tensor]))]
    weigh = chooser(sweep, statement, leaf, Const(Fraction(1)))
    pieces = []
    for piece in leaf.pieces:
        weight, chosen = weigh(piece.body)
        total: Expr = Const(Fraction(0))
        for read in reads(piece.body):
            if read.tensor in moving:
                part = weighted(slope_of(sweep, piece.body, read), replace(read, tensor=moving[read.tensor]))
                total = fold(Apply("add", (total, part)))
        if total != Const(Fraction(0)):
            pieces.append(replace(piece, body=chosen(weighted(weight, total))))
    inner = replace(leaf, kind="sum", pieces=tuple(pieces))
    return [weighted(slope, inner)] if pieces else []
