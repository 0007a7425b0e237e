"""Whether a wrong gradient is wrong at kinks alone: where there is no derivative, and its value is a convention."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from symconv.code.arrays.concrete import Concrete
from symconv.code.gradients.backward import Reading, coded, finished
from symconv.code.source.trouble import FAILED
from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.derive.conventions import sentence
from symconv.errors import SymconvError
from symconv.notation.functions import TABLE
from symconv.notation.operator import Operator
from symconv.prove.concrete.sides import Array, truth_of
from symconv.prove.decide.decision import decide
from symconv.prove.explain.smooth import kinked, trials

__all__ = ["at_kinks"]


def at_kinks(reading: Reading, tensor: str, key: Any) -> str:
    """Why a gradient that is right wherever no elements are equal or 0 is wrong; empty for others.

    Some sizes are compared; where it is proved with another convention, that is said.
    """
    op, whole = reading.op, reading.whole
    functions = kinked(whole)
    if not functions:
        return ""
    count = 0
    for arrays in trials(op):
        count += 1
        if not _right(reading, tensor, key, arrays):
            return ""
    if not count:
        return ""
    said = [text for name in functions if (text := sentence(name, dict(op.kinks).get(name)))]
    words = "right but at kinks, where the derivative is a convention" + (f" ({'; '.join(said)})" if said else "")
    other = next(
        (choice for choice in _others(op, functions) if _proved(_with(reading, choice, tensor), tensor, key)), None
    )
    if other is None:
        return words.replace("right but at kinks", f"right but at kinks, as far as {count} sizes show", 1)
    chosen = ", ".join(f'"{name}": "{choice}"' for name, choice in other if (name, choice) not in op.kinks)
    return f"{words}; it is proved with kinks={{{chosen}}}"


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


def _others(op: Operator, functions: list[str]) -> Iterator[tuple[tuple[str, str], ...]]:
    """The other conventions, for one function at a time."""
    for name in functions:
        for kink in TABLE[name].kinks:
            if kink.choice != dict(op.kinks).get(name, TABLE[name].kinks[0].choice):
                yield tuple(sorted({**dict(op.kinks), name: kink.choice}.items()))


def _with(reading: Reading, kinks: tuple[tuple[str, str], ...], tensor: str) -> Reading:
    """The reading for other conventions."""
    whole = replace(reading.whole, kinks=kinks)
    if reading.several is None:
        return replace(reading, op=whole)
    return replace(reading, op=adjoint(resolve_borders(whole), tensor), several=whole)


def _proved(reading: Reading, tensor: str, key: Any) -> bool:
    try:
        decision = decide(reading.op, coded(reading, tensor, key))
    except SymconvError:
        return False
    return not decision.undecided and decision.wrong.empty
