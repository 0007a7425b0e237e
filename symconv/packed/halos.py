"""Sums over an operand that was copied into a halo of zeros, taken from the operand itself."""

from __future__ import annotations

from dataclasses import replace

from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint, Expr, Piece, Read, Reduce, transform
from symconv.notation.operator import Operator, Statement
from symconv.packed.contraction import Axis, Contraction, Operand, alike

__all__ = ["unhaloed"]


def unhaloed(found: Contraction, op: Operator, copy: Statement) -> Contraction | None:
    """The same sum over the operand that ``copy`` puts into a halo of zeros: packing puts them there as well.

    ``op`` has that operand among its inputs. None where the halo holds something else, or more than one packed operand
    is read from it.
    """
    source, held = _zero_outside(op, copy.expr), copy.target.name
    if source is None or len(source.index) != len(copy.indices):
        return None
    places = tuple(form - var(name) for form, name in zip(source.index, copy.indices, strict=True))
    within = {read.tensor for read in (*found.narrow, *found.here)}
    if any(place.names() & set(copy.indices) for place in places) or held in within:
        return None
    wide = tuple(_moved(one, op, source, places) if one.read.tensor == held else one for one in found.wide)
    index = {one.read: new.read for one, new in zip(found.wide, wide, strict=True)}
    body = transform(found.solution.body, lambda node: index.get(node) if isinstance(node, Read) else None)
    if found.lanes == "cells" and not alike(wide):
        return None
    return replace(found, operator=op, solution=replace(found.solution, body=body), wide=wide, padded=True)


def _zero_outside(op: Operator, expr: Expr) -> Read | None:
    """The read of an input that an expression is wherever it lies in its tensor, where it is 0 elsewhere."""
    match expr:
        case Read(tensor, _, None) if tensor in op.tensors:
            return expr
        case Reduce("sum", (), (Piece(where, Read(tensor, index, None) as read),)) if tensor in op.tensors:
            sizes = op.input(tensor).sizes
            inside = {Constraint(form) for form in index}
            inside |= {Constraint(size - 1 - form) for form, size in zip(index, sizes, strict=True)}
            return read if set(where) <= inside else None
    return None


def _moved(operand: Operand, op: Operator, source: Read, places: tuple[Affine, ...]) -> Operand:
    """An operand read from where its copy comes from."""
    sizes = op.input(source.tensor).sizes
    axes = tuple(
        Axis(axis.form + place, length, axis.loop, axis.factor)
        for axis, place, length in zip(operand.axes, places, sizes, strict=True)
    )
    return Operand(Read(source.tensor, tuple(axis.form for axis in axes)), axes)
