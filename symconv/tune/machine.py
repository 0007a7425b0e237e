"""What the model knows of the machine: vectors of the target, caches of this computer."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from symconv.build.cpu import cpu_flags
from symconv.isa import isa

__all__ = ["USUAL", "Caches", "Machine", "Vectors", "caches", "cores", "counted_on", "lanes_of"]


class Vectors(Protocol):
    """What the planner asks of an instruction set."""

    @property
    def vector_bytes(self) -> int:
        """Bytes of one vector."""

    @property
    def registers(self) -> int:
        """How many vectors the CPU holds."""


@dataclass(frozen=True, slots=True)
class Caches:
    """Bytes of data cache that one core has to itself (first and second level) and its share of the last.

    ``shared`` are bytes of the second level, where others may use some of them; 0 where all is its own.
    """

    first: int
    second: int
    last: int
    shared: int = 0


USUAL = Caches(32 << 10, 512 << 10, 8 << 20)
"""Where the system does not say: less than most machines have, so that a plan made for it fits them all."""


_SHARED = Caches(48 << 10, 1 << 20, 32 << 20)
"""What a core of most machines has of its caches: others, some unseen by a virtual machine, use them too. On a Xeon of
2 MB and 300 MB (Emerald Rapids) plans for all of it took 11 % longer than the best of those measured, over 10 layers,
and plans for this 8 %.
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """The target as one element type sees it: ``lanes`` per vector of ``vector_bytes``, ``registers`` of them."""

    lanes: int
    vector_bytes: int
    registers: int
    caches: Caches

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return self.vector_bytes // self.lanes


@functools.cache
def cores() -> int:
    """The cores of this computer, whether this process may use them or not.

    >>> cores() >= 1
    True
    """
    return os.cpu_count() or 1


def lanes_of(target: str, dtype: str) -> int:
    """How many elements one vector of a target has on this computer.

    >>> lanes_of("x86-64-v3", "float64")
    4
    """
    return isa(target, cpu_flags()).vector_bytes // np.dtype(dtype).itemsize


@functools.cache
def caches(folder: str = "/sys/devices/system/cpu/cpu0/cache") -> Caches:
    """The caches of this computer, as its system describes them; :data:`USUAL` where it does not.

    >>> caches("no such folder") == USUAL
    True
    """
    found: dict[int, int] = {}
    for index in range(8):
        level = _described(Path(folder) / f"index{index}")
        if level is not None:
            found[level[0]] = level[1]
    first, second = found.get(1, USUAL.first), found.get(2, USUAL.second)
    return Caches(first, max(second, first), max(found.get(3, USUAL.last), second))


def counted_on(known: Caches) -> Caches:
    """What of these caches a plan counts on.

    >>> counted_on(Caches(48 << 10, 2 << 20, 300 << 20))
    Caches(first=49152, second=1048576, last=33554432, shared=2097152)
    """
    own = min(known.first, _SHARED.first), min(known.second, _SHARED.second), min(known.last, _SHARED.last)
    return Caches(*own, known.second if known.second > own[1] else 0)


def _described(folder: Path) -> tuple[int, int] | None:
    """The level and the bytes of one cache that holds data."""
    try:
        kind, level, size = ((folder / name).read_text().strip() for name in ("type", "level", "size"))
        unit = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(size[-1:], 1)
        amount = int(size.rstrip("KMG")) * unit
        return (int(level), amount) if kind != "Instruction" and amount > 0 else None
    except (OSError, ValueError):
        return None
