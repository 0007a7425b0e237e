"""``check``: forward and backward of one text; the forward says what the gradients are of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from symconv.code.distributions import perhaps_targets, summing_to_one, targets_of
from symconv.code.gradients.backward import Reading
from symconv.code.gradients.formula import numbered
from symconv.code.gradients.forward import Forward
from symconv.code.pair import Pair
from symconv.code.proofs import Decided, Proofs, decided_of, proofs_of
from symconv.code.provisos import ROWS, decided_under, kinds_of_labels
from symconv.code.settings import settings_of
from symconv.code.several_modes import Looked, not_all_right, said
from symconv.code.several_ranks import SeveralRanksError, number_alone, rated, which_axes
from symconv.code.source.declared import declared_names
from symconv.code.source.drawn import with_drawn
from symconv.code.source.modes import modes_of, with_modes
from symconv.code.source.pairs import is_loss, pair_of
from symconv.code.source.program import program, read_text
from symconv.code.source.sample_losses import of_prediction
from symconv.code.source.trouble import of_one_rank
from symconv.code.ties import of_other_ties, with_shared_ties
from symconv.code.values.kinds import UNTOLD
from symconv.errors import SpecError, SymconvError
from symconv.limits import OTHER_FORWARDS, OTHER_RANKS
from symconv.notation.functions import TABLE
from symconv.notation.operator import Operator
from symconv.prove.explain.smooth import kinked, misses
from symconv.prove.proof import Proof

__all__ = ["check_code"]

_STEEP = "infinite"
_NAMED = re.compile(r"(.+\.py):(\w+)")
"""``layer.py:MyConv``, as on the command line."""


def check_code(path: str | Path, name: str | None = None, arguments: Mapping[str, Any] | None = None,
               returns: Sequence[str] | None = None, explain: bool = True) -> Proofs[Proof]:  # fmt: skip
    """Decide the gradients of a class or of a pair of functions, whose forward function says what they are of.

    ``name`` is a class with ``forward`` and ``backward``, or the common part of the names of two functions
    (``conv`` for ``conv_forward`` and ``conv_backward``), or the name of the backward function, or a function that
    returns its value and a function for the gradients, as ``tf.custom_gradient`` wants. ``arguments`` are the
    numbers that parameters of the forward function have, such as ``{"stride": 2}``; else its defaults are tried, and
    then a stride of 2 with a padding of 1. Raises SpecError where the code is unusable.
    """
    if name is None and not isinstance(path, Path) and (told := _NAMED.fullmatch(str(path))):
        path, name = told.groups()
    text, title = read_text(path if isinstance(path, Path) else Path(path) if "\n" not in str(path) else path)
    source = program(text, title)
    source, forward, backward = pair_of(source, name)
    forward, backward, said = of_prediction(source.classes, source.owner, forward, backward)
    forward = forward if is_loss(forward, backward) else with_drawn(forward)
    lengths = declared_names(source.initial())
    each = settings_of(forward, arguments, {*source.owned(), *lengths}, source.initial().defaulted())
    modes = modes_of(source, forward, backward, arguments or {})
    both = [(with_modes(forward, one), with_modes(backward, one)) for one in modes]
    rows = kinds_of_labels(source, forward, backward)
    pairs = [Pair(source, *two, returns, settings, {**mode, **kind}, frozenset(n for n in kind if kind[n] == ROWS),
                  said)
             for settings in each for two, mode in zip(both, modes, strict=True) for kind in rows]  # fmt: skip
    return _checked(pairs, len(modes) * len(rows), explain)


def _checked(pairs: Sequence[Pair], modes: int, explain: bool) -> Proofs[Proof]:
    """The proofs of the first pair that is not right; else those of the first one, and what is proved beside them.

    All ``modes`` have to be read with the numbers that come first, those apart that the text does not name.
    """
    each = list[Looked]()
    for pair in pairs[:modes]:
        # Of the modes behind a wrong one it is only said which they are.
        each.append(_looked(pair, explain and all(one.holds is not False for one in each)))
    if modes > 1 and (answer := not_all_right(each)) is not None:
        return answer
    first: Proofs[Proof] | None = None
    seen, proved = list[Operator](), list[Pair]()
    also, unread = list[str](), list[str]()
    for number, pair in enumerate(pairs):
        one = each[number] if number < modes else _looked(pair, explain)
        if isinstance(one.answer, SymconvError):
            if first is None:
                raise one.refusal
            if isinstance(one.answer, SeveralRanksError):
                raise SpecError(f"with {said(pair.numbers)}: {one.answer}")
            unread.append(one.undecided)
            continue
        op, found = one.answer
        if found.holds is not True:
            others = pairs[number + 1 :] if modes == 1 and not proved and _misfits(found) else []
            right = [*proved, *(one for one in others if _looked(one, False).holds)]
            return Proofs(found.name, dict(found), found.also, found.unread, _numbers(pair, right))
        proved.append(pair)
        if first is None:
            first = found
        elif all((op.statements, op.inputs) != (one.statements, one.inputs) for one in seen):
            also.append(f"for {op}" + (f" with {said(pair.modes)}" if pair.modes else ""))
        seen.append(op)
    assert first is not None
    with_texts = dict.fromkeys(said(one.modes) for one in proved if one.modes)
    numbers = "proved with " + "; with ".join(with_texts) if with_texts else ""
    return Proofs(first.name, dict(first), (*first.also, *also), (*first.unread, *unread), numbers)


def _looked(pair: Pair, explain: bool) -> Looked:
    try:
        return Looked(pair, _decided(pair, explain))
    except SymconvError as problem:
        return Looked(pair, problem)


def _numbers(pair: Pair, right: Sequence[Pair]) -> str:
    """With which numbers what is not right was looked at, and with which it is right."""
    if not pair.numbers:
        return ""
    each = (said(one.numbers) or "the defaults" for one in right)
    return "; proved with ".join((f"looked at with {said(pair.numbers)}", *each))


def _misfits(proofs: Proofs[Proof]) -> bool:
    """Whether shapes alone are wrong: the numbers may be ones that nobody would take."""
    decisions = [proof.decision for proof in proofs.values() if proof.holds is not True]
    return all(one is not None and one.values.empty and not one.unfit.empty for one in decisions)


def _decided(pair: Pair, explain: bool) -> tuple[Operator, Proofs[Proof]]:
    """The proofs with these numbers, and what they are told under."""
    return decided_under(pair, explain, _as_meant, _as_likely)


def _as_meant(pair: Pair, explain: bool) -> tuple[Operator, Proofs[Proof]]:
    """The proofs of the functions as they stand.

    What a forward function leaves open does not make a gradient wrong: where the derivative goes at equal numbers of
    a maximum, and how many axes its tensors have, if with the likely ones no shape fits or an operation has no
    meaning. Where it is not right as it is likely meant, the others are tried. Raises SpecError where the gradients are
    right for another number of axes: it is asked which is meant.
    """
    targets = perhaps_targets(pair.forward)
    op, proofs = _as_likely(pair, explain and not targets)
    if proofs.holds is not True and targets:
        if (found := _of_targets(pair, op, proofs, False)) is not None:
            return found
        if explain:
            op, proofs = _as_likely(pair, explain)
        if not _repaired(proofs) and (found := _of_targets(pair, op, proofs, explain)) is not None:
            return found
    if proofs.holds is not True and (answer := of_other_ties(pair, op, proofs)) is not None:
        return answer
    if proofs.holds is not True and (shared := with_shared_ties(op)) != op:
        for other, read in pair.operators():
            if other.statements == op.statements and other.inputs == op.inputs:
                with suppress(SymconvError):
                    right = proofs_of(*pair.results(shared, read), explain)
                    missed = right.holds and any(misses(shared, op, f"g{name}") for name in right)
                    if right.holds is not False and not missed:
                        return shared, right
                break
    if any(proof.holds is None for proof in proofs.values()):
        proofs = next((_steep(pair, op, read, proofs) for other, read in pair.operators() if other == op), proofs)
    return _meant(pair, op, proofs, explain) if proofs.holds is False else (op, proofs)


def _of_targets(
    pair: Pair, op: Operator, proofs: Proofs[Proof], explain: bool
) -> tuple[Operator, Proofs[Proof]] | None:
    """The proofs where targets sum to 1, as one-hot rows and probabilities do, if they are right there.

    With ``explain`` also wrong ones, of functions with an edit that is right there.
    """
    names = targets_of(pair.forward, op, proofs)
    for one in summing_to_one(pair.forward, names) if names else ():
        such = replace(pair, forward=one.of(pair.forward), backward=one.of(pair.backward))
        with suppress(SymconvError):
            summed, found = _as_likely(such, explain)
            for plain, _ in pair.operators() if found.holds or _repaired(found) else ():
                if plain.inputs == summed.inputs and {*found} == {*proofs}:
                    return plain, Proofs(proofs.name, {name: one.said(plain, proof) for name, proof in found.items()})
    return None


def _repaired(proofs: Proofs[Proof]) -> bool:
    """Whether what is wrong has an edit that is proved."""
    return any(proof.repair for proof in proofs.values())


def _meant(pair: Pair, op: Operator, proofs: Proofs[Proof], explain: bool) -> tuple[Operator, Proofs[Proof]]:
    """What is wrong, for the numbers of axes at which most gradients are right and shapes fit.

    Where shapes alone are wrong, others at which nothing is known to be wrong are likelier. Raises SpecError where all
    of them are right for others than those of ``op``.
    """
    best, rank = None, rated(proof.decision for proof in proofs.values())
    undecided: tuple[Operator, Forward] | None = None
    for other, read in pair.operators(most=OTHER_RANKS if rank.misfits else OTHER_FORWARDS):
        fewer = numbered(other.inputs) and not numbered(op.inputs)  # a length of 1 makes a forgotten sum right
        if [len(t.axes) for t in other.inputs] == [len(t.axes) for t in op.inputs] or fewer:
            continue
        known, holds = _judged(pair, other, read)
        if holds:
            raise SeveralRanksError(which_axes(read, other, op))
        if known and (mine := rated(one.decision for one in known.values())).better(rank):
            best, rank = (other, read), mine
        if holds is None and undecided is None:
            undecided = other, read
    if best is None and all(
        one.holds is not False or ((c := one.counterexample) and c.mismatch) for one in proofs.values()
    ):
        best = undecided
    if best is not None:
        return best[0], proofs_of(*pair.results(*best), explain)
    return op, proofs


def _steep(pair: Pair, op: Operator, read: Forward, proofs: Proofs[Proof]) -> Proofs[Proof]:
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


def _judged(pair: Pair, op: Operator, read: Forward) -> tuple[dict[str, Decided], bool | None]:
    """What is decided for a further number of axes, nothing where one never fits, and whether all is right."""
    with suppress(SymconvError):
        reading, found = pair.results(op, read)
        known = _fitting(reading, found) or {}
        if not known or any(not one.decision.wrong.empty for one in known.values()):
            return known, False
        return known, _steep(pair, op, read, proofs_of(reading, found, False, known)).holds
    return {}, False


def _as_likely(pair: Pair, explain: bool) -> tuple[Operator, Proofs[Proof]]:
    """The proofs for the first numbers of axes at which all results may fit; where there are none, for the first."""
    unfit, problem, outside, asked = list[tuple[Operator, Forward]](), None, None, ""
    for op, read in pair.operators():
        try:
            reading, found = pair.results(op, read)
            known = _fitting(reading, found)
            proofs = proofs_of(reading, found, explain, known) if known is not None else None
            if outside and (proofs is None or (proofs.holds is False and _misfits(proofs))):
                continue  # of likelier numbers of axes the code is not read: that it raises an error here is no answer
            if proofs is not None:
                asked = next((which_axes(read, op, one) for one, _ in unfit if number_alone(op, one)), "")
                if proofs.holds and asked:
                    break
                return op, proofs
            unfit.append((op, read))
        except SymconvError as refused:
            if UNTOLD in str(refused):
                raise  # with no number of axes it is told
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


def _fitting(reading: Reading, found: dict[str, Any]) -> dict[str, Decided] | None:
    """What is decided of each result; None as soon as one has the shape of its tensor for no sizes.

    Those of few axes come first, biases and weights before the input: they show soonest that the tensors are meant to
    have other numbers of axes.
    """
    known: dict[str, Decided] = {}
    problems: dict[str, SymconvError] = {}
    order = [*reversed(found)]
    order.sort(key=lambda name: len(reading.op.input(name).axes))
    for tensor in order:
        try:
            known[tensor] = decided_of(reading, tensor, found[tensor])
        except SymconvError as problem:
            problems[tensor] = problem
            continue
        if not known[tensor].fits:
            return None
    if problems:
        raise next(problems[tensor] for tensor in found if tensor in problems)
    return known
