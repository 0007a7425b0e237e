"""What a target language has to offer: text from kernels, a compiled file of it, a callable operator of that."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import numpy as np

from symconv.emit.source import Source
from symconv.emit.units import Unit
from symconv.notation.operator import Operator
from symconv.options import Options

__all__ = ["Backend", "Compiled"]

Array = np.ndarray[Any, Any]
Built = TypeVar("Built")


class Compiled(Protocol):
    """A compiled operator: arrays in ``op.tensors`` order, of the dtype it was compiled for.

    Every misuse is a SpecError. ``out`` is an array to write into, of ``backward`` a mapping by tensor name.
    """

    def forward(self, *arrays: Array, out: Array | None = None) -> Array:
        """The operator's output."""
        ...

    def backward(self, gy: Array, *arrays: Array, out: dict[str, Array] | None = None) -> Any:
        """The gradients, as a NamedTuple with a field per real tensor."""
        ...


class Backend(Protocol[Built]):
    """A target language. ``Built`` is what ``compile`` hands to ``load``, and nobody else's concern."""

    name: str

    def emit(self, units: tuple[Unit, ...], options: Options) -> Source:
        """The text of one operator's kernels: the same text for the same kernels, with no fact of this machine."""
        ...

    def compile(self, source: Source) -> Built:
        """The text compiled; raises BuildError with what the compiler said."""
        ...

    def load(self, built: Built, op: Operator, options: Options) -> Compiled:
        """What was compiled, as an operator on arrays; raises BuildError where it does not load."""
        ...
