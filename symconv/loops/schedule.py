"""Schedules as data: the name of a way to compute an output, and the directives that were carried out for it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HANDMADE", "Distribute", "Lanes", "LoopDirective", "Minor", "RegisterTile", "Reorder", "Schedule"]


@dataclass(frozen=True, slots=True)
class Distribute:
    """``y = f(sum)`` cell by cell -> ``y = start``, a nest for each piece of each sum, and ``y = f(y)``.

    Sums that are not the only one of their statement get arrays of their own. Precondition: the statement looks for no
    position.
    """

    statement: str


@dataclass(frozen=True, slots=True)
class Reorder:
    """``for cells: for steps: S`` -> ``for`` all of ``parallel`` in one loop, ``for`` each of ``inner``: S.

    A phase goes by the name of its residue. Precondition: every loop of the sum once, phases before the loops that they
    bound; parallel loops are cells whose ranges speak of sizes alone.
    """

    nest: str
    parallel: tuple[str, ...]
    inner: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lanes:
    """``for v: acc += S(v)`` -> blocks of neighbouring v side by side in vectors, masked outside S's own bounds.

    Precondition: every access that v moves moves along one axis, some by neighbours; v moves the cell in its last axis
    alone, or not at all; where it moves the cell, the loops inside are steps.
    """

    nest: str
    loop: str


@dataclass(frozen=True, slots=True)
class RegisterTile:
    """A body in lanes -> ``blocks`` vectors of it times a factor of each named loop, all accumulators in registers.

    What remains of a tiled loop follows one by one. Precondition: the nest has lanes, the loops are parallel ones.
    """

    nest: str
    factors: tuple[tuple[str, int], ...]
    blocks: int = 1


@dataclass(frozen=True, slots=True)
class Minor:
    """A border's share of the work: compiled for size, with masks in every block, never cut into parts."""

    nest: str


LoopDirective = Distribute | Reorder | Lanes | RegisterTile | Minor
"""What lowering carries out: it speaks of the loops of a solution, before there is a kernel."""


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
