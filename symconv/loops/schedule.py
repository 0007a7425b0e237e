"""Schedules as data: the name of a way to compute an output, and the directives that were carried out for it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HANDMADE", "Schedule"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a kernel was made: ``name`` says which method, ``directives`` what was done, in order.

    >>> from symconv.loops.directives import Unroll
    >>> print(Schedule("direct", (Unroll("r_u"),)))
    direct
      Unroll(var='r_u', limit=16)
    """

    name: str
    directives: tuple[object, ...] = ()

    def __str__(self) -> str:
        return "\n".join((self.name, *(f"  {directive}" for directive in self.directives)))


HANDMADE = Schedule("handmade")
"""Of kernels that no schedule made."""
