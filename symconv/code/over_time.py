"""Loops over time that are decided by one step of them, for any number of steps."""

from __future__ import annotations

import ast
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from symconv.code.proofs import Proofs
from symconv.code.several_ranks import SeveralRanksError
from symconv.code.source.over_time import OverTime
from symconv.code.source.sequences import InSequence
from symconv.code.source.short_steps import ShortSteps
from symconv.errors import SymconvError
from symconv.prove.proof import Proof

__all__ = ["by_one_step", "in_any_sequence"]


def by_one_step(steps: OverTime, decided: Callable[[], Proofs[Proof]], otherwise: Callable[[], Proofs[Proof]],
                few: Callable[[ShortSteps], tuple[ShortSteps, Proofs[Proof]]]) -> Proofs[Proof]:  # fmt: skip
    """The proofs of functions with loops over time from those of one step, ``decided``; ``otherwise`` as they stand.

    The gradient of each state has to be right for those of everything else to be. A wrong step is no proof that they
    are wrong: what it gets wrong may be 0 in each of them. A ``few`` steps one after another may be.
    """
    found: Proofs[Proof] | None = None
    several: SeveralRanksError | None = None
    try:
        found = decided()
    except SeveralRanksError as problem:
        several = problem
    except SymconvError:
        pass
    told = (
        f"so in one step of the loops over time, line {steps.line}, and by induction for any number of steps: the "
        "gradient of a state is carried back, and what steps share is added up"
    )
    if found is not None and found.holds and {*steps.returns} <= {*found}:
        proofs = {name: replace(found[name], proved=(*found[name].proved, told)) for name in steps.asked}
        return Proofs(found.name, proofs, found.also, found.unread, found.numbers)
    try:
        return otherwise()
    except SymconvError as problem:
        if found is None or found.holds is not False or not {*steps.asked} <= {*found}:
            raise several or problem from None
        wrong = next(one for one in found.values() if one.holds is False)
        reason = f"one step of the loops over time, line {steps.line}, is not the gradient of its step: {wrong}"
        each = {n: Proof(found[n].operator, found[n].claim, None, reason=reason, decision=found[n].decision)
                for n in steps.asked}  # fmt: skip
        if all(state in found and found[state].holds for state in steps.states):
            each |= {n: replace(found[n], proved=(*found[n].proved, told)) for n in steps.asked if found[n].holds}
        return Proofs(found.name, each | _refuted(steps, few))


def _refuted(steps: OverTime, few: Callable[[ShortSteps], tuple[ShortSteps, Proofs[Proof]]]) -> dict[str, Proof]:
    """The gradients that are wrong for few steps, with arrays whose shapes fit: what does not may be of other ranks."""
    for one in steps.short:
        with suppress(SymconvError):
            short, proofs = few(one)
            fits = all(each.decision is not None and each.decision.unfit.empty for each in proofs.values())
            if fits and proofs.holds is False and {*short.returns} == {*proofs}:
                count = "one step" if one.count == 1 else f"{one.count} steps"
                each = zip(short.of, short.returns, strict=True)
                return {of: replace(proofs[name], where=f"in a loop over {count} of time", repair="")
                        for of, name in each
                        if proofs[name].holds is False}  # fmt: skip
    return {}


def in_any_sequence(found: InSequence, decided: Callable[[ast.FunctionDef, bool], Proofs[Proof]],
                    explain: bool) -> Proofs[Proof]:  # fmt: skip
    """The proofs of a loss over a sequence and its gradients: by one step, else what is wrong for short ones.

    Raises SpecError where neither is read.
    """
    step: Proofs[Proof] | None = None
    refused: SymconvError | None = None
    if found.step is not None:
        try:
            step = decided(found.step, False)
        except SymconvError as problem:
            refused = problem
    told = f"so in one step of the loop backwards, line {found.line}, and by induction in sequences of any length"
    if step is not None and step.holds and {*found.carried} <= {*step}:
        return _those(step, {name: replace(one, proved=(*one.proved, told)) for name, one in step.items()}, found)
    left: Proofs[Proof] | None = None
    for count, node in enumerate(found.short, 1):
        try:
            short = decided(node, explain)
        except SymconvError as problem:
            refused = refused or problem
            continue
        left = left or short
        if short.holds is False:
            each = {name: _of_short(one, step, name, count, told, found) for name, one in short.items()}
            return _those(short, each, found)
    left = left or step
    if left is None:
        assert refused is not None
        raise refused
    return _those(left, {name: _of_step(one, step, name, told, found) for name, one in left.items()}, found)


def _those(proofs: Proofs[Proof], each: dict[str, Proof], found: InSequence) -> Proofs[Proof]:
    """The proofs without those of what the function does not return."""
    asked = {name: replace(one, where=", and ".join(filter(None, (found.words, one.where))))
             for name, one in each.items() if name not in found.carried}  # fmt: skip
    return Proofs(proofs.name, asked, proofs.also, proofs.unread, proofs.numbers)


def _of_short(one: Proof, step: Proofs[Proof] | None, name: str, count: int, told: str, found: InSequence) -> Proof:
    """A gradient of a sequence of so many elements as one of any: a right one is right where each step is."""
    if one.holds is False:
        length = "one element" if count == 1 else f"{count} elements"
        # An edit is of what was written out, and proved for so many elements alone.
        return replace(one, repair="", where=", ".join(filter(None, (one.where, f"in a sequence of {length}"))))
    return _of_step(one, step, name, told, found)


def _of_step(one: Proof, step: Proofs[Proof] | None, name: str, told: str, found: InSequence) -> Proof:
    """A gradient that no short sequence refutes: proved where that of each step is, with those of what is carried."""
    if step is not None and all(key in step and step[key].holds for key in (name, *found.carried)):
        return replace(step[name], proved=(*step[name].proved, told))
    return _open(one, found)


def _open(one: Proof, found: InSequence) -> Proof:
    reason = f"not every step of the loop backwards, line {found.line}, is proved to be the gradient of its step"
    return Proof(one.operator, one.claim, None, reason=reason, decision=one.decision)
