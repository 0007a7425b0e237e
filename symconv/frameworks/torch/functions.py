"""An operator and its gradients as ``torch.autograd.Function``: backward, forward mode and vmap, of every order.

The gradient of an operator is an operator. So two functions are enough: one that computes an operator, and one that
computes its gradients in one call, whose own derivatives are those of the gradient operators.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from symconv.frameworks.layers import Layer
from symconv.frameworks.torch.calls import backward as computed_gradients
from symconv.frameworks.torch.calls import forward as computed
from symconv.frameworks.torch.calls import second_order, stacks

__all__ = ["gradients", "operator"]

Tensors = tuple[torch.Tensor, ...]


def operator(layer: Layer, tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """The operator's output, differentiable in every mode."""
    made: torch.Tensor = _Operator.apply(layer, *tensors)
    return made


def gradients(
    layer: Layer, places: tuple[int, ...], cotangent: torch.Tensor, tensors: Sequence[torch.Tensor]
) -> Tensors:
    """The gradients by the inputs at ``places``, differentiable in every mode."""
    made: Tensors = _Gradients.apply(layer, places, cotangent, *tensors)
    return made


class _Operator(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(layer: Layer, *tensors: torch.Tensor) -> torch.Tensor:
        if any(tensor.is_meta for tensor in tensors):
            return _like(tensors[0], layer.output_shape([tuple(t.shape) for t in tensors]))
        return computed(layer, tensors)

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
        if any(tensor.is_meta for tensor in (cotangent, *tensors)):
            return tuple(_like(cotangent, tuple(tensors[place].shape)) for place in places)
        return computed_gradients(layer, places, cotangent, tensors)

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
    along = [tangent for tangent in tangents if tangent is not None]
    return operator(layer.tangent(places), (*tensors, *along))


def _like(tensor: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    return tensor.new_empty(shape)
