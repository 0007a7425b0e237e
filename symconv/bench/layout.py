"""Arrays from symconv's layout to torch's, channels first, and back; in what order torch may hold them."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["channels_first", "channels_last", "memory_formats"]

Array = np.ndarray[Any, Any]


def channels_first(name: str, array: Array, last: bool) -> Array:
    """A tensor of a convolution by name, with ``last`` moved from (N, *spatial, C), a kernel from (*kernel, C, F).

    >>> channels_first("w", np.zeros((3, 2, 4, 5)), True).shape
    (5, 4, 3, 2)
    """
    if not last or name == "b":
        return array
    return np.moveaxis(array, (-1, -2), (0, 1)) if name == "w" else np.moveaxis(array, -1, 1)


def channels_last(name: str, array: Array, last: bool) -> Array:
    """The way back."""
    if not last or name == "b":
        return array
    return np.moveaxis(array, (0, 1), (-1, -2)) if name == "w" else np.moveaxis(array, 1, -1)


def memory_formats(rank: int) -> dict[str, Any]:
    """torch's memory formats for arrays of so many axes beside images and channels, by name."""
    import torch

    last = {2: torch.channels_last, 3: torch.channels_last_3d}
    return {"contiguous": torch.contiguous_format} | ({"channels_last": last[rank]} if rank in last else {})
