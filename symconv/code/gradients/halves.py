"""Forward functions whose parts of a ``chunk`` are meant to be equally long: parts of it meet element by element, or
those of two arrays go together as groups of channels."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from symconv.code.source.program import Program

__all__ = ["halved"]

_MEETING = frozenset({
    "einsum", "outer", "kron", "sum", "mean", "amax", "max", "min", "amin", "tensordot", "norm", "pad", "prod", "var",
    "std", "softmax", "logsumexp", "shape", "size",
})  # fmt: skip
"""Words with which parts of other lengths may meet, or that ask for their lengths."""
_JOINING = frozenset({"cat", "concat", "concatenate", "stack", "hstack", "vstack"})
_ITERATING = frozenset({"zip", "enumerate", "reversed", "list", "tuple"})


def halved(program: Program, node: ast.FunctionDef, several: bool) -> bool:
    """Whether parts of a chunk meet element by element, which asks that they are equal: joined or summed they are not.

    Where parts are joined each has to go with one of another array, as channels go with the filters of their group.
    Functions of the text itself and ``several`` outputs are left out: parts may meet there in other ways.
    """
    parts = [*ast.walk(node)]
    words = {one.attr for one in parts if isinstance(one, ast.Attribute)}
    called = {one.func.id for one in parts if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)}
    if "chunk" not in words or words & _MEETING or called & program.functions.keys() or several:
        return False
    cut = list(_cut(parts))
    if words & _JOINING:
        return _paired(parts, [*map(set, cut), *_gone_through(parts)])
    return all(_meet(parts, [_made_of(parts, name) for name in names]) for names in cut)


def _cut(parts: Sequence[ast.AST]) -> Iterator[list[str]]:
    """The names that are given to the parts of each chunk."""
    for node in parts:
        match node:
            case ast.Assign([ast.Tuple(items)], ast.Call(ast.Attribute(_, "chunk"))):
                yield [one.id for one in items if isinstance(one, ast.Name)]


def _gone_through(parts: Sequence[ast.AST]) -> Iterator[set[str]]:
    """The names that all parts of a chunk have in turn: ``for a, b in zip(x.chunk(2, 1), ws)``."""
    lists = {name for node in parts if isinstance(node, ast.Assign) for name in _lists(node)}
    for node in parts:
        match node:
            case ast.For(ast.Tuple(names), ast.Call(ast.Name("zip"), given)) | ast.comprehension(
                ast.Tuple(names), ast.Call(ast.Name("zip"), given)
            ):
                for name, one in zip(names, given, strict=False):
                    if isinstance(name, ast.Name) and (_is_chunk(one) or getattr(one, "id", "") in lists):
                        yield {name.id}


def _lists(node: ast.Assign) -> Iterator[str]:
    """The names of all parts of a chunk together."""
    for to in node.targets:
        each: list[tuple[ast.expr, ast.expr]] = [(to, node.value)]
        if isinstance(to, ast.Tuple) and isinstance(node.value, ast.Tuple):
            each = [*zip(to.elts, node.value.elts, strict=False)]
        yield from (name.id for name, value in each if isinstance(name, ast.Name) and _is_chunk(value))


def _is_chunk(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "chunk"


def _paired(parts: Sequence[ast.AST], each: Sequence[set[str]]) -> bool:
    """Whether parts of every chunk go into an operation with parts of another one."""
    chunks = sum(isinstance(node, ast.expr) and _is_chunk(node) for node in parts)
    operations = [_named(one) for one in parts if _combines(one)]

    def pair(own: set[str], other: set[str]) -> bool:
        return own is not other and any(names & own and names & other for names in operations)

    return chunks == len(each) > 1 and all(any(pair(own, other) for other in each) for own in each)


def _combines(node: ast.AST) -> bool:
    """Whether it computes something of arrays, and does not only put them side by side."""
    match node:
        case ast.Call(ast.Name(word) | ast.Attribute(_, word)):
            return word not in _JOINING | _ITERATING
    return isinstance(node, ast.BinOp)


def _made_of(parts: Sequence[ast.AST], name: str) -> set[str]:
    """A name and those of what is made of it."""
    found, count = {name}, 0
    while count < len(found):
        count = len(found)
        for node in parts:
            if isinstance(node, ast.Assign) and _named(node.value) & found:
                found |= set().union(*map(_named, node.targets))
    return found


def _meet(parts: Sequence[ast.AST], each: Sequence[set[str]]) -> bool:
    """Whether an operation has something of every part."""
    operations = (_named(one) for one in parts if isinstance(one, ast.BinOp | ast.Call))
    return any(all(names & own for own in each) for names in operations)


def _named(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
