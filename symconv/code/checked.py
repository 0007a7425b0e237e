"""``check``: forward and backward of one text; the forward says what the gradients are of."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from symconv.code.distributions import perhaps_targets, summing_to_one, targets_of
from symconv.code.gradients.formula import numbered
from symconv.code.gradients.forward import Forward, described
from symconv.code.likely import as_likely, beside_rows, judged, misfits, steep
from symconv.code.over_time import by_one_step, in_any_sequence
from symconv.code.pair import Pair
from symconv.code.proofs import Proofs, proofs_of
from symconv.code.provisos import ROWS, decided_under, kinds_of_labels, with_lengths, with_states
from symconv.code.settings import settings_of
from symconv.code.several_modes import Looked, not_all_right, said
from symconv.code.several_ranks import SeveralRanksError, rated, summed_alone, unlikely, which_axes
from symconv.code.source.declared import declared_names
from symconv.code.source.drawn import with_drawn
from symconv.code.source.held_gradients import called_methods, with_gradients
from symconv.code.source.labels import NO_CLASSES
from symconv.code.source.modes import modes_of, with_modes
from symconv.code.source.over_time import over_time
from symconv.code.source.pairs import is_loss, loss_of, pair_of
from symconv.code.source.program import Program, program, read_text
from symconv.code.source.sample_losses import of_prediction
from symconv.code.source.sequences import in_sequence
from symconv.code.source.short_steps import ShortSteps
from symconv.code.source.signatures import positional
from symconv.code.ties import of_other_ties, with_shared_ties
from symconv.errors import SpecError, SymconvError
from symconv.limits import OTHER_FORWARDS, OTHER_RANKS
from symconv.notation.operator import Operator
from symconv.prove.explain.smooth import misses
from symconv.prove.language.labels import is_selector
from symconv.prove.proof import Proof

__all__ = ["check_code"]

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
    if returns is None and (name or not source.classes) and (sequence := in_sequence(source, name)) is not None:
        return in_any_sequence(
            sequence, lambda node, told: _read(source, *loss_of(source, node), arguments, None, told), explain
        )
    source, forward, backward = pair_of(source, name)
    forward, backward, said = of_prediction(source.classes, source.owner, forward, backward)
    if (steps := over_time(forward, backward, source.callees)) is not None and returns is None:
        step = steps
        names: Mapping[str, str] = {}
        with suppress(SymconvError):
            names = described(source, steps.forward, arguments or {}).tensors
            step = steps.called(names)
        return by_one_step(
            step,
            lambda: _read(source, step.forward, step.backward, arguments, step.returns, explain),
            lambda: _read(source, forward, backward, arguments, returns, explain, said),
            lambda one: _of_few_steps(source, one, names, arguments, explain),
        )
    return _read(source, forward, backward, arguments, returns, explain, said)


def _of_few_steps(source: Program, one: ShortSteps, names: Mapping[str, str],
                  arguments: Mapping[str, Any] | None, explain: bool) -> tuple[ShortSteps, Proofs[Proof]]:  # fmt: skip
    """The proofs of functions with so many steps, and what their gradients are parts of."""
    short = one.called(described(source, one.forward, arguments or {}).tensors, names)
    return short, _read(source, short.forward, short.backward, arguments, short.returns, explain)


def _read(source: Program, forward: ast.FunctionDef, backward: ast.FunctionDef, arguments: Mapping[str, Any] | None,
          returns: Sequence[str] | None, explain: bool, said: str = "") -> Proofs[Proof]:  # fmt: skip
    """The proofs of two functions of a text."""
    forward = forward if is_loss(forward, backward) else with_drawn(forward)
    lengths = declared_names(source.initial())
    known = {*source.owned(), *lengths, *with_gradients(source, called_methods(source, forward))}
    each = settings_of(forward, arguments, known, source.initial())
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
    none = [one.pair.modes for one in each if isinstance(one.answer, SymconvError) and NO_CLASSES in str(one.answer)]
    if len(none) < len(each):
        # What asks labels for their classes takes rows alone.
        pairs = [one for one in pairs if one.modes not in none]
        each = [one for one in each if one.pair.modes not in none]
        modes = len(each)
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
            others = pairs[number + 1 :] if modes == 1 and not proved and misfits(found) else []
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


def _decided(pair: Pair, explain: bool) -> tuple[Operator, Proofs[Proof]]:
    """The proofs with these numbers, and what they are told under."""
    meant, likely = partial(with_lengths, _as_meant), partial(with_lengths, as_likely)
    proved = partial(with_lengths, partial(as_likely, proved=True))
    op, found = decided_under(pair, explain, partial(with_states, meant), likely, proved)
    if positional(pair.forward.args)[:1] != ["ctx"]:
        return op, found
    own = [one.name for one in op.inputs if not (is_selector(one.name) or one.name.startswith("drawn"))]
    told = tuple(f"g{name}: {found.name} returns None for it" for name in own if name not in found)
    return op, Proofs(found.name, dict(found), found.also, (*found.unread, *told), found.numbers)


def _as_meant(pair: Pair, explain: bool) -> tuple[Operator, Proofs[Proof]]:
    """The proofs of the functions as they stand.

    What a forward function leaves open does not make a gradient wrong: where the derivative goes at equal numbers of
    a maximum, and how many axes its tensors have, if with the likely ones no shape fits or an operation has no
    meaning. Where it is not right as it is likely meant, the others are tried. Raises SpecError where the gradients are
    right for another number of axes: it is asked which is meant.
    """
    targets = perhaps_targets(pair.forward, pair.source.callees)
    op, proofs = as_likely(pair, explain and not targets)
    if proofs.holds is not True and targets:
        if (found := _of_targets(pair, op, proofs, False)) is not None:
            return found
        if explain:
            op, proofs = as_likely(pair, explain)
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
        proofs = next((steep(pair, op, read, proofs) for other, read in pair.operators() if other == op), proofs)
    return _meant(pair, op, proofs, explain) if proofs.holds is False else (op, proofs)


def _of_targets(
    pair: Pair, op: Operator, proofs: Proofs[Proof], explain: bool
) -> tuple[Operator, Proofs[Proof]] | None:
    """The proofs where targets sum to 1, as one-hot rows and probabilities do, if they are right there.

    With ``explain`` also wrong ones, of functions with an edit that is right there. Else those none of which is wrong
    there: what is open where targets are what they are meant to be is open, whatever it is elsewhere.
    """
    names = targets_of(pair.forward, op, proofs)
    left: tuple[Operator, Proofs[Proof]] | None = None
    for one in summing_to_one(pair.forward, names) if names else ():
        such = replace(pair, forward=one.of(pair.forward), backward=one.of(pair.backward))
        with suppress(SymconvError):
            summed, found = as_likely(such, explain)
            for plain, _ in pair.operators() if found.holds is not False or _repaired(found) else ():
                if plain.inputs == summed.inputs and {*found} == {*proofs}:
                    told = Proofs(proofs.name, {name: one.said(plain, proof) for name, proof in found.items()})
                    if found.holds is not None:
                        return plain, told
                    left = left or (plain, told)
                    break
    return left


def _repaired(proofs: Proofs[Proof]) -> bool:
    """Whether what is wrong has an edit that is proved."""
    return any(proof.repair for proof in proofs.values())


def _meant(pair: Pair, op: Operator, proofs: Proofs[Proof], explain: bool) -> tuple[Operator, Proofs[Proof]]:
    """What is wrong, for the numbers of axes at which most gradients are right and shapes fit.

    Where shapes alone are wrong, others at which nothing is known to be wrong are likelier. Raises SpecError where all
    of them are right for others than those of ``op``.
    """
    best, rank = None, rated(proof.decision for proof in proofs.values())
    wrong = [name for name, proof in proofs.items() if proof.holds is False]
    undecided: tuple[Operator, Forward] | None = None
    others = pair.operators(most=OTHER_RANKS) if rank.misfits else pair.operators(
        most=OTHER_FORWARDS, skips=unlikely(op, [name for name, one in proofs.items() if one.holds])
    )  # fmt: skip
    for other, read in others:
        fewer = numbered(other.inputs) and not numbered(op.inputs)  # a length of 1 makes a forgotten sum right
        if _axes(other) == _axes(op) or fewer:
            continue
        known, holds = judged(pair, other, read, wrong, rank.right)
        if holds and (found := beside_rows(pair, other, explain)) is not None:
            return found
        if holds and summed_alone(op, other):
            return other, proofs_of(*pair.results(other, read), explain)
        if holds:
            raise SeveralRanksError(which_axes(read, other, op))
        if known and (mine := rated(one.decision for one in known.values())).better(rank):
            best, rank = (other, read), mine
        if holds is None and undecided is None:
            undecided = other, read
    if best is None and all(one.holds is not False or _misshapen(one) for one in proofs.values()):
        best = undecided
    if best is not None:
        return best[0], proofs_of(*pair.results(*best), explain)
    return op, proofs


def _axes(op: Operator) -> list[int]:
    return [len(tensor.axes) for tensor in op.inputs]


def _misshapen(proof: Proof) -> bool:
    """Whether a wrong gradient is so by its shape."""
    return proof.counterexample is not None and bool(proof.counterexample.mismatch)
