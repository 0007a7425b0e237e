"""Forward functions whose parts of a ``chunk`` meet element by element, so that they are meant to be equally long."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from symconv.code.source.program import Program

__all__ = ["halved"]

_MEETING = frozenset({
    "cat", "concat", "concatenate", "stack", "hstack", "vstack", "einsum", "outer", "kron", "sum", "mean", "amax",
    "max", "min", "amin", "tensordot", "norm", "pad", "prod", "var", "std", "softmax", "logsumexp", "shape", "size",
})  # fmt: skip
"""Words with which parts of other lengths may meet, or that ask for their lengths."""


def halved(program: Program, node: ast.FunctionDef) -> bool:
    """Whether parts of a chunk meet element by element, which asks that they are equal: joined or summed they are not.

    Functions of the text itself and several outputs are left out: parts may meet there in other ways.
    """
    parts = [*ast.walk(node)]
    words = {one.attr for one in parts if isinstance(one, ast.Attribute)}
    called = {one.func.id for one in parts if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)}
    several = any(isinstance(one, ast.Return) and isinstance(one.value, ast.Tuple) for one in parts)
    if "chunk" not in words or words & _MEETING or called & program.functions.keys() or several:
        return False
    return all(_meet(parts, [_made_of(parts, name) for name in names]) for names in _cut(parts))


def _cut(parts: Sequence[ast.AST]) -> Iterator[list[str]]:
    """The names that are given to the parts of each chunk."""
    for node in parts:
        match node:
            case ast.Assign([ast.Tuple(items)], ast.Call(ast.Attribute(_, "chunk"))):
                yield [one.id for one in items if isinstance(one, ast.Name)]


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
