"""States of cells: ``a_prev`` and ``a_next`` are of one shape, whether or not the forward function needs it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass

from symconv.code.source.signatures import parameters

__all__ = ["States", "states_of"]

_BEFORE = re.compile(r"(?:prev|old)_(\w+)|(\w+)_(?:prev|old)")
_AFTER = "next_{0}", "{0}_next", "new_{0}", "{0}_new"
_HIDDEN = frozenset({"h", "c", "s"})
"""States whose next one may be called without more; a layer's ``A`` is of another shape than its ``A_prev``."""
_JOINING = frozenset({"concatenate", "concat", "cat", "hstack", "vstack", "row_stack", "column_stack"})
_KEEPING = frozenset({"save_for_backward"})


@dataclass(frozen=True)
class States:
    """A forward function that asserts its states to be of one shape, and ``words`` that say so.

    They are ``loose`` where they are joined with others alone, which fits whatever their length is.
    """

    forward: ast.FunctionDef
    words: str
    loose: bool


def states_of(forward: ast.FunctionDef) -> States | None:
    """The states that a cell takes and computes, those that are loose where some are; None where it has none."""
    pairs = [*_pairs(forward)] if isinstance(forward.body[-1], ast.Return) else []
    loose = [two for two in pairs if _is_loose(forward, two[0])]
    if not pairs:
        return None
    text = "\n".join(f"assert {before}.shape == {after}.shape" for before, after in loose or pairs)
    put = ast.parse(text).body
    for one in (part for node in put for part in ast.walk(node)):
        if isinstance(one, ast.stmt | ast.expr):
            ast.copy_location(one, forward.body[-1])
    other = copy(forward)
    other.body = [*forward.body[:-1], *put, forward.body[-1]]
    words = (f"{before} and {after} have one shape, as states have" for before, after in loose or pairs)
    return States(other, ", ".join(words), bool(loose))


def _pairs(forward: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """The parameters that are states, each with the variable that is bound once to its next value."""
    nodes = [*ast.walk(forward)]
    stored = [one.id for one in nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
    bound = {name.id for one in forward.body if isinstance(one, ast.Assign)
             for name in one.targets if isinstance(name, ast.Name) and stored.count(name.id) == 1}  # fmt: skip
    for before in parameters(forward.args):
        if (found := _BEFORE.fullmatch(before)) is not None and before not in stored:
            state = found[1] or found[2]
            words = [one.format(state) for one in _AFTER] + [state] * (state in _HIDDEN)
            yield from ((before, after) for after in words if after in bound)


def _is_loose(forward: ast.FunctionDef, name: str) -> bool:
    """Whether an array is joined with others, and nothing else is done with it."""
    joined = False
    for one in ast.walk(forward):
        match one:
            case ast.Call(ast.Attribute(_, word) | ast.Name(word), arguments) if word in _JOINING | _KEEPING:
                joined |= word in _JOINING and any(_among(part, name) for part in arguments)
            case ast.Call(_, arguments) if any(isinstance(part, ast.Name) and part.id == name for part in arguments):
                return False
            case ast.BinOp(left, _, right) if any(isinstance(n, ast.Name) and n.id == name for n in (left, right)):
                return False
    return joined


def _among(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Tuple | ast.List) and any(isinstance(n, ast.Name) and n.id == name for n in node.elts)
