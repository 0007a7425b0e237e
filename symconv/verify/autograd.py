"""The operator's own formula in torch, and torch's automatic gradients: an oracle that somebody else wrote.

Only the places of reads (index grids and masks) are shared with the reference; values and derivatives are
torch's. At ties and kinks conventions differ, so this oracle is asked only on data without them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symconv.errors import InternalError
from symconv.notation.expr import Apply, Const, Expr, Index, Read, Reduce
from symconv.notation.operator import Operator
from symconv.verify.grid import Array, Scope, address, form, lengths, parts, points
from symconv.verify.scalars import torch_value

__all__ = ["MOST_POINTS", "available", "torch_gradients"]

MOST_POINTS = 2_000_000
Torch = Any


@dataclass(frozen=True, slots=True)
class _Run:
    torch: Torch
    tensors: dict[str, Torch]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}


def available() -> bool:
    """Whether torch can be imported here; does not import it."""
    return importlib.util.find_spec("torch") is not None


def torch_gradients(
    op: Operator, arrays: Mapping[str, Array], gy: Array, wrt: tuple[str, ...]
) -> tuple[Array, dict[str, Array]]:
    """Output and gradients in float64 by torch's operations and its autograd; needs torch.

    Raises InternalError where the grid is larger than ``MOST_POINTS``.
    """
    import torch

    sizes = op.sizes(**{name: tuple(array.shape) for name, array in arrays.items()})
    if points(op, sizes) > MOST_POINTS:
        raise InternalError(f"{op.name}: the torch oracle is for small geometries")
    run = _Run(torch, {})
    leaves = {}
    for tensor in op.inputs:
        data = np.array(arrays[tensor.name], dtype=np.float64)
        leaves[tensor.name] = torch.tensor(data, requires_grad=tensor.name in wrt)
        run.tensors[tensor.name] = leaves[tensor.name].reshape(lengths(sizes, tensor.sizes))
    for statement in op.statements:
        shape = lengths(sizes, statement.target.sizes)
        result = _value(run, statement.expr, Scope(sizes, statement.indices, shape))
        run.tensors[statement.target.name] = result.broadcast_to(shape)
    output = run.tensors[op.output.name].reshape(op.output.shape(sizes))
    if not wrt:
        return output.numpy(), {}
    targets = [leaves[name] for name in wrt]
    cotangent = torch.tensor(np.array(gy, dtype=np.float64))
    found = torch.autograd.grad((output * cotangent).sum(), targets, allow_unused=True)
    return output.detach().numpy(), {
        name: np.zeros(leaves[name].shape) if gradient is None else gradient.numpy()
        for name, gradient in zip(wrt, found, strict=True)
    }


def _value(run: _Run, expr: Expr, scope: Scope) -> Torch:
    torch, ones = run.torch, (1,) * len(scope.names)
    match expr:
        case Const(number):
            return torch.full(ones, float(number), dtype=torch.float64)
        case Index(affine):
            return torch.tensor(form(scope, affine), dtype=torch.float64)
        case Read(tensor, _, border):
            where = address(scope, expr, tuple(run.tensors[tensor].shape))
            found = run.tensors[tensor].reshape(-1)[torch.tensor(where.flat)]
            outside = float(border.value) if border is not None and border.kind == "constant" else 0.0
            return torch.where(torch.tensor(where.inside), found, torch.full_like(found, outside))
        case Apply(function, arguments):
            return torch_value(torch, function, tuple(_value(run, argument, scope) for argument in arguments))
        case Reduce():
            return _reduce(run, expr, scope)


def _reduce(run: _Run, node: Reduce, scope: Scope) -> Torch:
    torch = run.torch
    inner, pieces = parts(node, scope, run.shapes)
    fill = {"max": -np.inf, "argmax": -np.inf, "min": np.inf, "argmin": np.inf, "prod": 1.0}.get(node.kind, 0.0)
    values = torch.full(inner.shape, fill, dtype=torch.float64)
    for place, body in pieces:
        mask = torch.tensor(np.array(np.broadcast_to(place.mask, inner.shape)))
        values = torch.where(mask, _value(run, body, place), values)
    outer = inner.shape[: len(scope.shape)]
    count = int(np.prod(inner.shape[len(outer) :], dtype=np.int64))
    flat = values.reshape(*outer, count)
    match node.kind:
        case "sum":
            return flat.sum(dim=-1)
        case "prod":
            return flat.prod(dim=-1)
        case "mean":
            taken = torch.tensor(np.array(np.broadcast_to(inner.mask, inner.shape))).reshape(*outer, count)
            return flat.sum(dim=-1) / taken.sum(dim=-1)
        case "max" | "argmax":
            best = flat.max(dim=-1)
        case "min" | "argmin":
            best = flat.min(dim=-1)
        case _:
            raise InternalError(f"the torch oracle knows no reduction {node.kind!r}")
    return best.indices.to(torch.float64) if node.kind.startswith("arg") else best.values
