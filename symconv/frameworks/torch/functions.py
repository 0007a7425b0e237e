"""An operator and its gradients as ``torch.autograd.Function``: backward, forward mode and vmap, of every order.

The gradient of an operator is an operator. So two functions are enough: one that computes an operator, and one that
computes its gradients in one call, whose own derivatives are those of the gradient operators.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch._functorch.utils import unwrap_dead_wrappers
from torch.autograd import forward_ad

from symconv.errors import SpecError
from symconv.frameworks.layers import Layer
from symconv.frameworks.torch.calls import backward as computed_gradients
from symconv.frameworks.torch.calls import forward as computed
from symconv.frameworks.torch.calls import is_opaque, second_order, stacks
from symconv.frameworks.torch.custom import operator_op, several

__all__ = ["gradients", "operator"]

Tensors = tuple[torch.Tensor, ...]


def operator(layer: Layer, tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """The operator's output, differentiable in every mode."""
    if torch._C._are_functorch_transforms_active():
        made: torch.Tensor = _Operator.apply(layer, *tensors)
        return made
    if is_opaque(tensors):
        return _registered(layer, tensors)
    return _applied(_Operator, layer, *tensors) if _is_taped(tensors) else _output(layer, tensors)


def gradients(
    layer: Layer, places: tuple[int, ...], cotangent: torch.Tensor, tensors: Sequence[torch.Tensor]
) -> Tensors:
    """The gradients by the inputs at ``places``, differentiable in every mode."""
    if torch._C._are_functorch_transforms_active():
        made: Tensors = _Gradients.apply(layer, places, cotangent, *tensors)
        return made
    given = (cotangent, *tensors)
    if is_opaque(given):
        return several(layer, places, cotangent, tensors)
    if _is_taped(given):
        found: Tensors = _applied(_Gradients, layer, places, *given)
        return found
    return _results(layer, places, cotangent, tensors)


def _is_taped(tensors: Sequence[torch.Tensor]) -> bool:
    """Whether somebody may ask for a derivative."""
    if forward_ad._current_level >= 0:
        return True
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)


def _applied(function: Any, *arguments: Any) -> Any:
    """``Function.apply`` without its binding of arguments by name, which takes longer than a tiny layer."""
    return super(torch.autograd.Function, function).apply(*unwrap_dead_wrappers(arguments))


def _registered(layer: Layer, tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    # An operator of the registry would drop a tangent and say nothing.
    if forward_ad._current_level >= 0 and any(forward_ad.unpack_dual(t).tangent is not None for t in tensors):
        raise SpecError(f"{layer.op.name}: forward mode would lose the tangent where a tracer looks on")
    made: torch.Tensor = operator_op(layer)(*tensors)
    return made


def _output(layer: Layer, tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    if any(tensor.is_meta for tensor in tensors):
        return tensors[0].new_empty(layer.output_shape([tuple(t.shape) for t in tensors]))
    return operator_op(layer)(*tensors) if is_opaque(tensors) else computed(layer, tensors)


def _results(
    layer: Layer, places: tuple[int, ...], cotangent: torch.Tensor, tensors: Sequence[torch.Tensor]
) -> Tensors:
    if any(tensor.is_meta for tensor in (cotangent, *tensors)):
        return tuple(cotangent.new_empty(tuple(tensors[place].shape)) for place in places)
    if is_opaque((cotangent, *tensors)):
        return several(layer, places, cotangent, tensors)
    return computed_gradients(layer, places, cotangent, tensors)


class _Operator(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(layer: Layer, *tensors: torch.Tensor) -> torch.Tensor:
        return _output(layer, tensors)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        ctx.layer, *tensors = inputs
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, cotangent: torch.Tensor | None) -> tuple[Any, ...]:
        layer: Layer = ctx.layer
        places = tuple(place for place in layer.real if ctx.needs_input_grad[1 + place])
        found: list[Any] = [None] * len(layer.op.tensors)
        if cotangent is not None and places:
            for place, one in zip(places, gradients(layer, places, cotangent, ctx.saved_tensors), strict=True):
                found[place] = one
        return (None, *found)

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: torch.Tensor | None) -> torch.Tensor | None:
        return _along(ctx.layer, ctx.saved_tensors, tangents)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], layer: Layer, *tensors: torch.Tensor) -> tuple[torch.Tensor, int]:
        stacked, places = stacks(in_dims[1:], tensors)
        return operator(layer.stacked(places), stacked), 0


class _Gradients(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(layer: Layer, places: tuple[int, ...], cotangent: torch.Tensor, *tensors: torch.Tensor) -> Tensors:
        return _results(layer, places, cotangent, tensors)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensors) -> None:
        ctx.layer, ctx.places, *tensors = inputs
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor | None) -> tuple[Any, ...]:
        saved = ctx.saved_tensors
        totals = second_order(
            ctx.layer,
            ctx.places,
            cotangents,
            ctx.needs_input_grad[2:],
            lambda one, wanted, along: gradients(one, wanted, along, saved),
        )
        return (None, None, *totals)

    @staticmethod
    def jvp(ctx: Any, _: None, __: None, *tangents: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        return tuple(_along(ctx.layer.gradient(place), ctx.saved_tensors, tangents) for place in ctx.places)

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], layer: Layer, places: tuple[int, ...], *tensors: torch.Tensor
    ) -> tuple[Tensors, tuple[int, ...]]:
        # Each element of the stack has gradients of its own, by what is not stacked as well.
        stacked, where = stacks(in_dims[2:], tensors)
        made = tuple(operator(layer.gradient(place).stacked(where), stacked) for place in places)
        return made, (0,) * len(made)


def _along(
    layer: Layer, tensors: Sequence[torch.Tensor], tangents: Sequence[torch.Tensor | None]
) -> torch.Tensor | None:
    """The directional derivative of an operator, along the tangents that there are."""
    places = tuple(place for place, tangent in enumerate(tangents) if tangent is not None)
    if not places:
        return None
    given = (*tensors, *(tangent for tangent in tangents if tangent is not None))
    made = layer.tangent(places)
    if not torch._C._are_functorch_transforms_active() and is_opaque(given):
        # torch has no tangents of tangents: none can be lost.
        found: torch.Tensor = operator_op(made)(*given)
        return found
    return operator(made, given)
