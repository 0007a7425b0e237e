"""One way to compute an operator's output: the object that is validated, emitted, built, chosen and shown."""

from __future__ import annotations

from dataclasses import dataclass

from symconv.gather.solution import Gather
from symconv.loops.ir import Kernel
from symconv.loops.schedule import Schedule

__all__ = ["Candidate"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kernel beside what it was made from: the solved equations and the schedule.

    ``checked`` kernels may turn infinities that the definition never reads into NaN: after one has run, the module
    looks for results that are no finite numbers, and where there is one, the first candidate computes all of them
    again. Where all elements of the inputs that ``watched`` names are finite, nothing of the kind happens: the module
    looks at those where they are fewer than the results. ``facts`` are what the planner counts with
    (:class:`symconv.tune.facts.Facts`); the first candidate needs none. ``bound`` is the largest
    error in units of the largest result, where the method states one.
    """

    gather: Gather
    schedule: Schedule
    kernel: Kernel
    checked: bool = False
    facts: object = None
    bound: float | None = None
    watched: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of what is computed."""
        return self.kernel.name

    def __str__(self) -> str:
        numbers = f", numbers {', '.join(self.kernel.parameters)}" if self.kernel.parameters else ""
        return f"{self.name}: {self.schedule}{numbers}"
