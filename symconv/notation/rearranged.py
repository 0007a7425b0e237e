"""The same operator over other arrays: a further axis for some tensors, axes in another order, other names.

What comes out is an operator again: it is derived, built and verified like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count

from symconv.errors import SpecError, shown
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Expr, Read, Reduce, reads, transform, walk
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.notation.surrogate import Surrogate

__all__ = ["permuted", "renamed", "with_axis"]


def with_axis(op: Operator, names: Iterable[str]) -> Operator:
    """The operator over a stack of arrays: the tensors ``names`` and the output have one more axis, the first.

    Each element along it is computed as the operator does, from the elements of the stacked tensors and the whole of
    the others. Raises SpecError for an unknown tensor.

    >>> from symconv.ops.registry import conv1d
    >>> with_axis(conv1d(), ["x"]).output_shape(x=(5, 2, 3, 7), w=(4, 3, 3))
    (5, 2, 4, 5)
    """
    stacked = set(names)
    if unknown := stacked - set(op.tensors):
        raise SpecError(f"{op.name} has no tensor {min(unknown)!r}; its tensors are {', '.join(op.tensors)}")
    if not stacked:
        raise SpecError(f"{op.name}: name the tensors that are stacked, some of {', '.join(op.tensors)}")
    index, size = _fresh(op, "s"), _fresh(op, "S")
    for statement in op.statements:
        if statement.target in op.outputs or any(r.tensor in stacked for r in reads(statement.expr)):
            stacked.add(statement.target.name)

    def taller(tensor: Tensor) -> Tensor:
        return replace(tensor, axes=((var(size),), *tensor.axes)) if tensor.name in stacked else tensor

    def deeper(expr: Expr) -> Expr | None:
        if isinstance(expr, Read) and expr.tensor in stacked:
            return replace(expr, index=(var(index), *expr.index))
        return None

    statements = tuple(
        Statement(
            taller(one.target),
            (index, *one.indices) if one.target.name in stacked else one.indices,
            transform(one.expr, deeper),
        )
        for one in op.statements
    )
    return replace(
        op,
        name=f"stacked({op.name})",
        inputs=tuple(taller(tensor) for tensor in op.inputs),
        statements=statements,
        source=f"{op.source}, for each of a stack of {', '.join(sorted(stacked & set(op.tensors)))}",
    )


def permuted(op: Operator, orders: Mapping[str, Sequence[int]]) -> Operator:
    """The operator over arrays whose axes lie in another order, as ``transpose(order)`` of the arrays it takes now.

    ``orders`` speaks of inputs and of the output, each with an order of its physical axes. Raises SpecError for an
    unknown tensor and for what is no order of its axes.

    >>> from symconv.ops.registry import conv1d
    >>> permuted(conv1d(), {"x": (0, 2, 1), "y": (0, 2, 1)}).output_shape(x=(2, 7, 3), w=(4, 3, 3))
    (2, 5, 4)
    """
    moved = {tensor.name: tensor for tensor in (*op.inputs, op.output)}
    logical: dict[str, tuple[int, ...]] = {}
    for name, order in orders.items():
        if name not in moved:
            raise SpecError(f"{op.name} has no tensor {name!r}; its tensors are {', '.join(moved)}")
        if sorted(order) != list(range(len(moved[name].axes))):
            raise SpecError(f"{name} has axes 0 to {len(moved[name].axes) - 1}, each wanted once; given {shown(order)}")
        logical[name] = _logical(moved[name], order)

    def turned(tensor: Tensor) -> Tensor:
        order = orders.get(tensor.name)
        return tensor if order is None else replace(tensor, axes=tuple(tensor.axes[at] for at in order))

    def reordered(expr: Expr) -> Expr | None:
        if isinstance(expr, Read) and expr.tensor in logical:
            return replace(expr, index=tuple(expr.index[at] for at in logical[expr.tensor]))
        return None

    statements = []
    for one in op.statements:
        places = logical.get(one.target.name, range(len(one.indices)))
        indices = tuple(one.indices[at] for at in places)
        statements.append(Statement(turned(one.target), indices, transform(one.expr, reordered)))
    words = ", ".join(f"{name} in order {tuple(order)}" for name, order in sorted(orders.items()))
    return replace(
        op,
        name=f"permuted({op.name})",
        inputs=tuple(turned(tensor) for tensor in op.inputs),
        statements=tuple(statements),
        source=f"{op.source}, {words}",
    )


def renamed(op: Operator, names: Mapping[str, str]) -> Operator:
    """The operator with other names for inputs and output; raises SpecError where two would have one name."""
    taken = [names.get(t.name, t.name) for t in (*op.inputs, *(s.target for s in op.statements))]
    if twice := [name for name in taken if taken.count(name) > 1]:
        raise SpecError(f"{op.name}: two tensors would be called {twice[0]!r}")

    def called(tensor: Tensor) -> Tensor:
        return replace(tensor, name=names.get(tensor.name, tensor.name))

    def read(expr: Expr) -> Expr | None:
        return replace(expr, tensor=names.get(expr.tensor, expr.tensor)) if isinstance(expr, Read) else None

    def slope(one: Surrogate) -> Surrogate:
        target = one.target if one.function else names.get(one.target, one.target)
        return replace(one, target=target, slope=transform(one.slope, read))

    return replace(
        op,
        inputs=tuple(called(tensor) for tensor in op.inputs),
        statements=tuple(Statement(called(s.target), s.indices, transform(s.expr, read)) for s in op.statements),
        surrogates=tuple(slope(one) for one in op.surrogates),
    )


def _logical(tensor: Tensor, order: Sequence[int]) -> tuple[int, ...]:
    """The order of the indices of a read that goes with an order of physical axes."""
    starts = [sum(len(axis) for axis in tensor.axes[:at]) for at in range(len(tensor.axes))]
    return tuple(starts[at] + k for at in order for k in range(len(tensor.axes[at])))


def _fresh(op: Operator, stem: str) -> str:
    """A name that no index, size or tensor has."""
    used = {tensor.name for tensor in op.inputs} | {definition.name for definition in op.definitions}
    used |= {name for tensor in op.inputs for size in tensor.sizes for name in size.names()}
    for statement in op.statements:
        used |= {statement.target.name, *statement.indices}
        used |= {name for size in statement.target.sizes for name in size.names()}
        bound = (r for node in walk(statement.expr) if isinstance(node, Reduce) for r in node.indices)
        used |= {name for r in bound for name in (r.name, *_names(r.extent))}
    return next(name for k in count() if (name := f"{stem}{k or ''}") not in used)


def _names(form: Affine) -> frozenset[str]:
    return frozenset(form.names())
