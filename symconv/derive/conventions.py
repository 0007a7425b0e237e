"""The slope of every function SymPy does not differentiate for us, read off the table of the notation.

Each answer is ``∂f/∂argument`` as an expression over the arguments; where a kink has choices, the first is the default.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from symconv.errors import DerivationError
from symconv.notation.body import scalar_expression
from symconv.notation.expr import Apply, Expr, Read, transform
from symconv.notation.functions import ARGUMENTS, TABLE, Kink
from symconv.notation.parse import parse_expression

__all__ = ["SENTENCES", "in_arguments", "sentence", "step"]

SENTENCES: dict[tuple[str, str], str] = {
    (name, kink.choice): kink.sentence for name, entry in TABLE.items() for kink in entry.kinks
}
"""What each convention says, as derivations print it."""


def sentence(function: str, choice: str | None) -> str | None:
    """The convention in force for a function, in words; None for a smooth one."""
    kink = _chosen(function, choice)
    return kink.sentence if kink else None


def _chosen(function: str, choice: str | None) -> Kink | None:
    kinks = TABLE[function].kinks if function in TABLE else ()
    return next((kink for kink in kinks if kink.choice == choice), kinks[0] if kinks else None)


def step(function: str, choice: str, position: int, arguments: tuple[Any, ...]) -> Any:
    """``∂function/∂argument[position]``; raises DerivationError for a function without an entry."""
    entry, kink = TABLE.get(function), _chosen(function, choice)
    slopes = kink.slopes if kink else entry.slopes if entry else ()
    if position >= len(slopes):
        raise DerivationError(f"no derivative of {function} is known")
    named = dict(zip(ARGUMENTS, arguments, strict=False))
    return transform(
        in_arguments(slopes[position]), lambda node: named[node.tensor] if isinstance(node, Read) else None
    )


@cache
def in_arguments(slope: str) -> Expr:
    """A text of the table as an expression that reads the arguments ``u``, ``v``, ``w``.

    >>> in_arguments("u*v").function
    'mul'
    """
    names: dict[str, Expr] = {**{name: Read(name, ()) for name in ARGUMENTS}, "pi": Apply("pi", ())}
    return scalar_expression(slope, parse_expression(slope), names, {}, internal=True)
