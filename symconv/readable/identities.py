"""Which formula a gradient is: tried on small integers first, then proved for all sizes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from symconv.code.proofs import prove_code
from symconv.errors import SpecError, SymconvError
from symconv.gather.derivation import Derivation
from symconv.notation.operator import Operator
from symconv.prove.concrete.counterexample import drawn
from symconv.prove.concrete.enclosure import NoValueError
from symconv.prove.concrete.evaluate import Misfit, evaluate
from symconv.prove.concrete.sides import Array, truth_of
from symconv.prove.language.parse import parse_claim
from symconv.prove.proof import prove
from symconv.readable.candidates import Candidate, backward_words, candidates
from symconv.readable.words import Words
from symconv.verify.geometry import geometries

__all__ = ["identity"]

_TRIALS = 3
_CELLS = 300
"""Most cells of an array of a trial: candidates are many, and most are wrong at the smallest sizes."""
_PROOFS = 4
"""Candidates that pass every trial are seldom wrong: more than these are not tried."""


def identity(derivation: Derivation, words: Words) -> Candidate | None:
    """The plainest formula that is proved to be the gradient, or the forward value, for all sizes."""
    op, side = derivation.stated, derivation.operator.output.name
    wanted = f"g{derivation.wrt}" if derivation.wrt else op.output.name
    if side != wanted:
        return None
    found = list(candidates(derivation, words))
    trials = list(_trials(op, side)) if found else []
    passed = [one for one in found if all(_agrees(op, side, one, *trial) for trial in trials)]
    claimed = next((one for one in passed[:_PROOFS] if _proved(op, f"{side} = {one.claim}")), None)
    return claimed or next((one for one in backward_words(derivation) if _proved_code(derivation, one)), None)


def _proved_code(derivation: Derivation, one: Candidate) -> bool:
    """Whether a call that has no word in claims is proved as code."""
    text = f"import torch\ndef backward({', '.join(derivation.operator.tensors)}):\n    return {one.torch}\n"
    try:
        return prove_code(derivation.stated, text, None, None, (derivation.wrt,), False).holds is True
    except SymconvError:
        return False


def _trials(op: Operator, side: str) -> Iterator[tuple[dict[str, Array], Array]]:
    """Small integers with the true value, at a few sizes, none of them empty."""
    count = 0
    for seed, shapes in enumerate(geometries(op, 24, 0)):
        arrays = {name: array.astype(np.float64) for name, array in drawn(op, shapes, seed).items()}
        if count < _TRIALS and all(0 < array.size < _CELLS for array in arrays.values()):
            count += 1
            yield arrays, truth_of(op, side, arrays)


def _agrees(op: Operator, side: str, one: Candidate, arrays: dict[str, Array], want: Array) -> bool:
    try:
        got = evaluate(parse_claim(f"{side} = {one.claim}"), op, arrays)
    except (Misfit, NoValueError, SpecError):
        return False
    return got.shape == want.shape and np.array_equal(got.astype(np.float64), want)


def _proved(op: Operator, claim: str) -> bool:
    try:
        return prove(op, claim, explain=False).holds is True
    except SymconvError:
        return False
