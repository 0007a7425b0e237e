"""Loops over time that are decided by one step of them, for any number of steps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from symconv.code.proofs import Proofs
from symconv.code.source.over_time import OverTime
from symconv.errors import SymconvError
from symconv.prove.proof import Proof

__all__ = ["by_one_step"]


def by_one_step(steps: OverTime, decided: Callable[[], Proofs[Proof]],
                otherwise: Callable[[], Proofs[Proof]]) -> Proofs[Proof]:  # fmt: skip
    """The proofs of functions with loops over time from those of one step, ``decided``; ``otherwise`` as they stand.

    The gradient of each state has to be right for those of everything else to be. A wrong step is no proof that they
    are wrong: what it gets wrong may be 0 in each of them.
    """
    found: Proofs[Proof] | None = None
    with suppress(SymconvError):
        found = decided()
    if found is not None and found.holds and {*steps.returns} <= {*found}:
        told = (
            f"so in one step of the loops over time, line {steps.line}, and by induction for any number of steps: the "
            "gradient of a state is carried back, and what steps share is added up"
        )
        proofs = {name: replace(found[name], proved=(*found[name].proved, told)) for name in steps.asked}
        return Proofs(found.name, proofs, found.also, found.unread, found.numbers)
    try:
        return otherwise()
    except SymconvError:
        if found is None or found.holds is not False or not {*steps.asked} <= {*found}:
            raise
        wrong = next(one for one in found.values() if one.holds is False)
        reason = f"one step of the loops over time, line {steps.line}, is not the gradient of its step: {wrong}"
        return Proofs(found.name, {n: Proof(found[n].operator, found[n].claim, None, reason=reason,
                                            decision=found[n].decision) for n in steps.asked})  # fmt: skip
