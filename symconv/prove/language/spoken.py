"""Whose words a claim is in, where libraries mean different things by one word."""

from __future__ import annotations

import re

__all__ = ["TWO_WAYS", "library_of", "transposed"]

TWO_WAYS = (
    "transpose(0, 1) exchanges the axes of a matrix in torch and leaves them in NumPy: write .T, or swapaxes(0, 1)"
)
_TORCH = re.compile(r"\b(?:torch|F)\.|\b(?:keepdim|dim)\s*=")
_NUMPY = re.compile(r"\b(?:np|numpy|jnp)\.|\b(?:keepdims|axis)\s*=")


def library_of(source: str) -> str:
    """``"torch"`` or ``"numpy"`` where a claim has words of one of them alone, else nothing.

    >>> library_of("gx = gy/torch.sqrt(x.var(0))"), library_of("gx = gy/np.sqrt(x.var(0))"), library_of("gx = gy.T")
    ('torch', 'numpy', '')
    """
    torch, numpy = bool(_TORCH.search(source)), bool(_NUMPY.search(source))
    return "" if torch == numpy else "torch" if torch else "numpy"


def transposed(source: str, first: int, second: int) -> bool | None:
    """Whether ``x.transpose(first, second)`` of a matrix exchanges its axes; None where that is not said.

    In NumPy the numbers are the order of all axes, so that 0 and 1 leave them.
    """
    if (first, second) != (0, 1) or not source:
        return first > second
    library = library_of(source)
    return None if not library else library == "torch"
