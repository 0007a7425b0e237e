"""torch on the same arrays: ``aten.convolution`` and its backward, in both memory formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from symconv.notation.operator import Operator

__all__ = ["Problem", "Rival", "counterpart", "rival"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """A convolution as torch is asked for it; ``channels_last`` says how symconv's arrays are laid out."""

    stride: list[int]
    padding: list[int]
    dilation: list[int]
    groups: int
    channels_last: bool


@dataclass(frozen=True, slots=True)
class Rival:
    """torch's functions by memory format, and their results as arrays in symconv's layout."""

    forward: dict[str, Callable[[], Any]]
    backward: dict[str, Callable[[], Any]]
    problem: Problem

    def results(self) -> tuple[Array, dict[str, Array]]:
        """The output and the gradients, for a comparison before anything is timed."""
        back = (_ours_image, _ours_kernel) if self.problem.channels_last else (_as_is, _as_is)
        y = back[0](next(iter(self.forward.values()))().numpy())
        gx, gw, gb = next(iter(self.backward.values()))()
        gradients = {"x": back[0](gx.numpy()), "w": back[1](gw.numpy())}
        return y, gradients if gb is None else {**gradients, "b": gb.numpy()}


def counterpart(op: Operator, settings: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> Problem | str:
    """How torch is asked for the same, or why it is not.

    >>> import symconv as sc
    >>> shapes = {"x": (1, 2, 9), "w": (3, 2, 3)}
    >>> counterpart(sc.operator("y[n,i] = x[n,i] + 1"), {}, shapes)
    'torch has no such operator'
    """
    if find_spec("torch") is None:
        return "torch is not installed"
    if not op.name.startswith("conv") or op.name.startswith("conv_transpose"):
        return "torch has no such operator"
    if settings.get("flip") or settings.get("border") not in (None, "zero", 0):
        return "torch has no such border or flip in one call"
    sizes = op.sizes(**shapes)
    pads = [(window.lo.evaluate(sizes), window.hi.evaluate(sizes)) for window in op.windows]
    if any(lo != hi for lo, hi in pads):
        return "torch pads alike on both sides"
    return Problem(
        [window.stride for window in op.windows],
        [lo for lo, _ in pads],
        [window.dilation for window in op.windows],
        int(settings.get("groups") or 1),
        settings.get("layout") == "NHWC",
    )


def rival(problem: Problem, arrays: Mapping[str, Array], gy: Array, threads: int) -> Rival:
    """torch's functions on copies of symconv's arrays, each in the formats torch has for that rank."""
    import torch

    torch.set_num_threads(threads)
    image, kernel = (_torch_image, _torch_kernel) if problem.channels_last else (_as_is, _as_is)
    x, w, g = (torch.from_numpy(np.ascontiguousarray(a)) for a in (image(arrays["x"]), kernel(arrays["w"]), image(gy)))
    bias = torch.from_numpy(arrays["b"]) if "b" in arrays else None
    formats = {"contiguous": torch.contiguous_format}
    if x.dim() > 3:
        formats["channels_last"] = torch.channels_last if x.dim() == 4 else torch.channels_last_3d
    forward, backward = {}, {}
    for name, memory in formats.items():
        laid = tuple(t.contiguous(memory_format=memory).clone(memory_format=memory) for t in (x, w, g))
        forward[name] = _forward(problem, laid, bias)
        backward[name] = _backward(problem, laid, bias)
    return Rival(forward, backward, problem)


def _forward(p: Problem, laid: tuple[Any, ...], bias: Any) -> Callable[[], Any]:
    from torch import ops

    x, w, _ = laid
    zeros = [0] * len(p.stride)
    return lambda: ops.aten.convolution(x, w, bias, p.stride, p.padding, p.dilation, False, zeros, p.groups)


def _backward(p: Problem, laid: tuple[Any, ...], bias: Any) -> Callable[[], Any]:
    from torch import ops

    x, w, g = laid
    zeros, mask = [0] * len(p.stride), [True, True, bias is not None]
    sizes = None if bias is None else list(bias.shape)
    call = ops.aten.convolution_backward
    return lambda: call(g, x, w, sizes, p.stride, p.padding, p.dilation, False, zeros, p.groups, mask)


def _as_is(array: Array) -> Array:
    return array


def _torch_image(array: Array) -> Array:
    return np.moveaxis(array, -1, 1)


def _torch_kernel(array: Array) -> Array:
    return np.moveaxis(array, (-1, -2), (0, 1))


def _ours_image(array: Array) -> Array:
    return np.moveaxis(array, 1, -1)


def _ours_kernel(array: Array) -> Array:
    return np.moveaxis(array, (0, 1), (-1, -2))
