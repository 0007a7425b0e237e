"""Operators of several outputs on torch tensors: one call computes them, and one their gradients.

Where torch transforms, traces or takes tangents, each output is an operator of its own, which knows every mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.autograd import forward_ad

from symconv.frameworks.layers import Layer
from symconv.frameworks.torch.calls import is_opaque, together, together_backward
from symconv.frameworks.torch.functions import operator

__all__ = ["is_transformed", "outputs"]

Tensors = tuple[torch.Tensor, ...]


def outputs(layer: Layer, tensors: Sequence[torch.Tensor]) -> Tensors:
    """Every output of one call, differentiable; the tensors are not transformed."""
    made: Tensors = _Outputs.apply(layer, *tensors)
    return made


def is_transformed(tensors: Sequence[torch.Tensor]) -> bool:
    """Whether torch looks on in a way that one opaque call for all outputs has no rule for."""
    watched = torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0
    return bool(watched) or is_opaque(tensors) or any(tensor.is_meta for tensor in tensors)


class _Outputs(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, layer: Layer, *tensors: torch.Tensor) -> Tensors:
        ctx.layer = layer
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors)
        made = together(layer, tensors)
        ctx.shapes = [tuple(one.shape) for one in made]
        return made

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor | None) -> tuple[Any, ...]:
        layer: Layer = ctx.layer
        places = tuple(place for place in layer.real if ctx.needs_input_grad[1 + place])
        found: list[Any] = [None] * len(layer.op.tensors)
        there = [one for one in cotangents if one is not None]
        if not there or not places:
            return (None, *found)
        pairs = zip(cotangents, ctx.shapes, strict=True)
        given = (*(there[0].new_zeros(shape) if one is None else one for one, shape in pairs), *ctx.saved_tensors)
        for place, one in zip(places, _gradients(layer, places, given), strict=True):
            found[place] = one
        return (None, *found)


def _gradients(layer: Layer, places: tuple[int, ...], given: Tensors) -> Tensors:
    """All gradients in one call; where they are differentiated or transformed themselves, each by its operator."""
    taped = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in given)
    if taped or is_transformed(given):
        return tuple(operator(layer.gradient(place), given) for place in places)
    return together_backward(layer, places, given)
