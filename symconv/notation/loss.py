"""The loss that several cotangents make of several outputs, as an operator of one."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from symconv.notation.affine import var
from symconv.notation.expr import Expr, Piece, Read, Reduce, add, mul
from symconv.notation.operator import Operator, Statement, Tensor

__all__ = ["loss"]


def loss(op: Operator) -> Operator:
    """The sum of ``g<output>*<output>`` over every cell of every output: over the cotangents and the inputs.

    Its gradients with respect to the inputs are those of ``op``, and that with respect to a cotangent is that output:
    so what is for operators of one output can be asked of those of several.

    >>> from symconv.notation.front import formula
    >>> loss(formula("s[i] = x[i]**2; y[i] = exp(s[i]); z[i] = s[i] + 1")).tensors
    ('gy', 'gz', 'x')
    """
    cotangents = tuple(replace(one, name=f"g{one.name}") for one in op.outputs)
    taken = {*op.tensors, *(s.target.name for s in op.statements), *(one.name for one in cotangents)}
    name = next(name for name in ("loss", *(f"loss{k}" for k in range(2, 1000))) if name not in taken)
    parts = [_product(s) for s in op.statements if s.target in op.outputs]
    total: Expr = reduce(add, parts)
    return replace(
        op,
        name=f"loss of {op.name}",
        inputs=(*cotangents, *op.inputs),
        statements=(*op.statements, Statement(Tensor(name, ()), (), total)),
        several=(),
    )


def _product(statement: Statement) -> Expr:
    here, output = tuple(var(name) for name in statement.indices), statement.target.name
    return Reduce("sum", statement.ranges, (Piece((), mul(Read(f"g{output}", here), Read(output, here))),))
