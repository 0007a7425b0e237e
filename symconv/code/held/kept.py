"""Words that a formula shows as they were written: ``relu(x)``, ``where(x > 0, a, b)``, not what they are made of.

A function that becomes an operator is read with them first. What is so read is proved like any other candidate, of what
the words mean.
"""

from __future__ import annotations

from typing import Any

from symconv.code.held.boxes import array_of, boxed, numeric
from symconv.code.held.state import State
from symconv.code.values.objects import Box
from symconv.notation.functions import TABLE
from symconv.notation.grammar import COMPARISONS
from symconv.prove.meaning.atoms import is_atom
from symconv.prove.meaning.value import Value

__all__ = ["KEPT", "ends_shared", "kept", "kept_choice"]

_OTHERS = frozenset({"pow", "sqrt", "sign", "floor", "ceil"})
"""Functions with kinks that are terms or atoms anyway."""
KEPT = frozenset(COMPARISONS.values()) | {"whole"} | {
    name for name, entry in TABLE.items() if entry.written and (entry.kinks or entry.made) and name not in _OTHERS
}  # fmt: skip
"""The functions that stay; ``max:share`` is one with what is chosen at its kinks, ``whole`` a sum in parentheses."""


def kept(state: State, function: str, *given: Any) -> Box | None:
    """A function of elements as a word; None where words are read as what they are made of."""
    if not state.on.symbolic or not state.terms.keeps:
        return None
    return boxed(state, state.terms.kept(function, *(array_of(state, numeric(state, one)) for one in given)))


def kept_choice(state: State, mask: Any, new: Any, old: Any) -> Value | None:
    """``where`` as a word, of a mask of elements; None for masks of positions and of labels."""
    if not state.on.symbolic or not state.terms.keeps:
        return None
    if not any(is_atom(factor.tensor) for term in mask.terms for factor in term.factors):
        return None
    return state.terms.kept("where", mask, new, old)


def ends_shared(state: State) -> bool:
    """Whether the library of the text shares the derivative between two equal numbers of a maximum."""
    return bool({"torch", "jax"} & state.program.libraries)
