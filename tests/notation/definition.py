"""What a formula of the tests means, written as loops by each test; gradients by exact differences of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from symconv.notation.operator import Operator

Array = np.ndarray[Any, Any]
Loops = Callable[[Mapping[str, Array]], Array]
"""Arrays of Python integers by name -> the output, cell by cell."""


def at(array: Array, *index: int) -> Any:
    """An element, 0 outside."""
    return array[index] if all(0 <= k < n for k, n in zip(index, array.shape, strict=True)) else 0


def cells(shape: tuple[int, ...], value: Callable[..., Any]) -> Array:
    out = np.zeros(shape, dtype=object)
    for index in np.ndindex(*shape):
        out[index] = value(*index)
    return out


def differences(loops: Loops, arrays: Mapping[str, Array], gy: Array, wrt: str) -> Array:
    """``Σ gy·∂y/∂wrt``, exact where y has degree at most two in each element."""
    result = np.zeros(arrays[wrt].shape, dtype=object)
    for cell in np.ndindex(*arrays[wrt].shape):
        ends = []
        for step in (1, -1):
            moved = arrays[wrt].copy()
            moved[cell] += step
            ends.append(loops({**arrays, wrt: moved}))
        pairs = zip(gy.ravel(), ends[0].ravel(), ends[1].ravel(), strict=True)
        result[cell] = sum((c * (a - b) for c, a, b in pairs), Fraction(0)) / 2
    return result


class Judge:
    """Compares the kernels of an operator, interpreted, with loops: the output and every gradient, with ``==``."""

    def __init__(self, lowered: Callable[..., Any], interpreted: Callable[..., list[Any]]) -> None:
        self.lowered, self.interpreted = lowered, interpreted

    def __call__(self, op: Operator, loops: Loops, *geometries: Mapping[str, tuple[int, ...]]) -> None:
        forward = self.lowered(op)
        backward = {name: self.lowered(op, name) for name in op.tensors}
        for seed, shapes in enumerate(geometries):
            rng = np.random.default_rng(seed)
            arrays: dict[str, Array] = {
                name: np.array(rng.integers(-4, 5, shapes[name]).tolist(), dtype=object).reshape(shapes[name])
                for name in op.tensors
            }
            want = loops(arrays)
            assert op.output_shape(**shapes) == want.shape, (str(op), shapes)
            assert self.interpreted(forward, arrays) == want.ravel().tolist(), (str(op), shapes)
            gy = np.array(rng.integers(-4, 5, want.shape).tolist(), dtype=object).reshape(want.shape)
            for name, kernel in backward.items():
                got = self.interpreted(kernel, {**arrays, f"g{op.output.name}": gy})
                assert got == differences(loops, arrays, gy, name).ravel().tolist(), (str(op), shapes, name)
