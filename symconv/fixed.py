"""A call whose shapes are known long before its arrays: planned once, then made without Python."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symconv.entry import Array, Entry, Shapes
from symconv.errors import SpecError

__all__ = ["FixedCall", "fixed_call"]


@dataclass(frozen=True, slots=True)
class FixedCall:
    """What an entry's function that needs no Python is called with, memory aside.

    ``key`` names the module and the entry wherever and whenever the same text is compiled; ``address`` is where the
    function lies in this process. ``plan`` has a number for each of its places. ``results`` is how many pointers to
    results there are, of which the call reads those that ``mask`` asks for.
    """

    key: str
    address: int
    mask: int
    threads: int
    results: int
    sizes: tuple[int, ...]
    plan: tuple[int, ...]


def fixed_call(entry: Entry, shapes: Shapes, mask: int, results: int) -> FixedCall:
    """The call of an entry with arrays of such shapes, which fit the operator.

    Raises SpecError where the kernel is built for others.
    """
    op, built_for = entry.operator, dict(entry.options.sizes or ())
    for name, shape in zip(op.tensors, shapes[len(shapes) - len(op.tensors) :], strict=True):
        if shape != built_for.get(name, shape):
            raise SpecError(f"{op.name}: {name} has shape {shape}, this kernel is built for {built_for[name]} only")
    entry.meet(shapes)
    sizes, plan = entry.sizes(shapes), _plan(entry, shapes)
    return FixedCall(
        f"{entry.artifact.key}-{entry.name}", entry.address, mask, entry.allowed(sizes), results, sizes, plan
    )


def _plan(entry: Entry, shapes: Shapes) -> tuple[int, ...]:
    """The kernel and the numbers of each output, each in as many places as its longest choice takes."""
    if not entry.planned:
        return ()
    choices = entry.plan(shapes, _samples(entry, shapes) if entry.measures else None)
    widths = (1 + max(len(way.parameters) for way in output.ways) for output in entry.outputs)
    padded = ((*choice, *(0,) * (width - len(choice))) for choice, width in zip(choices, widths, strict=True))
    return tuple(number for one in padded for number in one)


def _samples(entry: Entry, shapes: Shapes) -> tuple[Array, ...]:
    """Arrays to measure with, for who has none yet; a cotangent comes first."""
    kinds = [tensor.dtype for tensor in entry.operator.inputs]
    dtypes = [np.dtype(np.int32) if kind == "index" else np.dtype(entry.options.dtype) for kind in kinds]
    dtypes = [np.dtype(entry.options.dtype)] * (len(shapes) - len(kinds)) + dtypes
    # Zeros are positions that exist, wherever they point into.
    return tuple(np.zeros(s, d) if d.kind == "i" else np.ones(s, d) for s, d in zip(shapes, dtypes, strict=True))
