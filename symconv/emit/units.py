"""What one module holds: operators, their entries, and for every output the ways to compute it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from symconv.errors import SpecError
from symconv.loops.candidate import Candidate
from symconv.loops.ir import Expr, Kernel

__all__ = ["ENOUGH", "Entry", "Unit"]

ENOUGH = 2_000_000
"""Operations that take the preset about as long as a call and its plan: below, nothing is gained by other kernels."""

MOST_OUTPUTS = 31
"""The bits of a mask that is an int in C."""


class Joined(Protocol):
    """Two sizes that may be 1 and their product instead, where others are 1; their product and 1 where ``stacked``."""

    @property
    def outer(self) -> str:
        """The size of the outer axis."""

    @property
    def inner(self) -> str:
        """The size of the inner axis."""

    @property
    def ones(self) -> tuple[str, ...]:
        """The sizes that have to be 1."""

    @property
    def stacked(self) -> bool:
        """Whether the outer axis takes both."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Outputs that share their inputs; a call computes those a bit mask asks for.

    Each output has one or more candidates, of which a plan chooses; the first needs no numbers of a plan. Where a
    larger module has more candidates, ``work`` counts the operations of a call: from ``ENOUGH`` on they pay.
    ``stages`` are arrays of a call that outputs, and later stages, read: each is computed once where it is needed.
    ``returned`` are arrays that a kernel computes on its way to the last output and the caller of a library gets too.
    ``joined`` are pairs of sizes that a call takes as one where nothing tells their axes apart.
    """

    name: str
    outputs: tuple[tuple[Candidate, ...], ...]
    work: Expr | None = None
    stages: tuple[tuple[Candidate, ...], ...] = ()
    returned: tuple[str, ...] = ()
    joined: tuple[Joined, ...] = ()

    def __post_init__(self) -> None:
        if len(self.outputs) > MOST_OUTPUTS:
            raise SpecError(
                f"one call computes at most {MOST_OUTPUTS} outputs or gradients, asked for is {len(self.outputs)}; "
                "state fewer at a time, or as slices of one tensor"
            )

    @property
    def computed(self) -> tuple[tuple[Candidate, ...], ...]:
        """Stages and outputs, in the order in which they are computed."""
        return (*self.stages, *self.outputs)

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """Every kernel, stage by stage and output by output."""
        return tuple(candidate.kernel for candidates in self.computed for candidate in candidates)

    @property
    def masks(self) -> tuple[int, ...]:
        """For each stage and each output the bits of the outputs for which it is computed."""
        found = [0] * len(self.stages) + [1 << number for number in range(len(self.outputs))]
        places = {candidates[0].kernel.result.name: place for place, candidates in enumerate(self.stages)}
        for place in reversed(range(len(found))):
            for buffer in self.computed[place][0].kernel.buffers:
                if buffer.role == "in" and buffer.name in places:
                    found[places[buffer.name]] |= found[place]
        return tuple(found)

    @property
    def planned(self) -> bool:
        """Whether a call needs a plan: there is something to choose, or a number to give."""
        return any(len(candidates) > 1 for candidates in self.computed) or any(k.parameters for k in self.kernels)


@dataclass(frozen=True, slots=True)
class Unit:
    """The entries of one operator; ``notes`` are comment lines that say what it is."""

    name: str
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Every candidate, entry by entry."""
        return tuple(one for entry in self.entries for candidates in entry.computed for one in candidates)

    @property
    def direct(self) -> Unit:
        """The same operator with the first candidate of each output alone."""
        entries = (
            replace(
                entry,
                outputs=tuple(ways[:1] for ways in entry.outputs),
                work=None,
                stages=tuple(ways[:1] for ways in entry.stages),
            )
            for entry in self.entries
        )
        return Unit(self.name, tuple(entries), self.notes)
