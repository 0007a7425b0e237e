"""An operator and its gradients as operators of torch's own registry, for compilers and exporters.

Tracers see one opaque call with a shape, its gradients and its rule for vmap. Forward mode is not among what torch lets
a custom operator register: :mod:`symconv.frameworks.torch.functions` has it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch

from symconv.frameworks.layers import Layer
from symconv.frameworks.torch.calls import backward as computed_gradients
from symconv.frameworks.torch.calls import forward as computed
from symconv.frameworks.torch.calls import second_order, stacks
from symconv.notation.shapes import traced_shape

__all__ = ["gradients_op", "operator_op", "several"]

Op = Callable[..., Any]

_known: dict[str, Op] = {}
_lock = threading.RLock()


def operator_op(layer: Layer) -> Op:
    """The registered operator that computes a layer; made when first asked for."""
    return _registered(f"symconv::{layer.label}", lambda name: _operator(name, layer))


def gradients_op(layer: Layer, places: tuple[int, ...]) -> Op:
    """The registered operator over ``(cotangent, *inputs)`` that computes the gradients by the inputs at ``places``."""
    name = f"symconv::{layer.label}_backward_{'_'.join(map(str, places))}"
    return _registered(name, lambda name: _gradients(name, layer, places))


def _registered(name: str, make: Callable[[str], Op]) -> Op:
    with _lock:
        if name not in _known:
            _known[name] = make(name)
        return _known[name]


def _operator(name: str, layer: Layer) -> Op:
    def call(*tensors: torch.Tensor) -> torch.Tensor:
        # As it lies in the shape function below: a compiler builds on the strides that it was told.
        return computed(layer, tensors).contiguous()

    def shape(*tensors: torch.Tensor) -> torch.Tensor:
        given = dict(zip(layer.op.tensors, (tuple(t.shape) for t in tensors), strict=True))
        return tensors[layer.real[0] if layer.real else 0].new_empty(traced_shape(layer.op, given))

    def kept(ctx: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        ctx.save_for_backward(*inputs)

    def backward(ctx: Any, cotangent: torch.Tensor) -> tuple[Any, ...]:
        places = tuple(place for place in layer.real if ctx.needs_input_grad[place])
        found: list[Any] = [None] * len(layer.op.tensors)
        if places:
            for place, one in zip(places, several(layer, places, cotangent, ctx.saved_tensors), strict=True):
                found[place] = one
        return tuple(found)

    def mapped(info: Any, in_dims: tuple[int | None, ...], *tensors: torch.Tensor) -> tuple[torch.Tensor, int]:
        moved, places = stacks(in_dims, tensors)
        return operator_op(layer.stacked(places))(*moved), 0

    return _custom(name, layer.op.tensors, "Tensor", call, shape, kept, backward, mapped)


def _gradients(name: str, layer: Layer, places: tuple[int, ...]) -> Op:
    def call(cotangent: torch.Tensor, *tensors: torch.Tensor) -> Any:
        return _packed([one.contiguous() for one in computed_gradients(layer, places, cotangent, tensors)])

    def shape(cotangent: torch.Tensor, *tensors: torch.Tensor) -> Any:
        return _packed([torch.empty_like(tensors[place], memory_format=torch.contiguous_format) for place in places])

    def kept(ctx: Any, inputs: tuple[torch.Tensor, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs)

    def backward(ctx: Any, *cotangents: torch.Tensor | None) -> tuple[Any, ...]:
        saved = ctx.saved_tensors
        return tuple(
            second_order(
                layer,
                places,
                cotangents,
                ctx.needs_input_grad,
                lambda one, wanted, along: several(one, wanted, along, saved),
            )
        )

    def mapped(info: Any, in_dims: tuple[int | None, ...], *tensors: torch.Tensor) -> tuple[Any, Any]:
        moved, where = stacks(in_dims, tensors)
        made = [operator_op(layer.gradient(place).stacked(where))(*moved) for place in places]
        return _packed(made), _packed([0] * len(made))

    names = (f"g{layer.op.output.name}", *layer.op.tensors)
    result = _packed(["Tensor"] * len(places))
    result = result if isinstance(result, str) else f"({', '.join(result)})"
    return _custom(name, names, result, call, shape, kept, backward, mapped)


def _packed(values: Sequence[Any]) -> Any:
    """What a schema with so many results returns: one result is no tuple of one."""
    return values[0] if len(values) == 1 else tuple(values)


def several(
    layer: Layer, places: tuple[int, ...], cotangent: torch.Tensor, tensors: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, ...]:
    """The gradients by the inputs at ``places``, by the registered operator."""
    made = gradients_op(layer, places)(cotangent, *tensors)
    return (made,) if len(places) == 1 else tuple(made)


def _custom(
    name: str, arguments: Sequence[str], result: str, call: Op, shape: Op, kept: Op, backward: Op, mapped: Op
) -> Op:
    # Names of tensors may be words that a schema keeps for itself.
    schema = f"({', '.join(f'Tensor {argument}_' for argument in arguments)}) -> {result}"
    made = torch.library.custom_op(name, call, mutates_args=(), schema=schema)
    made.register_fake(shape)
    made.register_autograd(backward, setup_context=kept)
    made.register_vmap(mapped)
    made.register_autocast("cpu", torch.float32)
    space, short = name.split("::")
    found: Op = getattr(getattr(torch.ops, space), short).default
    return found
