"""Running sums and triangles on concrete arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symconv.prove.concrete.numbers import Array, Ground, whole
from symconv.prove.language.syntax import Call, Node

__all__ = ["towards"]


def towards(ground: Ground, word: str, call: Call, a: Array, given: Sequence[Node]) -> Array:
    """``cumsum`` along an axis, ``tril`` and ``triu`` of the last two."""
    if len(given) > 1:
        raise ground.error(call.at, f"{word} takes one number beside the array; given {len(given)}")
    number = whole(ground, given[0]) if given else 0
    if word == "cumsum":
        if not given and a.ndim != 1:
            raise ground.error(call.at, f"cumsum of an array of {a.ndim} axes wants the one it runs along: axis=0")
        if not -a.ndim <= number < a.ndim:
            raise ground.error(call.at, f"there is no axis {number}; the array has {a.ndim} axes")
        return np.asarray(np.cumsum(a, number), dtype=a.dtype)
    if a.ndim < 2:
        raise ground.error(call.at, f"{word} wants an array of 2 or more axes; given {a.ndim}")
    above = np.arange(a.shape[-1]) - np.arange(a.shape[-2])[:, None] - number
    return np.where(above <= 0 if word == "tril" else above >= 0, a, np.zeros_like(a))
