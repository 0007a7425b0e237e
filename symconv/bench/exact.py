"""Convolutions in float64 by NumPy, tap by tap: what the errors of both sides are measured against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from symconv.bench.layout import channels_first, channels_last
from symconv.bench.problem import Problem

__all__ = ["reference"]

Array = np.ndarray[Any, Any]
Taps = Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]


def reference(problem: Problem, arrays: Mapping[str, Array], gy: Array) -> dict[str, Array]:
    """The output ``y`` and the gradients ``x``, ``w`` and ``b`` of the body ``"product"``.

    >>> import numpy as np, symconv as sc
    >>> from symconv.bench.problem import problem
    >>> x, w = np.arange(4.0).reshape(1, 1, 4), np.ones((1, 1, 2))
    >>> found = problem(sc.conv1d(), {}, {"x": x.shape, "w": w.shape})
    >>> reference(found, {"x": x, "w": w}, np.ones((1, 1, 3)))["w"]
    array([[[3., 6.]]])
    """
    last = problem.channels_last
    named = (("x", arrays["x"]), ("w", arrays["w"]), ("y", gy))
    x, w, g = (channels_first(name, np.asarray(a, "float64"), last) for name, a in named)
    if problem.transposed:
        # The adjoint of the convolution that maps its output to its input.
        found = {
            "y": _input(problem, x, w, g.shape),
            "x": _output(problem, g, w, x.shape),
            "w": _kernel(problem, x, g, w.shape),
        }
    else:
        found = {
            "y": _output(problem, x, w, g.shape),
            "x": _input(problem, g, w, x.shape),
            "w": _kernel(problem, g, x, w.shape),
        }
    if "b" in arrays:
        axes = (0, *range(2, g.ndim))
        found["b"] = g.sum(axes)
        found["y"] += np.asarray(arrays["b"], "float64").reshape(-1, *[1] * (g.ndim - 2))
    return {name: channels_last(name, array, last) for name, array in found.items()}


def _output(problem: Problem, x: Array, w: Array, shape: tuple[int, ...]) -> Array:
    padded, y = _padded(problem, x), 0
    for tap, window in _taps(problem, w.shape[2:], shape[2:]):
        y = y + np.matmul(_weights(problem, w, tap), _grouped(problem, padded[_at(window)]))
    return np.asarray(y).reshape(shape)


def _input(problem: Problem, gy: Array, w: Array, shape: tuple[int, ...]) -> Array:
    sizes = [n + lo + hi for n, (lo, hi) in zip(shape[2:], problem.pads, strict=True)]
    padded, grouped = np.zeros((*shape[:2], *sizes)), _grouped(problem, gy)
    for tap, window in _taps(problem, w.shape[2:], gy.shape[2:]):
        part = np.matmul(_weights(problem, w, tap).swapaxes(-1, -2), grouped)
        padded[_at(window)] += part.reshape(*shape[:2], *gy.shape[2:])
    inner = tuple(slice(lo, lo + n) for n, (lo, _) in zip(shape[2:], problem.pads, strict=True))
    found: Array = padded[_at(inner)]
    return found


def _kernel(problem: Problem, gy: Array, x: Array, shape: tuple[int, ...]) -> Array:
    padded, grouped, gw = _padded(problem, x), _grouped(problem, gy), np.zeros(shape)
    for tap, window in _taps(problem, shape[2:], gy.shape[2:]):
        part = np.matmul(grouped, _grouped(problem, padded[_at(window)]).swapaxes(-1, -2)).sum(0)
        gw[_at(tap)] = part.reshape(shape[:2])
    return gw


def _taps(problem: Problem, kernel: tuple[int, ...], outputs: tuple[int, ...]) -> Taps:
    """Every tap, and where in the padded input it lies for all outputs."""
    for tap in np.ndindex(*kernel):
        places = zip(tap, problem.dilation, problem.stride, outputs, strict=True)
        yield tap, tuple(slice(k * d, k * d + s * (o - 1) + 1, s) for k, d, s, o in places)


def _at(spatial: tuple[Any, ...]) -> tuple[Any, ...]:
    return (slice(None), slice(None), *spatial)


def _padded(problem: Problem, x: Array) -> Array:
    return np.pad(x, ((0, 0), (0, 0), *problem.pads))


def _grouped(problem: Problem, array: Array) -> Array:
    """(N, groups, channels of a group, positions)."""
    n, channels = array.shape[:2]
    return array.reshape(n, problem.groups, channels // problem.groups, -1)


def _weights(problem: Problem, w: Array, tap: tuple[int, ...]) -> Array:
    """(groups, outputs of a group, inputs of a group) of one tap."""
    found: Array = w[_at(tap)].reshape(problem.groups, -1, w.shape[1])
    return found
