"""The gradients of one text for the number of axes that its tensors likely have, and for others."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from typing import Any

from symconv.code.gradients.backward import Reading
from symconv.code.gradients.forward import Forward
from symconv.code.pair import Pair
from symconv.code.proofs import Decided, Proofs, decided_of, proofs_of
from symconv.code.several_ranks import SeveralRanksError, number_alone, which_axes
from symconv.code.source.trouble import of_one_rank
from symconv.code.values.kinds import UNTOLD
from symconv.errors import SymconvError
from symconv.notation.functions import TABLE
from symconv.notation.operator import Operator
from symconv.prove.explain.smooth import kinked
from symconv.prove.proof import Proof

__all__ = ["UnprovedError", "as_likely", "beside_rows", "judged", "misfits", "steep"]

_STEEP = "infinite"


class UnprovedError(SymconvError):
    """One gradient is not proved, and nothing more was asked."""


def as_likely(pair: Pair, explain: bool, proved: bool = False) -> tuple[Operator, Proofs[Proof]]:
    """The proofs for the first numbers of axes at which all results may fit; where there are none, for the first.

    Where only those count that are all ``proved``, raises UnprovedError for the first gradient that is not.
    """
    unfit: list[tuple[Operator, Forward]] = []
    problem: SymconvError | None = None
    outside: SymconvError | None = None
    asked = ""
    for op, read in pair.operators():
        try:
            reading, found = pair.results(op, read)
            known = _fitting(reading, found, proved=proved)
            proofs = proofs_of(reading, found, explain, known) if known is not None else None
            if outside and (proofs is None or (proofs.holds is False and misfits(proofs))):
                # Of likelier numbers of axes the code is not read: that it raises an error here is no answer.
                continue
            if proofs is not None:
                asked = next((which_axes(read, op, one) for one, _ in unfit if number_alone(op, one)), "")
                if proofs.holds and asked:
                    break
                return (proofs.holds and beside_rows(pair, op, explain)) or (op, proofs)
            unfit.append((op, read))
        except UnprovedError:
            raise
        except SymconvError as refused:
            if UNTOLD in str(refused):
                # With no number of axes it is told.
                raise
            problem = problem or refused
            outside = outside or (None if unfit or of_one_rank(str(refused)) else refused)
    if asked:
        raise SeveralRanksError(asked)
    for op, read in unfit:
        try:
            return op, proofs_of(*pair.results(op, read), explain)
        except SymconvError as refused:
            problem = problem or refused
    assert problem is not None
    raise outside or problem


def beside_rows(pair: Pair, right: Operator, explain: bool) -> tuple[Operator, Proofs[Proof]] | None:
    """The proofs where vectors stand beside rows as long as they, if the gradients are right where all are vectors.

    None where they are not, or not right beside rows: a weight that is a vector weighs each of many rows.
    """
    if len(right.inputs) < 2 or any(len(one.axes) != 1 for one in right.inputs):
        return None
    for op, read in pair.operators():
        first, *others = op.inputs
        if len(first.axes) > 1 and all(len(one.axes) == 1 and one.sizes[0] == first.sizes[-1] for one in others):
            with suppress(SymconvError):
                reading, found = pair.results(op, read)
                known = _fitting(reading, found, proved=True)
                if known is not None:
                    return op, proofs_of(reading, found, explain, known)
    return None


def judged(pair: Pair, op: Operator, read: Forward, wrong: Collection[str] = (),
           most: int = -1) -> tuple[dict[str, Decided], bool | None]:  # fmt: skip
    """What is decided for a further number of axes, nothing where one never fits, and whether all is right.

    What is ``wrong`` elsewhere is looked at first; nothing more is where no more than ``most`` can still be right.
    """
    with suppress(SymconvError):
        reading, found = pair.results(op, read)
        known = _fitting(reading, found, wrong, most) or {}
        if not known or any(not one.decision.wrong.empty for one in known.values()):
            return known, False
        return known, steep(pair, op, read, proofs_of(reading, found, False, known)).holds
    return {}, False


def steep(pair: Pair, op: Operator, read: Forward, proofs: Proofs[Proof]) -> Proofs[Proof]:
    """The proofs, with those of what is undecided where roots of 0 have the infinite slope that libraries compute."""
    choices = {name: [kink.choice for kink in TABLE[name].kinks] for name in kinked(op) if name in TABLE}
    steep = tuple((name, _STEEP) for name in sorted(choices) if _STEEP in choices[name])
    if not steep or op.kinks or all(proof.holds is not None for proof in proofs.values()):
        return proofs
    with suppress(SymconvError):
        found = proofs_of(*pair.results(replace(op, kinks=steep), read), False)
        better = {name: found[name] for name in proofs if proofs[name].holds is None and found[name].holds}
        return Proofs(proofs.name, {**proofs, **better}, proofs.also, proofs.unread)
    return proofs


def misfits(proofs: Proofs[Proof]) -> bool:
    """Whether shapes alone are wrong: the numbers may be ones that nobody would take."""
    decisions = [proof.decision for proof in proofs.values() if proof.holds is not True]
    return all(one is not None and one.values.empty and not one.unfit.empty for one in decisions)


def _fitting(
    reading: Reading, found: dict[str, Any], wrong: Collection[str] = (), most: int = -1, proved: bool = False
) -> dict[str, Decided] | None:
    """What is decided of each result; None as soon as one has the shape of its tensor for no sizes.

    Those of few axes come first, biases and weights before the input: they show soonest that the tensors are meant to
    have other numbers of axes. Those that are ``wrong`` elsewhere come before them. None, too, as soon as no more than
    ``most`` can be right.
    """
    known: dict[str, Decided] = {}
    problems: dict[str, SymconvError] = {}
    order = [*reversed(found)]
    order.sort(key=lambda name: (name not in wrong, len(reading.op.input(name).axes)))
    left = len(order)
    for tensor in order:
        try:
            known[tensor] = decided_of(reading, tensor, found[tensor])
        except SymconvError as problem:
            problems[tensor] = problem
            continue
        left -= not known[tensor].decision.wrong.empty
        if not known[tensor].fits or left <= most:
            return None
        if proved and (known[tensor].decision.undecided or not known[tensor].decision.wrong.empty):
            raise UnprovedError(f"g{tensor} is not proved")
    if problems:
        raise next(problems[tensor] for tensor in found if tensor in problems)
    return known
