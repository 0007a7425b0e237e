"""Packed candidates: operands copied into rows where every tap is a constant offset, results in register tiles."""

from __future__ import annotations

from symconv.packed.candidates import (
    Halo,
    bordered_candidates,
    bordered_masked,
    packed_candidates,
    packed_masked,
    packs,
)
from symconv.packed.exchanging import exchanged
from symconv.packed.pointwise import pointwise
from symconv.packed.stages import shared, stages

__all__ = [
    "Halo",
    "bordered_candidates",
    "bordered_masked",
    "exchanged",
    "packed_candidates",
    "packed_masked",
    "packs",
    "pointwise",
    "shared",
    "stages",
]
