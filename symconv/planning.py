"""Which candidates the outputs of a call take, with which numbers: by the cost model, or by measuring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from symconv.build.cpu import cpu_flags
from symconv.isa import isa
from symconv.live import measuring
from symconv.manifest import Output
from symconv.options import Options
from symconv.tune.facts import Facts, from_json
from symconv.tune.measure import measure
from symconv.tune.memory import Question, recalled, remembered
from symconv.tune.plan import Choice, ranked
from symconv.workspace import workspace_limit

__all__ = ["FIRST", "Planner"]

FIRST = Choice(0, (), 0.0)
"""The first candidate of an output: it takes no numbers, and sizes of every kind."""

_ALTERNATIVES = 8
"""So many of the fastest by the model are measured."""


@dataclass(frozen=True)
class Planner:
    """Plans for the calls of one entry: what its outputs are computed by, and how many threads it may use."""

    options: Options
    threads: int
    outputs: tuple[Output, ...]

    @cached_property
    def facts(self) -> tuple[tuple[Facts, ...], ...]:
        """Of each output's candidates, as far as there is something to choose."""
        return tuple(
            tuple(from_json(way.facts) for way in output.ways) if all(way.facts for way in output.ways) else ()
            for output in self.outputs
        )

    def modelled(self, sizes: Mapping[str, int]) -> tuple[Choice, ...]:
        """What the cost model takes to be fastest."""
        return tuple(self._ranked(one, sizes, 1)[0] for one in self.facts)

    def _ranked(self, facts: tuple[Facts, ...], sizes: Mapping[str, int], most: int) -> tuple[Choice, ...]:
        if len(facts) < 2 or not all(sizes.values()):
            return (FIRST,)
        itemsize = np.dtype(self.options.dtype).itemsize
        target = isa(self.options.target, cpu_flags())
        return ranked(facts, sizes, target, itemsize, workspace_limit(), self.threads, most)

    def measured(
        self, name: str, kernels: str, sizes: Mapping[str, int], run: Callable[[tuple[Choice, ...]], Any]
    ) -> tuple[Choice, ...] | None:
        """The choices that were fastest here, now or when they were last measured; None where nothing can be chosen.

        ``name`` is told to who waits, ``kernels`` says what is compiled, and ``run`` makes one call with a plan.
        """
        alternatives = tuple(self._ranked(one, sizes, _ALTERNATIVES) for one in self.facts)
        if all(len(one) < 2 for one in alternatives):
            return None
        question = Question.asked(kernels, sizes, self.options.dtype, self.options.target, self.threads)
        known = recalled(question, self.facts) if all(self.facts) else None
        if known is not None:
            return known
        found = measure(alternatives, run, report=measuring(name)).choices
        # As they will be recalled from disk.
        found = tuple(replace(choice, uncut=None) for choice in found)
        if all(self.facts):
            remembered(question, self.facts, found)
        return found
