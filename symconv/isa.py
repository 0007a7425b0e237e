"""What the instruction sets differ in: one table. Nothing else in symconv knows an instruction set."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

__all__ = ["ISAS", "Isa", "isa"]


@dataclass(frozen=True, slots=True)
class Isa:
    """An instruction set: bytes and number of its vector registers, and the flags of a CPU that has it.

    ``asked`` is how a compiler is asked for it: as gcc and clang spell it, and as zig does.
    """

    name: str
    vector_bytes: int
    registers: int
    needs: tuple[str, ...] = ()
    asked: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    def lacking(self, flags: Collection[str]) -> tuple[str, ...]:
        """What a CPU of such flags lacks; of a CPU that nothing is known of, nothing.

        >>> isa("x86-64-v3").lacking({"avx2", "fma", "f16c", "movbe"})
        ('bmi2',)
        """
        return tuple(flag for flag in self.needs if flags and flag not in flags)


_V2, _V3 = ("sse4_2", "ssse3", "popcnt"), ("avx2", "fma", "bmi2", "f16c", "movbe")
_V4 = ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")
# Without being asked compilers use half of what AVX-512 offers, for CPUs that slow down.
_WHOLE = "-mprefer-vector-width=512"

ISAS = (
    Isa("x86-64-v4", 64, 32, (*_V4, *_V3), (("-march=x86-64-v4", _WHOLE), ("-mcpu=x86_64_v4", _WHOLE))),
    Isa("x86-64-v3", 32, 16, _V3, (("-march=x86-64-v3",), ("-mcpu=x86_64_v3",))),
    Isa("x86-64-v2", 16, 16, _V2, (("-march=x86-64-v2",), ("-mcpu=x86_64_v2",))),
    Isa("neon", 16, 32, ("asimd",), (("-march=armv8-a",), ("-mcpu=generic",))),
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
