"""Whether a wrong gradient of code is wrong at kinks alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from symconv.code.arrays.concrete import Concrete
from symconv.code.gradients.backward import Reading, coded, finished
from symconv.code.source.trouble import FAILED
from symconv.errors import SymconvError
from symconv.prove.concrete.sides import Array, truth_of
from symconv.prove.decide.decision import decide
from symconv.prove.explain.kinks import Conventions, right_but_at_kinks, with_conventions

__all__ = ["at_kinks"]


def at_kinks(reading: Reading, tensor: str, key: Any) -> str:
    """Why a gradient that is right wherever no elements are equal or 0 is wrong; empty for others.

    Some sizes are compared; where it is proved with another convention, that is said.
    """
    return right_but_at_kinks(
        reading.op,
        reading.whole,
        lambda arrays: _right(reading, tensor, key, arrays),
        lambda kinks: _proved(_with(reading, kinks, tensor), tensor, key),
    )


def _right(reading: Reading, tensor: str, key: Any, arrays: dict[str, Array]) -> bool:
    op = reading.op
    try:
        given = arrays | {op.output.name: truth_of(op, op.output.name, arrays)}
        want = truth_of(op, f"g{tensor}", given)
        on = Concrete(op, dict(given))
        got, _ = finished(reading, on, reading.begun(on, {name: a.copy() for name, a in given.items()}), key)
    except FAILED:
        return False
    return isinstance(got, np.ndarray) and got.shape == want.shape and bool(np.allclose(got.astype(np.float64), want))


def _with(reading: Reading, kinks: Conventions, tensor: str) -> Reading:
    """The reading for other conventions."""
    op = with_conventions(reading.op, reading.whole, kinks, tensor)
    return replace(
        reading, op=op, several=replace(reading.whole, kinks=kinks) if reading.several else None, together=None
    )


def _proved(reading: Reading, tensor: str, key: Any) -> bool:
    try:
        decision = decide(reading.op, coded(reading, tensor, key))
    except SymconvError:
        return False
    return not decision.undecided and decision.wrong.empty
