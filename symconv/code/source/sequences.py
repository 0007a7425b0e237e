"""Functions of a loss over a sequence and its gradients, whose steps are kept in dicts: ``hs[t]``, ``hs[t-1]``.

``for t in range(len(inputs))`` computes what each step keeps and adds up the loss, ``for t in reversed(...)`` carries
the gradient of the state back and adds up those of parameters. The function of one step, to whose loss what comes
later is added as ``sum(hs * later)``, decides it for sequences of any length, by induction. Written out for one element
and for two it is a function like any other, of which a wrong gradient is one of the whole.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from symconv.code.source.each_step import step_of
from symconv.code.source.loops_in_time import Refused
from symconv.code.source.over_time import changes_nothing_kept, reached
from symconv.code.source.program import Program
from symconv.code.source.signatures import parameters
from symconv.code.source.written_out import OtherFormError, bindings, parts_of, short

__all__ = ["InSequence", "in_sequence"]

_DOCUMENTED = re.compile(r"\b(\w+) is (?:an? )?([A-Za-z]+|\d+) ?[x×] ?(\d+|[A-Za-z]+)\b")
"""``hprev is Hx1 array of initial hidden state``."""


@dataclass(frozen=True)
class InSequence:
    """Functions that stand for one over a sequence.

    ``step`` is that of any step, with the gradients that come back to it as parameters; ``short`` are those of one
    element and of two. ``carried`` are what states begin with, whose gradients the steps alone return. ``words`` say
    what is left out, ``line`` is that of the loop backwards.
    """

    step: ast.FunctionDef | None
    short: tuple[ast.FunctionDef, ...]
    carried: tuple[str, ...]
    words: str
    line: int


def in_sequence(source: Program, name: str | None) -> InSequence | None:
    """The functions of steps of the one that is meant; None where there is none of this form, or several."""
    found = list[InSequence]()
    for known, node in source.functions.items():
        if name in (None, known):
            try:
                found.append(_of(source, node))
            except OtherFormError:
                continue
    return found[0] if len(found) == 1 else None


def _of(source: Program, node: ast.FunctionDef) -> InSequence:
    parts = parts_of(node)
    shapes = _shapes(source, node)
    few = tuple(short(parts, count, shapes) for count in (1, 2))
    step, carried = None, tuple[str, ...]()
    with suppress(OtherFormError, Refused):
        for one in reached(source.functions, [parts.forward, parts.backward]):
            changes_nothing_kept(one)
        step, carried = step_of(parts, shapes)
    return InSequence(step, few, carried, parts.words, parts.backward.lineno)


def _shapes(source: Program, node: ast.FunctionDef) -> dict[str, str]:
    """The shapes of arrays that are made outside of the function: those it reads, and those it is handed."""
    tree = ast.parse("\n".join(source.lines))
    own = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    reads = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} - own - {*parameters(node.args)}
    made: dict[str, list[str]] = {}
    for name, value in (two for one in _outside(tree) for two in bindings(one)):
        if (shape := _shape(value)) is not None:
            made.setdefault(name, []).append(shape)
    handed: dict[str, str] = {}
    for one in ast.walk(tree):
        match one:
            case ast.Call(ast.Name(called), given) if called == node.name:
                for name, value in zip(parameters(node.args), given, strict=False):
                    if isinstance(value, ast.Name):
                        handed[name] = value.id
    found = {name: each[0] for name, each in made.items() if name in reads and len({*each}) == 1}
    words = _DOCUMENTED.findall(ast.get_docstring(node) or "")
    said = {name: f"({rows}, {columns})" for name, rows, columns in words if name in parameters(node.args)}
    return found | said | {name: made[of][0] for name, of in handed.items() if len({*made.get(of, ())}) == 1}


def _outside(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements of a text that are in no function or class."""
    waiting: list[ast.stmt] = [*tree.body]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, ast.FunctionDef | ast.ClassDef):
            continue
        yield one
        waiting += [inner for inner in ast.iter_child_nodes(one) if isinstance(inner, ast.stmt)]


def _shape(value: ast.expr) -> str | None:
    """The shape of an array of zeros or of random numbers, maybe times a number."""
    match value:
        case ast.BinOp(left, ast.Mult() | ast.Div(), right):
            return _shape(left) or _shape(right)
        case ast.Call(ast.Attribute(ast.Attribute(_, "random"), "randn" | "rand"), lengths, []) if lengths:
            return f"({', '.join(map(ast.unparse, lengths))})"
        case ast.Call(ast.Attribute(_, "zeros" | "ones"), [ast.Tuple(lengths)]):
            return f"({', '.join(map(ast.unparse, lengths))})"
    return None
