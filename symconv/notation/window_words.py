"""Words over a window that reductions define: ``logsumexp``, ``norm``, ``var``, ``std``, ``softmax``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from symconv.notation.tree import Binary, Call, Name, Node, Number, put

__all__ = ["NORMALISED", "WORDS", "meaning"]

NORMALISED = ("softmax", "log_softmax")
"""Words whose value is one for each tap: their indices are those of what they stand in."""
WORDS = ("logsumexp", "norm", "var", "std", *NORMALISED)
_TWIN = "v"


def meaning(node: Call, own: Sequence[str], conditions: Sequence[Node]) -> tuple[Node, Mapping[str, str]]:
    """What a word over a window stands for, and the indices that were made for it, each with the one it runs like;
    ``own`` are the indices that the word runs over, under ``conditions``."""
    (argument,) = node.arguments or (node,)
    match node.name:
        case "logsumexp":
            return _function("log", _reduced("sum", node, _function("exp", argument))), {}
        case "norm":
            return _function("sqrt", _reduced("sum", node, _square(argument))), {}
    # The mean is taken off before squares are summed: their difference would cancel digits.
    twins = {name: f"{name}{_TWIN}" for name in own}
    names = {old: Name(new, node.column) for old, new in twins.items()}
    brackets = tuple(put(item, names) for item in node.brackets or ())
    twin = put(argument, names)
    back = {new: old for old, new in twins.items()}
    if node.name in NORMALISED:
        total = Call("sum", brackets, (_function("exp", twin),), node.column)
        if node.name == "softmax":
            return _within(conditions, Binary("/", _function("exp", argument), total, node.column)), back
        return Binary("-", argument, _function("log", total), node.column), back
    mean = Call("mean", brackets, (twin,), node.column)
    variance = _reduced("mean", node, _square(Binary("-", argument, mean, node.column)))
    return (variance if node.name == "var" else _function("sqrt", variance)), back


def _within(conditions: Sequence[Node], value: Node) -> Node:
    """The value where the conditions hold, as in ``softmax[j<=i]``, and 0 where they do not."""
    for one in conditions:
        value = Call("where", None, (one, value, Number("0", one.column)), one.column)
    return value


def _function(name: str, argument: Node) -> Call:
    return Call(name, None, (argument,), argument.column)


def _square(node: Node) -> Node:
    return Binary("**", node, Number("2", node.column), node.column)


def _reduced(kind: str, node: Call, body: Node) -> Call:
    return replace(node, name=kind, arguments=(body,))
