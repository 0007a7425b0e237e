"""Numbers that an edited function is tried on; what does not depend on the edit is computed once for all edits."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from symconv.code.arrays.concrete import Concrete
from symconv.code.gradients.backward import Reading, finished
from symconv.code.gradients.beginning import Beginning
from symconv.code.source.trouble import FAILED
from symconv.limits import FAULT_CELLS, FAULT_FAILED, FAULT_TRIALS, GEOMETRIES
from symconv.notation.operator import Operator
from symconv.prove.concrete.counterexample import drawn
from symconv.prove.concrete.sides import Array, truth_of
from symconv.verify.geometry import geometries

__all__ = ["Trial", "trials_of"]


class Trial:
    """Arrays of one size, and the gradient that is wanted there."""

    def __init__(self, op: Operator, arrays: dict[str, Array], want: Array) -> None:
        self.op, self.arrays, self.want = op, arrays, want
        self.begun: Beginning | None = None

    @cached_property
    def on(self) -> Concrete:
        """The operations at this size."""
        return Concrete(self.op, dict(self.arrays))

    def value(self, reading: Reading, key: Any) -> tuple[Array | None, int]:
        """What a function gives, None where it makes no sense, and how many statements were run.

        All functions that are tried have one forward function, which is run once where what it keeps can be copied.
        """
        try:
            got, state = finished(reading, self.on, self._beginning(reading), key)
        except FAILED:
            return None, FAULT_FAILED
        return (got if isinstance(got, np.ndarray) else None), state.steps

    def _beginning(self, reading: Reading) -> Beginning:
        if self.begun is None:
            self.begun = reading.begun(self.on, {name: a.copy() for name, a in self.arrays.items()})
        found = self.begun.copy()
        if found is None:
            found, self.begun = self.begun, None
        return found


def trials_of(op: Operator, tensor: str) -> list[Trial]:
    """The smallest of the drawn sizes, with the gradient in ``tensor``."""
    found = []
    for seed, shapes in enumerate(geometries(op, GEOMETRIES, 0)):
        arrays = {name: array.astype(np.float64) for name, array in drawn(op, shapes, seed).items()}
        if all(0 < a.size < FAULT_CELLS for a in arrays.values()):
            output = {op.output.name: truth_of(op, op.output.name, arrays)}
            found.append(Trial(op, arrays | output, truth_of(op, f"g{tensor}", arrays)))
    return sorted(found, key=lambda one: sum(a.size for a in one.arrays.values()))[:FAULT_TRIALS]
