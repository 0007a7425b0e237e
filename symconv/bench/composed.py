"""Layers of convolutions and what becomes of their sums: the formula, and the same in torch with its autograd."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symconv.bench.layout import memory_formats
from symconv.bench.problem import COMPOSED, Problem
from symconv.errors import SpecError
from symconv.forwards import operator
from symconv.notation.operator import Operator

__all__ = ["formula", "layered", "shapes_of"]

Calls = dict[str, Callable[[], Any]]


@dataclass(frozen=True, slots=True)
class _Layer:
    """The sums with the weight and the bias of each, and what is made of them: in the notation, and in torch."""

    sums: tuple[tuple[str, str, str], ...]
    result: str
    torch: Callable[..., Any]


def _activated(name: str) -> _Layer:
    """The layer that ends in the function of its last word, which the notation and torch call alike."""
    function = name.rpartition("_")[2]

    def applied(z: Any) -> Any:
        from torch.nn import functional

        return getattr(functional, function)(z)

    return _Layer((("z", "w", "b"),), f"{function}(z[{{at}}])", applied)


_GATE = _Layer(
    (("z", "w", "a"), ("v", "u", "b")), "tanh(z[{at}]) * sigmoid(v[{at}])", lambda z, v: z.tanh() * v.sigmoid()
)
_LAYERS = {name: _GATE if name == "gated_conv" else _activated(name) for name in COMPOSED}


def formula(name: str, settings: Mapping[str, Any]) -> Operator:
    """The operator of a layer such as ``gated_conv1d``, with ``stride``, ``padding`` as pairs and ``dilation`` by axis.

    Raises SpecError for groups.

    >>> print(formula("conv_bias_relu1d", {"stride": [2], "padding": [(1, 0)], "dilation": [1]}).source)
    z[n,f,i] = sum[c,p](x[n,c,2*i+p-1] * w[f,c,p]) + b[f]; y[n,f,i] = relu(z[n,f,i])
    """
    layer, pads = _LAYERS[name[:-2]], settings["padding"]
    if settings.get("groups", 1) != 1:
        raise SpecError(f"{name}: groups is 1 in layers of several steps; given {settings['groups']}")
    cells, taps = "ijk"[: len(pads)], "pqr"[: len(pads)]
    places = zip(settings["stride"], cells, settings["dilation"], taps, pads, strict=True)
    read = ",".join(_times(s, i) + "+" + _times(d, p) + (f"-{low}" if low else "") for s, i, d, p, (low, _) in places)
    at, window = ",".join(("n", "f", *cells)), ",".join(("c", *taps))
    steps = [f"{z}[{at}] = sum[{window}](x[n,c,{read}] * {w}[f,{window}]) + {b}[f]" for z, w, b in layer.sums]
    return operator("; ".join((*steps, f"y[{at}] = {layer.result.format(at=at)}")), padding=list(pads), name=name)


def _times(number: int, name: str) -> str:
    return name if number == 1 else f"{number}*{name}"


def shapes_of(name: str, x: tuple[int, ...], w: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The shapes of all tensors of such a layer.

    >>> shapes_of("gated_conv1d", (4, 8, 100), (6, 8, 2))
    {'x': (4, 8, 100), 'w': (6, 8, 2), 'a': (6,), 'u': (6, 8, 2), 'b': (6,)}
    """
    own = [pair for _, weight, bias in _LAYERS[name[:-2]].sums for pair in ((weight, w), (bias, w[:1]))]
    return {"x": x, **dict(own)}


def layered(
    p: Problem, tensors: Mapping[str, Any], gy: Any
) -> tuple[Mapping[str, Calls], Callable[[], dict[str, Any]]]:
    """torch's functions by direction and by memory format, and the results of one.

    The forward graph of a backward is made once and kept: only the backward is timed.
    """
    calls: dict[str, Calls] = {direction: {} for direction in ("forward", "backward", *tensors)}
    for form, memory in memory_formats(len(p.stride)).items():
        leaves = {name: _laid(tensor, memory).requires_grad_() for name, tensor in tensors.items()}
        y, along = _forward(p, leaves), _laid(gy, memory)
        calls["forward"][form] = _without_graph(p, leaves)
        calls["backward"][form] = _gradients(y, tuple(leaves.values()), along)
        for name, leaf in leaves.items():
            calls[name][form] = _gradients(y, (leaf,), along)

    def results() -> dict[str, Any]:
        found = zip(tensors, calls["backward"]["contiguous"](), strict=True)
        return {"y": calls["forward"]["contiguous"]().numpy(), **{name: one.numpy() for name, one in found}}

    return calls, results


def _laid(tensor: Any, memory: Any) -> Any:
    import torch

    return tensor.clone(memory_format=memory if tensor.dim() > 1 else torch.contiguous_format)


def _forward(p: Problem, leaves: Mapping[str, Any]) -> Any:
    from torch.nn import functional

    layer, convolution = _LAYERS[p.body], getattr(functional, f"conv{len(p.stride)}d")
    rest: Sequence[int] = [end for pair in reversed(p.rest) for end in pair]
    x = functional.pad(leaves["x"], rest) if any(rest) else leaves["x"]
    sums = [convolution(x, leaves[w], leaves[b], p.stride, p.even, p.dilation) for _, w, b in layer.sums]
    return layer.torch(*sums)


def _without_graph(p: Problem, leaves: Mapping[str, Any]) -> Callable[[], Any]:
    from torch import no_grad

    def call() -> Any:
        with no_grad():
            return _forward(p, leaves)

    return call


def _gradients(y: Any, wrt: tuple[Any, ...], along: Any) -> Callable[[], Any]:
    from torch import autograd

    return lambda: autograd.grad(y, wrt, along, retain_graph=True)
