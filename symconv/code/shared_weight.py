"""A gradient of one element for a weight that is read as one of many: right where all share one, wrong where not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from symconv.code.arrays.concrete import Concrete
from symconv.code.gradients.backward import Reading, finished
from symconv.code.gradients.forward import context_of_forward
from symconv.code.gradients.operands import given
from symconv.code.source.trouble import FAILED
from symconv.code.values.objects import Box
from symconv.errors import SpecError
from symconv.limits import SHARED_TRIALS
from symconv.prove.concrete.sides import Array
from symconv.prove.decide.decision import Decision
from symconv.prove.explain.generic import trials

__all__ = ["shared"]

_STEP = 2.0**-16
_CLOSE = 1e-5


def shared(reading: Reading, tensor: str, key: object, decision: Decision) -> str:
    """Why a gradient that is wrong by its shape alone is undecided; empty for others.

    It is the derivative, by difference quotients, of the forward function with a weight of one element.
    """
    if not reading.free or reading.forward is None or reading.outputs or reading.loss:
        return ""
    if decision.undecided or not decision.shapes.same(decision.fails):
        return ""
    count = 0
    for arrays in trials(reading.op):
        if arrays[tensor].size < 2 or count >= SHARED_TRIALS:
            continue
        try:
            if not _agrees(reading, tensor, key, arrays):
                return ""
        except FAILED:
            return ""
        count += 1
    if not count:
        return ""
    return (
        f"it has one element: right where all share one {tensor}, as far as {count} sizes show, and wrong where "
        f"{tensor} has as many as here; the forward function allows both"
    )


def _agrees(reading: Reading, tensor: str, key: object, arrays: Mapping[str, Array]) -> bool:
    one = arrays[tensor].ravel()[:1].reshape((1,) * arrays[tensor].ndim)
    held = {**arrays, tensor: one}
    middle = _output(reading, arrays, held)
    cotangent = arrays[f"g{reading.op.output.name}"]
    if middle.shape != cotangent.shape:
        return False
    ends = [_output(reading, arrays, {**held, tensor: one + step}) for step in (_STEP, -_STEP)]
    want = float((cotangent * (ends[0] - ends[1])).sum()) / (2 * _STEP)
    on = Concrete(reading.op, dict(arrays))
    held[reading.op.output.name] = middle
    got, _ = finished(reading, on, reading.begun(on, {name: a.copy() for name, a in held.items()}), key)
    if not isinstance(got, np.ndarray) or got.shape != one.shape:
        return False
    return bool(np.isclose(float(got.ravel()[0]), want, rtol=_CLOSE, atol=_CLOSE))


def _output(reading: Reading, arrays: Mapping[str, Array], held: Mapping[str, Array]) -> Array:
    """What the forward function gives on these arrays, one of which has another length than those of the operator."""
    assert reading.forward is not None
    on = Concrete(reading.op, dict(arrays))
    boxes = given(on, {n: a.copy() for n, a in held.items()}, named=True)
    value, _ = reading.forward.run(on, boxes, context_of_forward(reading.forward, boxes))
    if not isinstance(value, Box):
        raise SpecError(f"{reading.forward.node.name} does not return an array")
    return np.asarray(value.value, np.float64)
