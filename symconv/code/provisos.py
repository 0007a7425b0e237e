"""What gradients are told under: labels of one kind, states of one shape, numbers that count as 0."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from symconv.code.gradients.supposed import lengths_supposed
from symconv.code.likely import UnprovedError
from symconv.code.pair import Pair
from symconv.code.proofs import Proofs
from symconv.code.source.guards import guards_of
from symconv.code.source.labels import labels_in, perhaps_rows
from symconv.code.source.program import Program
from symconv.code.source.states import states_of
from symconv.errors import SymconvError
from symconv.notation.operator import Operator
from symconv.prove.proof import UNASKED, Proof

__all__ = ["LABELS", "ROWS", "decided_under", "kinds_of_labels", "with_lengths", "with_states"]

LABELS, ROWS = "labels", "one-hot rows"


def kinds_of_labels(source: Program, forward: ast.FunctionDef, backward: ast.FunctionDef) -> list[dict[str, str]]:
    """What labels may be given as: where a function takes one-hot rows too, it is looked at with both."""
    names = labels_in(forward, functions=source.callees) & perhaps_rows(forward, source.callees)
    return [dict.fromkeys(names, LABELS), dict.fromkeys(names, ROWS)] if names else [{}]


def decided_under(
    pair: Pair, explain: bool, decide: Callable[[Pair, bool], tuple[Operator, Proofs[Proof]]],
    plainly: Callable[[Pair, bool], tuple[Operator, Proofs[Proof]]],
    proved: Callable[[Pair, bool], tuple[Operator, Proofs[Proof]]],
) -> tuple[Operator, Proofs[Proof]]:  # fmt: skip
    """The proofs and what they are told under: if need be, that numbers which only keep logarithms finite are 0.

    With such numbers it is first looked ``plainly``, at the likely meaning alone; ``proved`` does so as far as all is
    right.
    """
    guards = guards_of(pair.source, pair.forward, pair.backward)
    if guards is None:
        op, proofs = decide(pair, explain)
        return op, _under(proofs, *_unused(pair))
    such = replace(pair, source=guards.program, forward=guards.forward, backward=guards.backward)
    refused: SymconvError | None = None
    try:
        op, proofs = proved(pair, False)
        if proofs.holds:
            return op, _under(proofs, *_unused(pair))
    except UnprovedError:
        pass
    except SymconvError as problem:
        refused = problem

    def answers_as(found: bool | None) -> bool:
        try:
            return plainly(pair, False)[1].holds == found
        except SymconvError:
            return True

    with suppress(SymconvError):
        other, found = decide(such, explain)
        if found.holds or refused or answers_as(found.holds):
            return other, _under(found, guards.words, *_unused(pair))
    if refused:
        raise refused
    op, proofs = decide(pair, explain)
    return op, _under(proofs, *_unused(pair))


def with_states(
    decide: Callable[[Pair, bool], tuple[Operator, Proofs[Proof]]], pair: Pair, explain: bool
) -> tuple[Operator, Proofs[Proof]]:
    """The proofs, if need be where a state has one shape before and after.

    A state that is only joined with others could have any length, and a gradient that cuts it off again has that of
    the next one; elsewhere this is looked at where shapes do not fit.
    """
    states = states_of(pair.forward)
    if states is None:
        return decide(pair, explain)
    such, unasked = replace(pair, forward=states.forward), f"{states.words}; {UNASKED}"
    if states.loose and _is_read(such):
        op, proofs = decide(such, explain)
        return op, _under(proofs, unasked)
    op, proofs = decide(pair, explain)
    wrong = {name for name, one in proofs.items() if one.holds is False}
    if any(one.decision is not None and not one.decision.unfit.empty for one in proofs.values()):
        with suppress(SymconvError):
            other, found = decide(such, explain)
            if sum(one.holds is False for one in found.values()) < len(wrong):
                told, open_ = _under(found, states.words), _under(found, unasked)
                each = {name: proofs[name] if name in proofs and proofs[name].holds else
                        told[name] if name in wrong else open_[name] for name in found}  # fmt: skip
                return other, Proofs(found.name, each, found.also, found.unread, found.numbers)
    return op, proofs


def with_lengths(
    decide: Callable[[Pair, bool], tuple[Operator, Proofs[Proof]]], pair: Pair, explain: bool
) -> tuple[Operator, Proofs[Proof]]:
    """The proofs, where lengths that the text does not make equal may differ if they hold there too.

    Else they are told under what was taken: that they are equal, or how much longer one is.
    """
    op, proofs = decide(pair, explain)
    if not (words := lengths_supposed(op)):
        return op, proofs
    found: Mapping[str, Proof] = {}
    with suppress(SymconvError):
        other, found = decide(pair.of_unequal, False)
        if found.holds and {*found} == {*proofs}:
            return other, found
    here, open_ = _under(proofs, words), _under(proofs, f"{words}; {UNASKED}")
    each = {name: here[name] if name in found and found[name].holds is False else open_[name] for name in proofs}
    right = {name: one for name, one in found.items() if one.holds and name in proofs}
    return op, Proofs(proofs.name, {**each, **right}, proofs.also, proofs.unread, proofs.numbers)


def _is_read(pair: Pair) -> bool:
    with suppress(SymconvError):
        return any(pair.operators())
    return False


def _unused(pair: Pair) -> tuple[str, ...]:
    """What the functions were taken for, and that a cotangent is 1 which the backward function does not use."""
    name = pair.unused_cotangent
    said = (pair.said,) if pair.said else ()
    return (*said, f"{name} is 1, its default, which {pair.backward.name} does not use") if name is not None else said


def _under(proofs: Proofs[Proof], *words: str) -> Proofs[Proof]:
    """The proofs, with what they are told under."""
    said = {name: replace(one, where=", and ".join(filter(None, (*words, one.where)))) for name, one in proofs.items()}
    return Proofs(proofs.name, said, proofs.also, proofs.unread, proofs.numbers)
