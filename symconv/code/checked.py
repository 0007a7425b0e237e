"""``check``: forward and backward of one text; the forward says what the gradients are of."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field, replace
from itertools import islice, tee
from pathlib import Path
from typing import Any

from symconv.code.distributions import perhaps_targets, summing_to_one, targets_of
from symconv.code.gradients.backward import Reading
from symconv.code.gradients.formula import numbered
from symconv.code.gradients.forward import Forward
from symconv.code.gradients.operators import operators_of
from symconv.code.gradients.results import ordered_results
from symconv.code.gradients.roles import packed
from symconv.code.proofs import Decided, Proofs, decided_of, proofs_of
from symconv.code.settings import settings_of
from symconv.code.several_ranks import rated, which_axes
from symconv.code.source.declared import declared_names
from symconv.code.source.drawn import with_drawn
from symconv.code.source.pairs import is_derivative, is_loss, pair_of
from symconv.code.source.program import Program, program, read_text
from symconv.code.source.signatures import parameters
from symconv.code.ties import with_shared_ties, without_ties
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
    forward = forward if is_loss(forward, backward) else with_drawn(forward)
    first: Proofs[Proof] | None = None
    likely: Operator | None = None
    lengths = declared_names(source.initial())
    each = settings_of(forward, arguments, {*source.owned(), *lengths}, source.initial().defaulted())
    for number, settings in enumerate(each):
        try:
            op, found = _decided(_Pair(source, forward, backward, returns, settings), explain)
        except SymconvError as problem:
            if first is None:
                raise
            unread = f"with {_given(settings)} ({str(problem).splitlines()[0]})"
            first = Proofs(first.name, dict(first), first.also, (*first.unread, unread))
            continue
        if found.holds is not True:
            others = [_Pair(source, forward, backward, returns, one) for one in each[number + 1 :]]
            right: list[Mapping[str, Any]] = [*each[:number]] or [
                one.settings for one in others if _misfits(found) and _is_right(one)
            ]
            return Proofs(found.name, dict(found), found.also, found.unread, _numbers(settings, right))
        if first is None:
            first, likely = found, op
        elif likely is None or (op.statements, op.inputs) != (likely.statements, likely.inputs):
            first = Proofs(first.name, dict(first), (*first.also, f"for {op}"), first.unread)
    assert first is not None
    return first


def _given(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in settings.items())


def _numbers(settings: Mapping[str, Any], right: Sequence[Mapping[str, Any]]) -> str:
    """With which numbers what is not right was looked at, and with which it is right."""
    if not settings:
        return ""
    return f"looked at with {_given(settings)}" + "".join(f"; proved with {_given(one)}" for one in right)


def _misfits(proofs: Proofs[Proof]) -> bool:
    """Whether shapes alone are wrong: the numbers may be ones that nobody would take."""
    decisions = [proof.decision for proof in proofs.values() if proof.holds is not True]
    return all(one is not None and one.values.empty and not one.unfit.empty for one in decisions)


def _is_right(pair: _Pair) -> bool:
    with suppress(SymconvError):
        return _decided(pair, False)[1].holds is True
    return False


@dataclass(frozen=True)
class _Pair:
    """A forward and a backward function, the order of results where it is said, and the numbers of the forward one."""

    source: Program
    forward: ast.FunctionDef
    backward: ast.FunctionDef
    returns: Sequence[str] | None
    settings: Mapping[str, Any]
    read: dict[bool, Iterator[tuple[Operator, Forward]]] = field(default_factory=dict, init=False)

    def results(self, op: Operator, read: Forward) -> tuple[Reading, dict[str, Any]]:
        """The backward function for one reading of the forward one, and where its results are."""
        beside = is_loss(self.forward, self.backward)
        if beside and op.output.axes:
            raise SpecError(f"{self.forward.name} returns gradients beside a value that is no scalar")
        # A loss and its gradients are one function, with the same numbers.
        said = {name: value for name, value in read.settings.items() if name in parameters(self.backward.args)}
        given, kept = (said, None) if beside else ({}, read)
        whole = not op.several and (not op.output.axes or is_derivative(self.forward, self.backward))
        loss = beside or (whole and self.without_cotangent)
        reading = Reading(op, self.source, self.backward, given, kept, loss=loss, free=True)
        return reading, ordered_results(reading, self.forward, self.returns)

    @property
    def without_cotangent(self) -> bool:
        """Whether the backward function takes what the forward function takes or keeps alone: ``loss.backward()``."""
        taken, known = parameters(self.backward.args), {"self", *parameters(self.forward.args)}
        match self.forward.body[-1]:
            case ast.Return(ast.Tuple(items)):
                known |= {one.id for item in items for one in ast.walk(item) if isinstance(one, ast.Name)}
        plain = taken[:1] != ["ctx"] and self.backward.args.vararg is None
        return plain and all(name in known or packed(name) for name in taken)

    def operators(self, other_ties: bool = False, most: int = OTHER_RANKS) -> Iterator[tuple[Operator, Forward]]:
        """What the forward function may be, likely operators first; each is read once, however often it is asked."""
        if other_ties not in self.read:
            found = operators_of(self.source, self.forward, self.settings, other_ties, self.backward)
            (self.read[other_ties],) = tee(found, 1)
        return islice(copy(self.read[other_ties]), most)


def _decided(pair: _Pair, explain: bool) -> tuple[Operator, Proofs[Proof]]:
    """The proofs with these numbers.

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
    if proofs.holds is not True and kinked(op) and not without_ties(op):
        for other, read in pair.operators(True):
            if other.inputs != op.inputs:
                continue
            if other.statements == op.statements:
                break  # no two numbers of a maximum
            with suppress(SymconvError):
                right = proofs_of(*pair.results(other, read), False)
                if right.holds and (other.several or not any(misses(other, op, f"g{name}") for name in right)):
                    return other, right
            break
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
    pair: _Pair, op: Operator, proofs: Proofs[Proof], explain: bool
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


def _meant(pair: _Pair, op: Operator, proofs: Proofs[Proof], explain: bool) -> tuple[Operator, Proofs[Proof]]:
    """What is wrong, for the numbers of axes at which most gradients are right and shapes fit.

    Raises SpecError where all of them are right for others than those of ``op``.
    """
    best, rank = None, rated(proof.decision for proof in proofs.values())
    for other, read in pair.operators(most=OTHER_RANKS if rank.misfits else OTHER_FORWARDS):
        fewer = numbered(other.inputs) and not numbered(op.inputs)  # a length of 1 makes a forgotten sum right
        if _axes(other) == _axes(op) or fewer:
            continue
        known, right = _judged(pair, other, read)
        if right:
            raise SpecError(which_axes(read, other, op))
        if known and (mine := rated(one.decision for one in known.values())).better(rank):
            best, rank = (other, read), mine
    if best is not None:
        return best[0], proofs_of(*pair.results(*best), explain)
    return op, proofs


def _steep(pair: _Pair, op: Operator, read: Forward, proofs: Proofs[Proof]) -> Proofs[Proof]:
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


def _axes(op: Operator) -> list[int]:
    return [len(tensor.axes) for tensor in op.inputs]


def _judged(pair: _Pair, op: Operator, read: Forward) -> tuple[dict[str, Decided], bool]:
    """What is decided for a further number of axes, nothing where one never fits, and whether all is proved."""
    with suppress(SymconvError):
        reading, found = pair.results(op, read)
        known = _fitting(reading, found) or {}
        if not known or any(not one.decision.wrong.empty for one in known.values()):
            return known, False
        return known, _steep(pair, op, read, proofs_of(reading, found, False, known)).holds is True
    return {}, False


def _as_likely(pair: _Pair, explain: bool) -> tuple[Operator, Proofs[Proof]]:
    """The proofs for the first numbers of axes at which all results may fit; where there are none, for the first."""
    unfit: list[tuple[Operator, Forward]] = []
    problem: SymconvError | None = None
    for op, read in pair.operators():
        try:
            reading, found = pair.results(op, read)
            known = _fitting(reading, found)
            if known is not None:
                return op, proofs_of(reading, found, explain, known)
            unfit.append((op, read))
        except SymconvError as unread:
            if UNTOLD in str(unread):
                raise  # with no number of axes it is told
            problem = problem or unread
    for op, read in unfit:
        try:
            return op, proofs_of(*pair.results(op, read), explain)
        except SymconvError as unread:
            problem = problem or unread
    assert problem is not None
    raise problem


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
