"""Cycles of a register tile: what one step of its innermost loop costs.

Every number here is of a core with two multiply-add units and two loads a cycle, as all x86 of the last ten years have;
only ratios matter, because they choose between candidates of one machine.
"""

from __future__ import annotations

from symconv.tune.machine import Machine

__all__ = ["across_step", "dot_step", "folded_lanes", "outer_step", "turned"]

_LATENCY = 4.0
"""Cycles until a sum can be added to again: fewer accumulators than this times two leave the units idle."""
_SPILLED = 12.3
"""Cycles until a sum can be added to again that the compiler keeps in memory, for want of registers."""

_SPLIT = 3.8
"""Loads that a vector of 64 bytes costs beside its own where it lies in two lines: measured on Emerald Rapids for tiles
of 8x3 to 4x7 (8x3 reach 94 % of what they do on whole lines, 4x6 70 %). Shorter vectors are seldom split, and cheaper.
"""


def outer_step(tile: tuple[int, int], machine: Machine, operations: int = 1, loads: int = 0) -> float:
    """Cycles of ``m x n`` updates from ``n`` vectors and ``m`` scalars.

    >>> from symconv.tune.machine import USUAL
    >>> outer_step((4, 3), Machine(8, 32, 16, USUAL)) < outer_step((1, 12), Machine(8, 32, 16, USUAL))
    True
    """
    m, n = tile
    crossing = _SPLIT * (machine.vector_bytes / 64) ** 3
    load = (m + n * (1 + crossing) + loads * m * n) / 2
    return _slowest(m * n * operations / 2, load, m * n + (n if m > 1 else 1) + 1, machine)


def across_step(tile: tuple[int, int], machine: Machine, operations: int = 1) -> float:
    """Cycles of ``m x n`` updates from ``n`` vectors that were packed, and ``m`` scalars.

    >>> from symconv.tune.machine import USUAL
    >>> across_step((4, 3), Machine(8, 32, 16, USUAL)) < across_step((1, 12), Machine(8, 32, 16, USUAL))
    True
    """
    m, n = tile
    return _slowest(m * n * operations / 2, (m + n) / 2, m * n + n + 1, machine)


def dot_step(tile: tuple[int, int], machine: Machine, operations: int = 1, loads: int = 0) -> float:
    """Cycles of ``m x n`` updates from ``m + n`` vectors.

    >>> from symconv.tune.machine import USUAL
    >>> dot_step((4, 3), Machine(8, 32, 16, USUAL)) < dot_step((1, 12), Machine(8, 32, 16, USUAL))
    True
    """
    m, n = tile
    crossing = machine.vector_bytes / 64
    load = ((m + n) * (1 + crossing) + loads * m * n) / 2
    return _slowest(m * n * operations / 2, load, m * n + min(m, n) + 1, machine)


def _slowest(arithmetic: float, load: float, registers: int, machine: Machine) -> float:
    # Two limits that are nearly reached get in each other's way: a smooth maximum.
    step = max(_LATENCY, float((arithmetic**6 + load**6) ** (1 / 6)))
    return step if registers <= machine.registers else max(1.15 * step, _SPILLED)


def folded_lanes(machine: Machine) -> float:
    """Cycles per accumulator until its lanes are one number, several being folded side by side."""
    return 0.25 * machine.lanes.bit_length()


def turned(machine: Machine) -> float:
    """Cycles for an element of a square: each row is loaded, stored, and interleaved as often as lanes are halved."""
    return (machine.lanes.bit_length() + 1) / machine.lanes
