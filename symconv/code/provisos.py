"""What gradients are told under: labels of one kind, numbers that count as 0, a cotangent that is 1."""

from __future__ import annotations

import ast
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from symconv.code.pair import Pair
from symconv.code.proofs import Proofs
from symconv.code.source.guards import guards_of
from symconv.code.source.labels import labels_in, perhaps_rows
from symconv.code.source.pairs import is_loss
from symconv.code.source.program import Program
from symconv.errors import SymconvError
from symconv.notation.operator import Operator
from symconv.prove.proof import Proof

__all__ = ["LABELS", "ROWS", "decided_under", "kinds_of_labels"]

LABELS, ROWS = "labels", "one-hot rows"


def kinds_of_labels(source: Program, forward: ast.FunctionDef, backward: ast.FunctionDef) -> list[dict[str, str]]:
    """What labels may be given as: where a function takes one-hot rows too, it is looked at with both."""
    if is_loss(forward, backward):
        return [{}]
    names = labels_in(forward, functions=source.callees) & perhaps_rows(forward, source.callees)
    return [dict.fromkeys(names, LABELS), dict.fromkeys(names, ROWS)] if names else [{}]


def decided_under(
    pair: Pair, explain: bool, decide: Callable[[Pair, bool], tuple[Operator, Proofs[Proof]]],
    plainly: Callable[[Pair, bool], tuple[Operator, Proofs[Proof]]],
) -> tuple[Operator, Proofs[Proof]]:  # fmt: skip
    """The proofs and what they are told under: if need be, that numbers which only keep logarithms finite are 0.

    With such numbers it is first looked ``plainly``, at the likely meaning alone.
    """
    guards = guards_of(pair.source, pair.forward, pair.backward)
    op, proofs = decide(pair, explain) if guards is None else plainly(pair, False)
    if proofs.holds is not True and guards is not None:
        such = replace(pair, source=guards.program, forward=guards.forward, backward=guards.backward)
        with suppress(SymconvError):
            other, found = decide(such, explain)
            if found.holds or found.holds == proofs.holds:
                return other, _under(found, guards.words, *_unused(pair))
        op, proofs = decide(pair, explain)
    return op, _under(proofs, *_unused(pair))


def _unused(pair: Pair) -> tuple[str, ...]:
    """What the functions were taken for, and that a cotangent is 1 which the backward function does not use."""
    name = pair.unused_cotangent
    said = (pair.said,) if pair.said else ()
    return (*said, f"{name} is 1, its default, which {pair.backward.name} does not use") if name is not None else said


def _under(proofs: Proofs[Proof], *words: str) -> Proofs[Proof]:
    """The proofs, with what they are told under."""
    said = {name: replace(one, where=", and ".join(filter(None, (*words, one.where)))) for name, one in proofs.items()}
    return Proofs(proofs.name, said, proofs.also, proofs.unread, proofs.numbers)
