"""Lists of lengths in a claim: ``(N, -1)``, ``x.shape``, ``x.shape[:2] + (1, 1)``."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import reduce

from symconv.prove.language.syntax import Binary, Call, Node, Number, Sliced, Span, Tuple

__all__ = ["COUNTS", "counted", "is_list", "spread"]

COUNTS = frozenset({"numel", "len"})
"""Words that are numbers made of the lengths of an array."""


def counted(word: str, array: Node, rank: int) -> Node:
    """How many elements an array has, or how long its first axis is, by its lengths."""
    lengths: list[Node] = [
        Call("size", (array, Number(Fraction(axis)))) for axis in range(rank if word == "numel" else 1)
    ]
    return reduce(lambda left, right: Binary("*", left, right), lengths) if lengths else Number(Fraction(1))


def is_list(node: Node) -> bool:
    """Whether an expression is a list of lengths."""
    match node:
        case Tuple() | Call("shape", _) | Sliced(Call("shape", _), _):
            return True
        case Binary("+", left, right):
            return is_list(left) or is_list(right)
    return False


def spread(node: Node, rank: Callable[[Node], int]) -> tuple[Node, ...]:
    """The lengths of a list, or the one length that an expression is; ``rank`` says how many axes an array has."""
    match node:
        case Tuple(items):
            return tuple(one for item in items for one in (spread(item, rank) if is_list(item) else (item,)))
        case Call("shape", (array,)):
            return tuple(Call("size", (array, Number(Fraction(axis))), (), node.at) for axis in range(rank(array)))
        case Sliced(Call("shape", _) as inner, (Span(start, stop, step),)):
            ends = [int(e.value) if isinstance(e, Number) else None for e in (start, stop, step)]
            return spread(inner, rank)[slice(*ends)]
        case Binary("+", left, right) if is_list(node):
            return (*spread(left, rank), *spread(right, rank))
    return (node,)
