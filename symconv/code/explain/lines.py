"""The line that a proof or an edit speaks of, and its text."""

from __future__ import annotations

import ast
import re
from typing import Any

from symconv.code.gradients.backward import Reading
from symconv.prove.proof import Proof

__all__ = ["line_named", "line_of", "made", "stopped"]

_LINE = re.compile(r"^line (\d+): ")


def line_named(sentence: str) -> int:
    """The line that a sentence begins with, or 0.

    >>> line_named("line 4: (0, 1) is put where (1, 1) is"), line_named("a sum over c")
    (4, 0)
    """
    found = _LINE.match(sentence)
    return int(found.group(1)) if found else 0


def stopped(proof: Proof) -> str:
    """What does not fit in a line, so that there is no result where the proof says that it fails; else empty."""
    sentences = proof.decision.misfits if proof.decision is not None else ()
    mismatch = proof.counterexample.mismatch if proof.counterexample is not None else ""
    if not mismatch and proof.mismatched_when != proof.fails_when:
        return ""
    return next(filter(line_named, (mismatch, *sentences)), "")


def line_of(node: ast.FunctionDef, before: ast.FunctionDef, line: int) -> str:
    """The statement of an edited function that starts at a line, as text."""
    best: ast.stmt | None = None
    for one in ast.walk(node):
        if not isinstance(one, ast.stmt) or one is node or not one.lineno <= line <= (one.end_lineno or one.lineno):
            continue
        if best is None or one.lineno >= best.lineno:
            best = one
    if best is None:
        return ""
    whole = _with_the_others(best, before)
    if isinstance(whole, ast.Return) and isinstance(whole.value, ast.Tuple):
        return f"return {', '.join(map(ast.unparse, whole.value.elts))}"
    return ast.unparse(whole).splitlines()[0]


def _with_the_others(node: ast.stmt, before: ast.FunctionDef) -> ast.stmt:
    """A ``return`` with the results that were left out."""
    if not (isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple)):
        return node
    for old in ast.walk(before):
        if isinstance(old, ast.Return) and isinstance(old.value, ast.Tuple) and old.lineno == node.lineno:
            pairs = zip(node.value.elts, old.value.elts, strict=False)
            items = [b if isinstance(a, ast.Constant) and a.value is None else a for a, b in pairs]
            return ast.Return(ast.Tuple(items, ast.Load()))
    return node


def made(reading: Reading, key: Any, proof: Proof) -> int:
    """The line in which a result is made, where no edit of a line repairs it."""
    if stop := stopped(proof):
        return line_named(stop)
    returned = [one for one in ast.walk(reading.node) if isinstance(one, ast.Return) and one.value is not None]
    value = returned[-1].value if returned else None
    if isinstance(value, ast.Tuple) and isinstance(key, int) and key < len(value.elts):
        value = value.elts[key]
    line = (returned[-1].lineno if returned else 0) or reading.node.lineno
    names = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)} if value is not None else set()
    for node in ast.walk(reading.node):
        match node:
            case ast.AugAssign(target, _, _) if names & _roots(target):
                line = node.lineno
            case ast.Assign([target], inner) if names & _roots(target) and not _empty(inner):
                line = node.lineno
    return line


def _roots(target: ast.expr) -> set[str]:
    while isinstance(target, ast.Subscript | ast.Attribute):
        target = target.value
    return {target.id} if isinstance(target, ast.Name) else set()


def _empty(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and "zeros" in ast.unparse(node.func)
