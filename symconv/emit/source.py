"""What emit hands to build: the text of one module, and the files that it needs beside it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ALIKE", "CONVENTION", "DRIVERS", "NOUGHTS", "Source"]

CONVENTION = 2
"""Counts the ways in which functions of modules were called: one more with each change of their parameters."""

ALIKE = "# Real numbers are compared for equality: every operation rounds by itself."
"""The line of a text that must be compiled so that an expression has one value wherever it stands."""

NOUGHTS = "# Choices of 0 are factors: what they multiply decides whether the product is a number."
"""The line of a text in which ``0*x`` may not be taken for 0."""

DRIVERS = "Kernels that a plan chooses: each call computes its numbers once, and takes little of its time here."
"""The line of a text from which on its C is not worth much of the compiler's time."""


@dataclass(frozen=True, slots=True)
class Source:
    """One module and what compiling it depends on.

    ``target`` is ``"native"`` (flags may name this CPU) or ``"portable"``; ``openmp`` says whether the text uses
    threads. ``headers`` are the other libraries whose C headers it includes, as ``(name and version, folder)``;
    ``beside`` are further files of its own by name: headers, and other parts of a library in C.
    """

    text: str
    target: str = "native"
    openmp: bool = True
    headers: tuple[tuple[str, str], ...] = ()
    beside: tuple[tuple[str, str], ...] = ()

    @property
    def alike(self) -> bool:
        """Whether sums may not be reordered nor products fused, because their values are compared."""
        return ALIKE in self.text

    @property
    def noughts(self) -> bool:
        """Whether a product with 0 has to be made, because the other factor may be no number."""
        return NOUGHTS in self.text
