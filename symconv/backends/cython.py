"""Kernels as a Cython module, compiled behind the cache."""

from __future__ import annotations

from dataclasses import dataclass

from symconv.build.cache import Artifact, compile_text
from symconv.emit.cython import emit
from symconv.emit.source import Source
from symconv.emit.units import Unit
from symconv.kernel import Kernel
from symconv.notation.operator import Operator
from symconv.options import Options

__all__ = ["Cython"]


@dataclass(frozen=True, slots=True)
class Cython:
    """A module of Python's."""

    name: str = "cython"

    def emit(self, units: tuple[Unit, ...], options: Options) -> Source:
        """The ``.pyx`` text."""
        return emit(units, options)

    def compile(self, source: Source) -> Artifact:
        """The module in the cache; raises BuildError."""
        return compile_text(source)

    def load(self, built: Artifact, op: Operator, options: Options) -> Kernel:
        """The operator; raises BuildError."""
        return Kernel(op, options, built, None)
