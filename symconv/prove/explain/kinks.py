"""Whether a wrong gradient is wrong at kinks alone: where there is no derivative, and its value is a convention."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.derive.conventions import sentence
from symconv.errors import SymconvError
from symconv.notation.functions import TABLE
from symconv.notation.operator import Operator
from symconv.prove.concrete.numbers import Misfit
from symconv.prove.concrete.sides import Array, evaluated, truth_of
from symconv.prove.decide.decision import decide
from symconv.prove.explain.generic import trials
from symconv.prove.explain.smooth import kinked
from symconv.prove.language.syntax import Claim

__all__ = ["Conventions", "claimed_at_kinks", "right_but_at_kinks", "with_conventions"]

Conventions = tuple[tuple[str, str], ...]
"""The slope that each function of an operator takes at its kink, where it is not the first of its table."""


def right_but_at_kinks(
    op: Operator, whole: Operator, right: Callable[[dict[str, Array]], bool], proved: Callable[[Conventions], bool]
) -> str:
    """Why a gradient that is right wherever no elements are equal or 0 is wrong; empty for others.

    ``right`` says it of some numbers away from kinks, ``proved`` whether other conventions make it true: then that is
    said. ``whole`` is the operator that the gradient is of; ``op`` is it too or, of several outputs, that gradient.
    """
    functions = kinked(whole)
    if not functions:
        return ""
    count = 0
    for arrays in trials(op):
        count += 1
        if not right(arrays):
            return ""
    if not count:
        return ""
    said = [text for name in functions if (text := sentence(name, dict(op.kinks).get(name)))]
    words = "right but at kinks, where the derivative is a convention" + (f" ({'; '.join(said)})" if said else "")
    other = next((choice for choice in _others(op, functions) if proved(choice)), None)
    if other is None:
        return words.replace("right but at kinks", f"right but at kinks, as far as {count} sizes show", 1)
    chosen = ", ".join(f'"{name}": "{choice}"' for name, choice in other if (name, choice) not in op.kinks)
    return f"{words}; it is proved with kinks={{{chosen}}}"


def claimed_at_kinks(op: Operator, whole: Operator, claim: Claim) -> str:
    """The same of a claim that is text."""
    if claim.side in (whole.several or (whole.output.name,)):
        return ""

    def right(arrays: dict[str, Array]) -> bool:
        try:
            want, got = truth_of(op, claim.side, arrays), evaluated(claim, op, arrays)
        except (SymconvError, Misfit):
            return False
        return got.shape == want.shape and bool(np.allclose(got.astype(np.float64), want))

    def proved(kinks: Conventions) -> bool:
        try:
            decision = decide(with_conventions(op, whole, kinks, claim.side[1:]), claim)
        except SymconvError:
            return False
        return not decision.undecided and decision.wrong.empty

    return right_but_at_kinks(op, whole, right, proved)


def with_conventions(op: Operator, whole: Operator, kinks: Conventions, tensor: str) -> Operator:
    """What ``op`` is to ``whole``, itself or its gradient for ``tensor``, where ``whole`` has other conventions."""
    changed = replace(whole, kinks=kinks)
    return changed if op is whole else adjoint(resolve_borders(changed), tensor)


def _others(op: Operator, functions: list[str]) -> Iterator[Conventions]:
    """The other conventions, for one function at a time."""
    for name in functions:
        for kink in TABLE[name].kinks:
            if kink.choice != dict(op.kinks).get(name, TABLE[name].kinks[0].choice):
                yield tuple(sorted({**dict(op.kinks), name: kink.choice}.items()))
