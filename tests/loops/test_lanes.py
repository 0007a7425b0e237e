"""Which kernels of the shipped operators compute in vector lanes, and which do not: a list that may only get shorter
knowingly."""

from __future__ import annotations

from symconv import pipeline
from symconv.loops.ir import Kernel, LoadLanes
from symconv.loops.traverse import walk
from symconv.ops.registry import catalogue
from symconv.options import Options

SCALAR: dict[str, tuple[str, ...]] = {
    "dynamic_filter1d": ("gx",),
    "dynamic_filter2d": ("gx",),
    "dynamic_filter3d": ("gx",),
    "locally_connected1d": ("gx",),
    "locally_connected2d": ("gx",),
    "locally_connected3d": ("gx",),
    "max_plus1d": ("gx", "gw"),
    "max_plus2d": ("gx", "gw"),
    "max_plus3d": ("gx", "gw"),
    "max_pool1d": ("gx",),
    "max_pool2d": ("gx",),
    "max_pool3d": ("gx",),
    "min_plus1d": ("gx", "gw"),
    "min_plus2d": ("gx", "gw"),
    "min_plus3d": ("gx", "gw"),
}
"""By operator, the tensors whose kernels have no lanes."""


def _in_lanes(kernel: Kernel) -> bool:
    return any(isinstance(node, LoadLanes) for nest in kernel.nests for node in walk(nest))


def _without_lanes() -> dict[str, tuple[str, ...]]:
    found = {}
    for name, entry in catalogue().items():
        made = pipeline.unit(entry.make(2) if "pool" in name else entry.make(), Options())
        kernels = (kernel for part in made.entries for kernel in part.kernels)
        found[name] = tuple(kernel.name for kernel in kernels if not _in_lanes(kernel))
    return {name: kernels for name, kernels in found.items() if kernels}


def test_the_kernels_without_lanes_are_these() -> None:
    assert _without_lanes() == SCALAR
