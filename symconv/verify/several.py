"""Kernels of several outputs as kernels of one: each output by itself, and the loss that the cotangents make of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symconv.notation.operator import Operator
from symconv.verify.grid import Array

__all__ = ["One", "Summed"]


@dataclass(frozen=True, slots=True)
class One:
    """The forward of one output, as a kernel that has no other."""

    op: Operator
    kernel: Any
    name: str

    @property
    def fills(self) -> bool:
        """Whether results can be written into arrays given as ``out``."""
        return bool(getattr(self.kernel, "fills", False))

    def forward(self, *arrays: Array, **out: Any) -> Array:
        """The output of that name."""
        given = {"out": {self.name: out["out"]}} if out else {}
        return _of(self.op, self.kernel.forward(*arrays, **given))[self.name]

    def backward(self, gy: Array, *arrays: Array, **out: Any) -> object:
        """Not judged by itself: gradients are those of all outputs together."""
        raise TypeError(f"{self.name} alone has no backward")


@dataclass(frozen=True, slots=True)
class Summed:
    """The loss ``Σ g<output>·<output>`` as a kernel over the cotangents and the inputs."""

    op: Operator
    kernel: Any

    @property
    def fills(self) -> bool:
        """Whether results can be written into arrays given as ``out``."""
        return bool(getattr(self.kernel, "fills", False))

    def forward(self, *arrays: Array, **out: Any) -> Array:
        """The loss, summed in float64."""
        cotangents, inputs = self._apart(arrays)
        found = _of(self.op, self.kernel.forward(*inputs)).values()
        products = zip(cotangents, found, strict=True)
        total = sum(np.sum(g.astype(np.float64) * y.astype(np.float64)) for g, y in products)
        result = out.get("out", np.empty((), cotangents[0].dtype))
        result[...] = total
        return np.asarray(result)

    def backward(self, gy: Array, *arrays: Array, **out: Any) -> object:
        """The gradients by the inputs, for cotangents times that of the loss."""
        cotangents, inputs = self._apart(arrays)
        return self.kernel.backward(tuple(np.asarray(gy * one) for one in cotangents), *inputs, **out)

    def _apart(self, arrays: tuple[Array, ...]) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        count = len(self.op.several)
        return arrays[:count], arrays[count:]


def _of(op: Operator, found: Any) -> dict[str, Array]:
    if not isinstance(found, tuple | list) or len(found) != len(op.several):
        raise TypeError(f"forward returned a {type(found).__name__}, wanted a tuple of {', '.join(op.several)}")
    return dict(zip(op.several, found, strict=True))
