"""The trees of the text notation, and names replaced in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

__all__ = ["Binary", "Call", "Equation", "Group", "Name", "Negate", "Node", "Number", "children", "nodes", "put"]


@dataclass(frozen=True, slots=True)
class Number:
    """A literal, kept as text so that no digit is lost."""

    text: str
    column: int


@dataclass(frozen=True, slots=True)
class Name:
    """A bare name: an index, a parameter or a tensor without axes."""

    text: str
    column: int


@dataclass(frozen=True, slots=True)
class Group:
    """A parenthesised list of two or more: a merged axis."""

    items: tuple[Node, ...]
    column: int


@dataclass(frozen=True, slots=True)
class Negate:
    """A minus sign."""

    operand: Node
    column: int


@dataclass(frozen=True, slots=True)
class Binary:
    """``left operator right``; ``operator`` is + - * / // ** or a comparison."""

    operator: str
    left: Node
    right: Node
    column: int


@dataclass(frozen=True, slots=True)
class Call:
    """``name[brackets](arguments)``: a read (no arguments), a function (no brackets) or a reduction (both)."""

    name: str
    brackets: tuple[Node, ...] | None
    arguments: tuple[Node, ...] | None
    column: int


Node = Number | Name | Group | Negate | Binary | Call


@dataclass(frozen=True, slots=True)
class Equation:
    """``target = body`` with the text it came from."""

    target: Call
    body: Node
    source: str


def children(node: Node) -> tuple[Node, ...]:
    """The direct parts of a tree."""
    match node:
        case Negate(operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case Group(items):
            return items
        case Call(_, brackets, arguments):
            return (*(brackets or ()), *(arguments or ()))
    return ()


def nodes(node: Node) -> Iterator[Node]:
    """A tree and everything below it, in reading order."""
    yield node
    for child in children(node):
        yield from nodes(child)


def put(node: Node, names: Mapping[str, Node]) -> Node:
    """The tree with names replaced; what an inner reduction binds is replaced with them.

    >>> put(Binary("+", Name("p", 0), Number("1", 4), 2), {"p": Name("q", 0)}).left.text
    'q'
    """
    match node:
        case Name(text):
            return names.get(text, node)
        case Negate(operand):
            return replace(node, operand=put(operand, names))
        case Binary(_, left, right):
            return replace(node, left=put(left, names), right=put(right, names))
        case Group(items):
            return replace(node, items=tuple(put(item, names) for item in items))
        case Call(_, brackets, arguments):
            first, second = (
                None if one is None else tuple(put(item, names) for item in one) for one in (brackets, arguments)
            )
            return replace(node, brackets=first, arguments=second)
    return node
