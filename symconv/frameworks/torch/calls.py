"""From torch tensors to kernels and back, without copies where memory lies as a kernel can read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from symconv.errors import SpecError
from symconv.frameworks.layers import Layer

__all__ = ["as_inputs", "backward", "forward", "is_plain", "second_order", "stacks"]

_DTYPES = {torch.float32: "float32", torch.float64: "float64"}
_LAST = {4: (torch.channels_last, (0, 2, 3, 1)), 5: (torch.channels_last_3d, (0, 2, 3, 4, 1))}
_PLAIN = (torch.Tensor, torch.nn.Parameter)

Order = tuple[int, ...] | None


def is_plain(tensors: Sequence[torch.Tensor]) -> bool:
    """Whether these are tensors with memory of their own, and not the stand-ins of a tracer."""
    return all(type(tensor) in _PLAIN for tensor in tensors)


def as_inputs(layer: Layer, tensors: Sequence[Any]) -> tuple[torch.Tensor, ...]:
    """The tensors a kernel takes, of one dtype; under autocast those of fewer bits are taken as float32.

    Raises SpecError for what is no tensor on the CPU, of a dtype that no kernel computes, or of another than the rest.
    """
    op = layer.op
    if len(tensors) != len(op.tensors):
        raise SpecError(f"{op.name} takes {len(op.tensors)} tensors ({', '.join(op.tensors)}); given {len(tensors)}")
    for name, tensor in zip(op.tensors, tensors, strict=True):
        if not isinstance(tensor, torch.Tensor):
            raise SpecError(f"{op.name}: {name} is a {type(tensor).__name__}, wanted a torch tensor")
        if tensor.device.type not in ("cpu", "meta"):
            raise SpecError(f"{op.name}: {name} is on {tensor.device}; kernels run on the CPU: pass {name}.cpu()")
        if tensor.layout != torch.strided:
            raise SpecError(f"{op.name}: {name} is {tensor.layout}, wanted a dense tensor: pass {name}.to_dense()")
    if torch.is_autocast_enabled("cpu"):
        tensors = tuple(t.to(torch.float32) if t.is_floating_point() else t for t in tensors)
    _same_dtype(layer, tensors)
    return tuple(tensors)


def _same_dtype(layer: Layer, tensors: Sequence[torch.Tensor]) -> None:
    op, first = layer.op, ""
    wanted: torch.dtype | None = None
    for place, (name, tensor) in enumerate(zip(op.tensors, tensors, strict=True)):
        if place not in layer.real:
            if tensor.dtype != torch.int32:
                raise SpecError(f"{op.name}: {name} holds positions as torch.int32; given {tensor.dtype}")
            continue
        if tensor.dtype not in _DTYPES:
            raise SpecError(
                f"{op.name}: {name} is {tensor.dtype}; kernels compute float32 and float64: pass {name}.float(), or "
                "call under torch.autocast, which does"
            )
        if wanted is not None and tensor.dtype != wanted:
            raise SpecError(f"{op.name}: {name} is {tensor.dtype}, and {first} is {wanted}: pass {name}.to({wanted})")
        wanted, first = tensor.dtype, first or name


def forward(layer: Layer, tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """The output of an operator; tensors in channels-last memory are read as they lie, and the output lies alike."""
    layer.output_shape([tuple(tensor.shape) for tensor in tensors])
    dtype = _dtype(layer, tensors)
    orders = _orders(layer, tensors)
    if orders is not None:
        layer = layer.permuted(orders)
        tensors = [_turned(tensor, order) for tensor, order in zip(tensors, orders[:-1], strict=True)]
    kernel = layer.kernel(_DTYPES[dtype], torch.get_num_threads())
    made = torch.from_numpy(kernel.forward(*(tensor.detach().numpy() for tensor in tensors)))
    return made if orders is None else _back(made, orders[-1])


def backward(
    layer: Layer, places: tuple[int, ...], cotangent: torch.Tensor, tensors: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, ...]:
    """The gradients by the inputs at ``places``, all of one call; nothing else is computed."""
    dtype = _dtype(layer, tensors)
    orders = _orders(layer, tensors)
    if orders is not None:
        layer = layer.permuted(orders)
        cotangent = _turned(cotangent, orders[-1])
        tensors = [_turned(tensor, order) for tensor, order in zip(tensors, orders[:-1], strict=True)]
    kernel = layer.kernel(_DTYPES[dtype], torch.get_num_threads())
    names = layer.op.tensors
    arrays = [tensor.detach().numpy() for tensor in (cotangent, *tensors)]
    found = kernel.backward(*arrays, wrt=tuple(names[place] for place in places))
    made = (torch.from_numpy(getattr(found, names[place])) for place in places)
    if orders is None:
        return tuple(made)
    return tuple(_back(one, orders[place]) for one, place in zip(made, places, strict=True))


def stacks(
    in_dims: Sequence[int | None], tensors: Sequence[torch.Tensor]
) -> tuple[list[torch.Tensor], tuple[int, ...]]:
    """The tensors with the mapped axis first, and the places of those that have one."""
    pairs = list(zip(tensors, in_dims, strict=True))
    moved = [tensor if dim is None else tensor.movedim(dim, 0) for tensor, dim in pairs]
    return moved, tuple(place for place, (_, dim) in enumerate(pairs) if dim is not None)


def second_order(
    layer: Layer,
    places: Sequence[int],
    cotangents: Sequence[torch.Tensor | None],
    needed: Sequence[bool],
    several: Callable[[Layer, tuple[int, ...], torch.Tensor], Sequence[torch.Tensor]],
) -> list[torch.Tensor | None]:
    """The gradients of gradients by ``(cotangent, *inputs)``, those that are ``needed``, added over what they are of.

    ``several`` computes the gradients of an operator by some of its inputs.
    """
    wanted = tuple(k for k in (0, *(1 + place for place in layer.real)) if needed[k])
    totals: list[torch.Tensor | None] = [None] * (1 + len(layer.op.tensors))
    for place, cotangent in zip(places, cotangents, strict=True):
        if cotangent is None or not wanted:
            continue
        for k, one in zip(wanted, several(layer.gradient(place), wanted, cotangent), strict=True):
            known = totals[k]
            totals[k] = one if known is None else known + one
    return totals


def _dtype(layer: Layer, tensors: Sequence[torch.Tensor]) -> torch.dtype:
    return next((tensors[place].dtype for place in layer.real), torch.float32)


def _orders(layer: Layer, tensors: Sequence[torch.Tensor]) -> tuple[Order, ...] | None:
    """How the axes of each tensor, and last of the output, lie in memory, where the data lie channels last."""
    if not tensors or _order(tensors[0]) is None:
        return None
    found = tuple(_order(tensor) for tensor in tensors)
    rank = len(layer.op.output.axes)
    return (*found, found[0] if rank == tensors[0].dim() else None)


def _order(tensor: torch.Tensor) -> Order:
    if tensor.dim() not in _LAST or tensor.is_contiguous():
        return None
    memory, order = _LAST[tensor.dim()]
    return order if tensor.is_contiguous(memory_format=memory) else None


def _turned(tensor: torch.Tensor, order: Order) -> torch.Tensor:
    return tensor if order is None else tensor.permute(order)


def _back(tensor: torch.Tensor, order: Order) -> torch.Tensor:
    if order is None:
        return tensor
    return tensor.permute(tuple(order.index(axis) for axis in range(len(order))))
