"""Kernels in the dot form: made, run at one plan, and handed to the proof."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.errors import InternalError
from symconv.loops.candidate import Candidate
from symconv.loops.interpret import interpret
from symconv.loops.ir import Kernel
from symconv.options import options
from symconv.relation.points import UnclearError
from symconv.tune.facts import Facts
from symconv.validate.ordering import FaultError
from symconv.validate.plain import plain
from symconv.validate.proof import prove
from symconv.validate.settled import least_of

__all__ = ["computes", "dots", "refused"]


@cache
def dots(op: sc.Operator, target: str = "x86-64-v3") -> dict[str, Candidate]:
    """The dot forms of the gradient of w, by the names of their schedules."""
    every = pipeline.candidates(pipeline.derive(op, "w"), "gw", options(target=target, dtype="float32"))
    return {one.schedule.name: one for one in every if one.schedule.name.startswith("dot")}


def computes(kernel: Kernel, arrays: dict[str, np.ndarray], want: np.ndarray, plan: tuple[int, ...]) -> bool:
    """Whether a kernel, interpreted with the numbers of a plan and vectors of so many lanes, computes the gradient."""
    given = {name: (array.shape, array.ravel().tolist()) for name, array in arrays.items()}
    given["w"] = (want.shape, [0] * want.size)
    *numbers, lanes = plan
    try:
        made = interpret(kernel, given, parameters=dict(zip(kernel.parameters, numbers, strict=True)), width=lanes)
    except InternalError:
        return False
    return made == want.ravel().tolist()


def refused(candidate: Candidate, kernel: Kernel) -> None:
    """Asserts that a changed kernel is not proved."""
    facts, op = candidate.facts, candidate.gather.operator
    assert kernel != candidate.kernel and isinstance(facts, Facts)
    with pytest.raises((FaultError, UnclearError)):
        prove(op, plain(kernel, least_of(op)), None, facts.requires)
