"""Packed candidates: operands copied into rows where every tap is a constant offset, results in register tiles."""

from __future__ import annotations

from symconv.gather.solution import Gather
from symconv.loops.candidate import Candidate
from symconv.options import Options

__all__ = ["packed_candidates"]


def packed_candidates(gather: Gather, name: str, options: Options) -> tuple[Candidate, ...]:
    """The packed ways to compute an output."""
    return ()
