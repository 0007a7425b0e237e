"""What emit hands to build: the text of one Cython module."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Source"]


@dataclass(frozen=True, slots=True)
class Source:
    """One ``.pyx`` module and what compiling it depends on.

    ``target`` is ``"native"`` (flags may name this CPU) or ``"portable"``; ``openmp`` says whether the text uses
    prange.
    """

    text: str
    target: str = "native"
    openmp: bool = True
