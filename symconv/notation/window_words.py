"""Words over a window that reductions define: ``logsumexp``, ``norm``, ``var`` and ``std``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from symconv.notation.parse import Binary, Call, Group, Name, Negate, Node, Number

__all__ = ["WORDS", "meaning"]

WORDS = ("logsumexp", "norm", "var", "std")
_TWIN = "v"


def meaning(node: Call) -> tuple[Node, Mapping[str, str]]:
    """What a word over a window stands for, and the indices that were made for it, each with the one it runs like."""
    (argument,) = node.arguments or (node,)
    match node.name:
        case "logsumexp":
            return _function("log", _reduced("sum", node, _function("exp", argument))), {}
        case "norm":
            return _function("sqrt", _reduced("sum", node, _square(argument))), {}
    # The mean is taken off before squares are summed: their difference would cancel digits.
    twins = {name: f"{name}{_TWIN}" for name in _indices(node)}
    brackets = tuple(_renamed(item, twins) for item in node.brackets or ())
    mean = Call("mean", brackets, (_renamed(argument, twins),), node.column)
    variance = _reduced("mean", node, _square(Binary("-", argument, mean, node.column)))
    return (variance if node.name == "var" else _function("sqrt", variance)), {new: old for old, new in twins.items()}


def _function(name: str, argument: Node) -> Call:
    return Call(name, None, (argument,), argument.column)


def _square(node: Node) -> Node:
    return Binary("**", node, Number("2", node.column), node.column)


def _reduced(kind: str, node: Call, body: Node) -> Call:
    return replace(node, name=kind, arguments=(body,))


def _indices(node: Call) -> list[str]:
    items = [item.left if isinstance(item, Binary) else item for item in node.brackets or ()]
    return [item.text for item in items if isinstance(item, Name)]


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    """The tree with other index names; what an inner reduction binds is renamed with it, which changes nothing."""
    match node:
        case Name(text):
            return replace(node, text=names.get(text, text))
        case Negate(operand):
            return replace(node, operand=_renamed(operand, names))
        case Binary(_, left, right):
            return replace(node, left=_renamed(left, names), right=_renamed(right, names))
        case Group(items):
            return replace(node, items=tuple(_renamed(item, names) for item in items))
        case Call(_, brackets, arguments):
            first, second = (
                None if one is None else tuple(_renamed(item, names) for item in one) for one in (brackets, arguments)
            )
            return replace(node, brackets=first, arguments=second)
    return node
