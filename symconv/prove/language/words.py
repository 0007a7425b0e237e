"""Every word of the claim language: those of its core, and those that other words define."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from symconv.prove.language.defined import Defined
from symconv.prove.language.defined_diagonals import DIAGONALS
from symconv.prove.language.defined_gradients import GRADIENTS
from symconv.prove.language.defined_places import PLACES
from symconv.prove.language.defined_pools import POOLS
from symconv.prove.language.defined_sums import SUMS
from symconv.prove.language.defined_windows import WINDOWS
from symconv.prove.language.patterns import PATTERNS
from symconv.prove.language.vocabulary import FUNCTIONS, KINDS, canonical

__all__ = ["DEFINED", "IRRATIONAL", "unknown_word", "words_by_kind"]

DEFINED: Mapping[str, Defined] = {**PLACES, **SUMS, **DIAGONALS, **PATTERNS, **GRADIENTS, **POOLS, **WINDOWS}
"""The words that other words define."""

IRRATIONAL = frozenset({"softmax", "log_softmax", "logsumexp", "std", "norm"})
"""Defined words whose values at fractions are no fractions."""


def words_by_kind() -> dict[str, tuple[str, ...]]:
    """All words by what they do, as errors and the reference list them."""
    kinds = {kind: set(words) for kind, words in KINDS.items()}
    kinds["windows"] |= {*GRADIENTS, "sliding_window_view"}
    kinds["pooling and pixels"] = set(POOLS)
    kinds["places"] |= {*PLACES, *PATTERNS, *DIAGONALS}
    kinds["sums and products"] |= set(SUMS)
    return {kind: tuple(sorted(words)) for kind, words in kinds.items()}


def unknown_word(name: str) -> str | None:
    """Why there is no such function, with the nearest word and all of them by kind; None where there is one.

    >>> unknown_word("conv2")[:60]
    "there is no function 'conv2' in a claim; did you mean 'conv'"
    """
    if canonical(name) in {*FUNCTIONS, *DEFINED}:
        return None
    near = difflib.get_close_matches(name, [*FUNCTIONS, *DEFINED], 1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    kinds = "; ".join(f"{kind}: {', '.join(words)}" for kind, words in words_by_kind().items())
    return f"there is no function {name!r} in a claim{hint} There are {kinds}"
