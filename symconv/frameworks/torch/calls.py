"""From torch tensors to kernels and back, without copies where memory lies as a kernel can read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from symconv.arrays import process
from symconv.errors import SpecError
from symconv.frameworks.layers import Layer
from symconv.kernel import Kernel
from symconv.notation.operator import Tensor

__all__ = ["as_inputs", "backward", "forward", "is_opaque", "is_plain", "second_order", "stacks", "together",
           "together_backward"]  # fmt: skip

_DTYPES = {torch.float32: "float32", torch.float64: "float64"}
_LAST = {4: (torch.channels_last, (0, 2, 3, 1)), 5: (torch.channels_last_3d, (0, 2, 3, 4, 1))}
_MAPPED = torch._C._parse_dispatch_key("Batched")
_PLAIN = (torch.Tensor, torch.nn.Parameter)

Order = tuple[int, ...] | None


def is_plain(tensors: Sequence[torch.Tensor]) -> bool:
    """Whether these are tensors with memory of their own, and not the stand-ins of a tracer."""
    return all(type(tensor) in _PLAIN for tensor in tensors)


def is_opaque(tensors: Sequence[torch.Tensor]) -> bool:
    """Whether torch must see one call to an operator of its registry: a tracer looks on, or tensors stand for others.

    What is computed outside of torch's sight would be a constant in a graph that is traced.
    """
    traced = torch._C._len_torch_dispatch_stack() or torch._C._is_tracing()
    return bool(traced) or not is_plain(tensors) or _is_mapped(tensors)


def _is_mapped(tensors: Sequence[torch.Tensor]) -> bool:
    """Whether one is a stack of torch's older vmap (that of ``is_grads_batched``), which knows no rule of ours."""
    # It says how deep it is only when that changes; the keys of a tensor take longer to read.
    depth = torch._C._vmapmode_increment_nesting()
    torch._C._vmapmode_decrement_nesting()
    return depth > 1 and any(torch._C._dispatch_keys(tensor).has(_MAPPED) for tensor in tensors)


def as_inputs(layer: Layer, tensors: Sequence[Any]) -> tuple[torch.Tensor, ...]:
    """The tensors a kernel takes, of one dtype; under autocast those of fewer bits are taken as float32.

    Raises SpecError for what is no tensor on the CPU, of a dtype that no kernel computes, or of another than the rest.
    """
    return tuple(tensors) if _usual(layer, tensors) else _judged(layer, tensors)


def _usual(layer: Layer, tensors: Sequence[Any]) -> bool:
    """Whether nothing is left to judge: tiny layers take less time than the judging."""
    if not layer.uniform or len(tensors) != len(layer.real) or torch.is_autocast_enabled("cpu"):
        return False
    dtype = getattr(tensors[0], "dtype", None)
    return dtype in _DTYPES and all(
        type(t) in _PLAIN and t.is_cpu and t.dtype is dtype and t.layout is torch.strided for t in tensors
    )


def _counted(tensor: Tensor, given: Any) -> Any:
    """A size that is given as a number, as the tensor of that length it stands for."""
    whole = tensor.is_size and isinstance(given, int) and not isinstance(given, bool) and given > 0
    return torch.zeros(given, dtype=torch.int32) if whole else given


def _judged(layer: Layer, tensors: Sequence[Any]) -> tuple[torch.Tensor, ...]:
    op = layer.op
    if len(tensors) != len(op.tensors):
        raise SpecError(f"{op.name} takes {len(op.tensors)} tensors ({', '.join(op.tensors)}); given {len(tensors)}")
    tensors = [_counted(op.input(name), tensor) for name, tensor in zip(op.tensors, tensors, strict=True)]
    for name, tensor in zip(op.tensors, tensors, strict=True):
        if not isinstance(tensor, torch.Tensor):
            raise SpecError(f"{op.name}: {name} is a {type(tensor).__name__}, wanted a torch tensor")
        if tensor.device.type not in ("cpu", "meta"):
            raise SpecError(f"{op.name}: {name} is on {tensor.device}; kernels run on the CPU: pass {name}.cpu()")
        if tensor.layout != torch.strided:
            raise SpecError(f"{op.name}: {name} is {tensor.layout}, wanted a dense tensor: pass {name}.to_dense()")
    if torch.is_autocast_enabled("cpu"):
        # float64 stays what it is, as in torch.
        narrow = (torch.float16, torch.bfloat16)
        tensors = tuple(t.to(torch.float32) if t.dtype in narrow else t for t in tensors)
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
    orders = _orders(layer, tensors)
    if orders is None:
        return torch.from_numpy(_kernel(layer, tensors).forward(*map(_array, tensors)))
    layer.output_shape([tuple(tensor.shape) for tensor in tensors])
    layer = layer.permuted(orders)
    tensors = [_turned(tensor, order) for tensor, order in zip(tensors, orders[:-1], strict=True)]
    return _back(torch.from_numpy(_kernel(layer, tensors).forward(*map(_array, tensors))), orders[-1])


def backward(
    layer: Layer, places: tuple[int, ...], cotangent: torch.Tensor, tensors: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, ...]:
    """The gradients by the inputs at ``places``, all of one call; nothing else is computed."""
    orders = _orders(layer, tensors)
    if orders is not None:
        layer = layer.permuted(orders)
        cotangent = _turned(cotangent, orders[-1])
        tensors = [_turned(tensor, order) for tensor, order in zip(tensors, orders[:-1], strict=True)]
    names = layer.op.tensors
    wanted = None if places == layer.real else tuple(names[place] for place in places)
    found = _kernel(layer, tensors).backward(_array(cotangent), *map(_array, tensors), wrt=wanted)
    made = [torch.from_numpy(getattr(found, names[place])) for place in places]
    if orders is None:
        return tuple(made)
    return tuple(_back(one, orders[place]) for one, place in zip(made, places, strict=True))


def together(layer: Layer, tensors: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """Every output of an operator of several, of one call."""
    return tuple(torch.from_numpy(one) for one in _kernel(layer, tensors).forward(*map(_array, tensors)))


def together_backward(layer: Layer, places: tuple[int, ...], given: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """The gradients by the inputs at ``places`` of several outputs, of one call over the cotangents and the inputs."""
    count, names = len(layer.op.outputs), layer.op.tensors
    wanted = tuple(names[place] for place in places)
    arrays = tuple(map(_array, given))
    found = _kernel(layer, given[count:]).backward(arrays[:count], *arrays[count:], wrt=wanted)
    return tuple(torch.from_numpy(getattr(found, name)) for name in wanted)


def _kernel(layer: Layer, tensors: Sequence[torch.Tensor]) -> Kernel:
    dtype = _DTYPES[tensors[layer.real[0]].dtype] if layer.real else "float32"
    return layer.kernel(dtype, torch.get_num_threads())


def _array(tensor: torch.Tensor) -> Any:
    """The tensor's memory; what does not lie in order is copied by torch, with all of its threads."""
    # Those do not exist in a forked child, where torch would wait for them; the kernel copies there.
    lies = tensor.is_contiguous() or process["forked"]
    return (tensor if lies else tensor.contiguous()).numpy(force=True)


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
