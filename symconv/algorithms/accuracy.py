"""What Winograd costs in accuracy: an estimate that chooses between transforms, and lengths of sums."""

from __future__ import annotations

from math import ceil, sqrt

from symconv.algorithms.cooktoom import Transform
from symconv.algorithms.points import amplification

__all__ = ["POLICY", "expected_error"]

POLICY = 4e-6
"""Largest ``max|e| / max|reference|`` of float32 against float64 that ``accuracy="default"`` allows."""

_STAGES = 6
"""The three transforms, as so many additions of a sum: the value that fits what the tests measure."""


def expected_error(
    transform: Transform,
    terms: int,
    *,
    gradient_of_kernel: bool = False,
    rank: int = 2,
    block: int = 0,
    epsilon: float = 2.0**-24,
) -> float:
    """About ``max|e| / max|reference|`` of a sum of ``terms`` transformed products on data without cancellation.

    ``terms`` counts what is added in the transformed domain: channels for outputs and gradients of data, tiles for
    gradients of kernels. ``block``: sums are made in blocks of that many terms, which are then added (0: one long
    sum). Errors of a sum grow like a random walk, with the root of its length; transforms amplify them once per axis.

    >>> from symconv.algorithms.points import transform
    >>> long, blocks = (expected_error(transform(4, 3), 1024, block=block) for block in (0, 64))
    >>> long > POLICY > 2 * blocks
    True
    """
    grown = amplification(transform)[gradient_of_kernel] ** rank
    length = terms if block < 1 else min(block, terms)
    walk = _STAGES + length / 2 + ceil(terms / length if length else 0) / 2
    return grown * epsilon / sqrt(3) * sqrt(walk)
