"""Names in expressions of claims: which are said, and others in their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from symconv.prove.language.syntax import Each, Name, Node, Reduction, Sliced, Span, children, rebuild, walk
from symconv.prove.language.syntax import Tuple as Several

__all__ = ["renamed", "said", "said_of"]


def renamed(node: Node, names: Mapping[str, str | Node]) -> Node:
    """The expression with other names, or what they stand for in their place, in subscripts and conditions too.

    Indices of a reduction, and of a list for each number, keep theirs.
    """

    def inner(one: Node | None) -> Node | None:
        return None if one is None else renamed(one, names)

    match node:
        case Name(name):
            put = names.get(name, name)
            return replace(node, name=put) if isinstance(put, str) else replace(put, at=node.at)
        case Sliced(value, items):
            new = tuple(
                replace(item, start=inner(item.start), stop=inner(item.stop), step=inner(item.step))
                if isinstance(item, Span)
                else replace(item, value=inner(item.value))
                for item in items
            )
            return replace(node, value=renamed(value, names), items=new)
        case Reduction(_, indices, where, body):
            names = {old: new for old, new in names.items() if old not in indices}
            return replace(node, where=tuple(renamed(one, names) for one in where), body=renamed(body, names))
        case Each(_, name):
            inside = {old: new for old, new in names.items() if old != name}
            first, *ends = children(node)
            asked = [renamed(one, inside) for one in ends[3:]]
            return rebuild(node, (renamed(first, inside), *(renamed(one, names) for one in ends[:3]), *asked))
    return rebuild(node, tuple(renamed(child, names) for child in children(node)))


def said(node: Node) -> Iterator[str]:
    """Every name of an expression, those in subscripts and conditions too."""
    for one in walk(node):
        match one:
            case Name(name):
                yield name
            case Sliced(_, items):
                for item in items:
                    inner = (item.start, item.stop, item.step) if isinstance(item, Span) else (item.value,)
                    yield from (name for part in inner if part is not None for name in said(part))
            case Reduction():
                yield from (name for part in one.where for name in said(part))


def said_of(items: Iterable[Node]) -> Iterator[str]:
    """The names that stand alone in a list, or in a list of lists."""
    for item in items:
        match item:
            case Name(name):
                yield name
            case Several(inner):
                yield from said_of(inner)
