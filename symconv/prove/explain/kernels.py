"""A kernel turned around, and its channels exchanged: what two such edits undo is taken away, never written twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from symconv.prove.language.syntax import Call, Node, Number

__all__ = ["reversed_taps", "swapped"]

_CHANNELS = (Number(Fraction(0)), Number(Fraction(1)))


def swapped(node: Node) -> Node:
    """The node with batch and channels exchanged."""
    return _undone(node, _is_swap) or Call("swap", (node, *_CHANNELS))


def reversed_taps(node: Node) -> Node:
    """The node with its window turned around."""
    return _undone(node, _is_flip) or Call("flip", (node,))


def _is_swap(call: Call) -> bool:
    return call.function == "swap" and call.arguments[1:] == _CHANNELS


def _is_flip(call: Call) -> bool:
    return call.function in {"flip", "rot180"} and len(call.arguments) == 1 and not call.named


def _undone(node: Node, wanted: Callable[[Call], bool]) -> Node | None:
    """The node without the outermost such call among its flips and swaps, which commute; None where there is none."""
    if not isinstance(node, Call) or not (_is_flip(node) or _is_swap(node)):
        return None
    inner, *rest = node.arguments
    if wanted(node):
        return inner
    bare = _undone(inner, wanted)
    return None if bare is None else replace(node, arguments=(bare, *rest))
