"""Numbers that an edited function is tried on; what does not depend on the edit is computed once for all edits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symconv.code.arrays.concrete import Concrete
from symconv.code.gradients.backward import Reading, finished
from symconv.code.gradients.beginning import Beginning
from symconv.code.gradients.running import Known, State, remembering
from symconv.code.source.trouble import FAILED
from symconv.code.source.unchanging import Expression, Unchanging
from symconv.limits import FAULT_CELLS, FAULT_FAILED, FAULT_TRIALS, GEOMETRIES
from symconv.notation.operator import Operator
from symconv.prove.concrete.counterexample import UNIT, drawn
from symconv.prove.concrete.sides import Array, truth_of
from symconv.verify.geometry import geometries

__all__ = ["Trial", "Trials"]


class Trials:
    """The sizes that one function is tried at, for each of its gradients."""

    def __init__(self) -> None:
        self.sizes: dict[Operator, list[_Size]] = {}

    def of(self, reading: Reading, tensor: str) -> list[Trial]:
        """The smallest of the drawn sizes, with the gradient in ``tensor``."""
        op = reading.op
        if op not in self.sizes:
            self.sizes[op] = _sizes(op)
        told = Unchanging(reading.node, reading.program)
        trials = [Trial(one, truth_of(op, f"g{tensor}", one.inputs), reading, told) for one in self.sizes[op]]
        # What has no value, such as a quotient by 0, compares with nothing.
        return [one for one in trials if np.isfinite(one.want.astype(np.float64)).all()]


@dataclass(frozen=True)
class Trial:
    """Arrays of one size, and the gradient that is wanted there of edits of ``first``."""

    size: _Size
    want: Array
    first: Reading
    told: Unchanging

    @property
    def arrays(self) -> dict[str, Array]:
        """The operands and the output."""
        return self.size.arrays

    def value(self, reading: Reading, key: Any) -> tuple[Array | None, int]:
        """What a function gives, None where it makes no sense, and how many statements were run.

        All functions that are tried have one forward function, which is run once where what it keeps can be copied.
        Of functions that change nothing the expressions are computed once.
        """
        expressions = self.told.expressions(reading.node) if reading.program is self.first.program else None
        try:
            begun, state = self.size.beginning(reading, expressions)
            got, state = finished(reading, self.size.on, begun, key, state)
        except FAILED:
            return None, FAULT_FAILED
        return (got if isinstance(got, np.ndarray) else None), state.steps


class _Size:
    """Arrays of one size, and what functions begin with there.

    Where that can be copied, ``lasting`` is one for functions that change nothing, and ``known`` what was computed from
    it.
    """

    def __init__(self, op: Operator, inputs: dict[str, Array]) -> None:
        self.op, self.inputs = op, inputs
        self.arrays = inputs | {op.output.name: truth_of(op, op.output.name, inputs)}
        self.begun: Beginning | None = None
        self.lasting: Beginning | None = None
        self.known: Known = {}

    @cached_property
    def on(self) -> Concrete:
        """The operations at this size."""
        return Concrete(self.op, dict(self.arrays))

    def beginning(
        self, reading: Reading, expressions: Mapping[int, Expression] | None
    ) -> tuple[Beginning, State | None]:
        """What a function begins with, and the state where it changes nothing and has these ``expressions``."""
        if self.begun is None:
            first = reading.begun(self.on, {name: a.copy() for name, a in self.arrays.items()})
            self.lasting = first.copy()
            if self.lasting is None:
                return first, None
            self.begun = first
        if self.lasting is not None and expressions is not None:
            return self.lasting, remembering(reading.program, self.on, expressions, self.known)
        found = self.begun.copy()
        assert found is not None, "what was copied once is copied again"
        return found, None


def _sizes(op: Operator) -> list[_Size]:
    found = []
    for seed, shapes in enumerate(geometries(op, GEOMETRIES, 0)):
        inputs = _floats(op, shapes, seed)
        if all(0 < a.size < FAULT_CELLS for a in inputs.values()):
            one = _Size(op, inputs)
            valued = np.isfinite(one.arrays[op.output.name].astype(np.float64)).all()
            found.append(one if valued else _Size(op, _floats(op, shapes, UNIT)))
    return sorted(found, key=lambda one: sum(a.size for a in one.arrays.values()))[:FAULT_TRIALS]


def _floats(op: Operator, shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, Array]:
    return {name: array.astype(np.float64) for name, array in drawn(op, shapes, seed).items()}
