"""torch on the same arrays: ``aten.convolution`` and its backward in both memory formats, or autograd over what is
written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symconv.bench.bodies import autograd
from symconv.bench.composed import layered
from symconv.bench.layout import channels_first, channels_last, memory_formats
from symconv.bench.problem import COMPOSED, Problem

__all__ = ["Rival", "rival", "tangent"]

Array = np.ndarray[Any, Any]
Calls = dict[str, Callable[[], Any]]


@dataclass(frozen=True, slots=True)
class Rival:
    """torch's functions by direction and by form, and the results of a form as arrays in symconv's layout.

    Directions are ``"forward"``, ``"backward"`` (all gradients) and the name of a tensor (its gradient alone).
    """

    calls: Mapping[str, Calls]
    results: Callable[[], dict[str, Array]]
    """The output ``y`` and the gradients by tensor, before anything is timed."""


def rival(problem: Problem, arrays: Mapping[str, Array], gy: Array, threads: int) -> Rival:
    """torch's functions on copies of symconv's arrays, each in the forms torch has for them."""
    import torch

    torch.set_num_threads(threads)
    if problem.body in COMPOSED:
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        return Rival(*layered(problem, tensors, torch.from_numpy(gy)))
    if problem.body != "product":
        return Rival(
            *autograd(problem, torch.from_numpy(arrays["x"]), torch.from_numpy(arrays["w"]), torch.from_numpy(gy))
        )
    bias = torch.from_numpy(arrays["b"]) if "b" in arrays else None
    masks = {"backward": (True, True, bias is not None), "x": (True, False, False), "w": (False, True, False)}
    if bias is not None:
        masks["b"] = (False, False, True)
    calls: dict[str, Calls] = {direction: {} for direction in ("forward", *masks)}
    for name, laid in _laid(problem, {"x": arrays["x"], "w": arrays["w"], "y": gy}).items():
        calls["forward"][name] = _forward(problem, laid, bias)
        for direction, mask in masks.items():
            calls[direction][name] = _backward(problem, laid, bias, mask)
    return Rival(calls, lambda: _results(problem, calls["forward"]["contiguous"], calls["backward"]["contiguous"]))


def tangent(problem: Problem, arrays: Mapping[str, Array], tangents: Mapping[str, Array], threads: int) -> Calls:
    """The directional derivative of a convolution in torch: one of each tangent beside the other operand, added."""
    import torch

    torch.set_num_threads(threads)
    moved = _laid(problem, {"x": tangents["x"], "w": arrays["w"]})
    turned = _laid(problem, {"x": arrays["x"], "w": tangents["w"]})
    bias = torch.from_numpy(tangents["b"]) if "b" in tangents else None
    return {name: _sum(_forward(problem, moved[name], bias), _forward(problem, turned[name], None)) for name in moved}


def _sum(one: Callable[[], Any], other: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: one().add_(other())


def _laid(problem: Problem, named: Mapping[str, Array]) -> dict[str, tuple[Any, ...]]:
    """The arrays as torch tensors in each memory format that torch has for their rank."""
    import torch

    last = problem.channels_last
    tensors = [torch.from_numpy(np.ascontiguousarray(channels_first(name, a, last))) for name, a in named.items()]
    return {
        name: tuple(t.contiguous(memory_format=memory).clone(memory_format=memory) for t in tensors)
        for name, memory in memory_formats(len(problem.stride)).items()
    }


def _results(problem: Problem, forward: Callable[[], Any], backward: Callable[[], Any]) -> dict[str, Array]:
    results = zip("yxwb", (forward(), *backward()), strict=True)
    return {
        name: channels_last(name, tensor.numpy(), problem.channels_last)
        for name, tensor in results
        if tensor is not None
    }


def _settings(p: Problem) -> tuple[Any, ...]:
    return (list(p.stride), list(p.even), list(p.dilation), p.transposed, list(p.output_padding), p.groups)


def _rest(p: Problem) -> list[int]:
    """What ``pad`` adds before torch's own padding, the last axis first; nothing where both sides are alike."""
    ends = [end for pair in reversed(p.rest) for end in pair]
    return ends if any(ends) else []


def _forward(p: Problem, laid: tuple[Any, ...], bias: Any) -> Callable[[], Any]:
    from torch import ops
    from torch.nn.functional import pad

    x, w = laid[:2]
    settings, rest = _settings(p), _rest(p)
    if rest:
        return lambda: ops.aten.convolution(pad(x, rest), w, bias, *settings)
    return lambda: ops.aten.convolution(x, w, bias, *settings)


def _backward(p: Problem, laid: tuple[Any, ...], bias: Any, mask: tuple[bool, ...]) -> Callable[[], Any]:
    from torch import ops
    from torch.nn.functional import pad

    x, w, g = laid
    settings, rest = _settings(p), _rest(p)
    sizes = None if bias is None else list(bias.shape)
    call = ops.aten.convolution_backward
    if not rest:
        return lambda: call(g, x, w, sizes, *settings, mask)
    # The padded input is kept from the forward pass, as autograd keeps it; the gradient is a view without the pads.
    inner = tuple(slice(lo, lo + n) for n, (lo, _) in zip(x.shape[2:], p.rest, strict=True))
    padded = pad(x, rest)

    def cropped() -> Any:
        gx, gw, gb = call(g, padded, w, sizes, *settings, mask)
        return (gx if gx is None else gx[(..., *inner)], gw, gb)

    return cropped
