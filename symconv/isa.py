"""What the instruction sets differ in: one table. Nothing else in symconv knows an instruction set."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

__all__ = ["ISAS", "Isa", "isa"]


@dataclass(frozen=True, slots=True)
class Isa:
    """An instruction set: bytes and number of its vector registers, and the flags of a CPU that has it."""

    name: str
    vector_bytes: int
    registers: int
    needs: tuple[str, ...] = ()


ISAS = (
    Isa("x86-64-v4", 64, 32, ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx2", "fma", "bmi2")),
    Isa("x86-64-v3", 32, 16, ("avx2", "fma", "bmi2", "f16c", "movbe")),
    Isa("x86-64-v2", 16, 16, ("sse4_2", "ssse3", "popcnt")),
    Isa("neon", 16, 32, ("asimd",)),
)
"""Every instruction set that kernels are made for, the widest first."""

_PORTABLE = Isa("portable", 16, 16)
"""What every CPU can do, on the narrow side: no fact of a machine."""


def isa(target: str, flags: Collection[str] = ()) -> Isa:
    """The instruction set of a target: ``"native"`` is the widest that ``flags`` of a CPU allow.

    >>> isa("x86-64-v3").vector_bytes, isa("native", {"avx2", "fma", "bmi2", "f16c", "movbe"}).name
    (32, 'x86-64-v3')
    >>> isa("portable") == isa("native")
    True
    """
    for row in ISAS:
        if row.name == target or (target == "native" and set(row.needs) <= set(flags)):
            return row
    return _PORTABLE
