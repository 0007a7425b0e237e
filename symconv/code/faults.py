"""The line of a wrong gradient: found by edits of single lines, one of which is proved; else the line it is made in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symconv.code.concrete import Concrete
from symconv.code.edits import edits
from symconv.code.reading import Reading, coded, finished, part
from symconv.errors import SymconvError
from symconv.notation.operator import Operator
from symconv.prove.concrete.counterexample import drawn
from symconv.prove.concrete.enclosure import NoValueError
from symconv.prove.concrete.evaluate import Misfit
from symconv.prove.concrete.sides import Array, truth_of
from symconv.prove.decide.decision import decide
from symconv.prove.meaning.scope import Undecided
from symconv.prove.proof import Proof
from symconv.verify.geometry import geometries

__all__ = ["Fault", "explained"]

_POINTS, _MOST, _STEPS = 400, 400, 60_000
"""Elements of an array of a trial, edits that are tried, statements that are run for them: about a second's work."""
_FAILED = (SymconvError, Misfit, Undecided, NoValueError, ValueError, ArithmeticError, LookupError, TypeError)
"""How an edit that makes no sense fails."""
_LINE = re.compile(r"^line (\d+): ")


@dataclass(frozen=True, slots=True)
class Fault:
    """A line, the mistake in it, and what the line should be; both empty where no edit was found."""

    line: int
    cause: str = ""
    text: str = ""


def explained(reading: Reading, tensor: str, key: Any, proof: Proof) -> Proof:
    """The proof of a wrong gradient with the line that is at fault."""
    if proof.holds is not False:
        return proof
    whole, reading = reading, part(reading, key)
    fault = _edited(reading, tensor, key, whole) or Fault(_made(reading, key, proof))
    repair = f"line {fault.line}: {fault.text}" if fault.text else ""
    return replace(proof, line=fault.line, cause=fault.cause, repair=repair)


def _edited(reading: Reading, tensor: str, key: Any, whole: Reading) -> Fault | None:
    trials = _trials(reading.op, tensor)
    if not trials:
        return None
    names = _called(reading, trials[0][0])
    left, seen = _STEPS, set[str]()
    for owner, function in _functions(reading):
        for edit in edits(reading.op, function, names):
            text = ast.dump(edit.node)
            if text in seen or not edit.line:
                continue
            seen.add(text)
            new = _with(reading, owner, edit.node)
            right, steps = _agrees(new, key, trials)
            left -= steps
            if right and _proved(new, tensor, key):
                return Fault(edit.line, edit.cause, _line_of(edit.node, whole.node, edit.line))
            if left < 0 or len(seen) > _MOST:
                return None
    return None


def _functions(reading: Reading) -> Iterator[tuple[str | None, ast.FunctionDef]]:
    """The function, and those of the same text that it calls."""
    yield None, reading.node
    called = {n.id for n in ast.walk(reading.node) if isinstance(n, ast.Name)}
    for name, function in reading.program.functions.items():
        if name in called and function is not reading.node:
            yield name, function


def _with(reading: Reading, owner: str | None, node: ast.FunctionDef) -> Reading:
    if owner is None:
        return replace(reading, node=node)
    return replace(reading, program=replace(reading.program, functions={**reading.program.functions, owner: node}))


def _trials(op: Operator, tensor: str) -> list[tuple[dict[str, Array], Array]]:
    found = []
    for seed, shapes in enumerate(geometries(op, 12, 0)):
        arrays = {name: array.astype(np.float64) for name, array in drawn(op, shapes, seed).items()}
        if all(0 < a.size < _POINTS for a in arrays.values()):
            output = {op.output.name: truth_of(op, op.output.name, arrays)}
            found.append((arrays | output, truth_of(op, f"g{tensor}", arrays)))
    return sorted(found, key=lambda one: sum(a.size for a in one[0].values()))[:6]


def _agrees(reading: Reading, key: Any, trials: list[tuple[dict[str, Array], Array]]) -> tuple[bool, int]:
    """Whether the function is right on all trials, and how many statements were run."""
    steps = 1
    for arrays, want in trials:
        try:
            on = Concrete(reading.op, dict(arrays))
            got, reader = finished(reading, on, {name: a.copy() for name, a in arrays.items()}, key)
            steps += reader.steps
        except (
            SymconvError,
            Misfit,
            Undecided,
            NoValueError,
            ValueError,
            ArithmeticError,
            LookupError,
            TypeError,
            AssertionError,
        ):
            return False, steps + 20
        if not isinstance(got, np.ndarray) or got.shape != want.shape:
            return False, steps
        if not np.allclose(got.astype(np.float64), want, rtol=1e-9):
            return False, steps
    return True, steps


def _proved(reading: Reading, tensor: str, key: Any) -> bool:
    try:
        decision = decide(reading.op, coded(reading, tensor, key))
    except SymconvError:
        return False
    return not decision.undecided and decision.wrong.empty


def _called(reading: Reading, arrays: Mapping[str, Array]) -> dict[str, str]:
    """What each tensor is called in the function."""
    on = Concrete(reading.op, dict(arrays))
    held = {name: a.copy() for name, a in arrays.items()}
    found: dict[str, str] = {}
    for name, box in reading.names(on, held).items():
        for tensor, array in held.items():
            if getattr(box, "value", None) is array:
                found.setdefault(tensor, name)
    return found


def _line_of(node: ast.FunctionDef, before: ast.FunctionDef, line: int) -> str:
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


def _made(reading: Reading, key: Any, proof: Proof) -> int:
    """The line in which a result is made, where no edit of a line repairs it."""
    sentences = proof.decision.misfits if proof.decision is not None else ()
    mismatch = proof.counterexample.mismatch if proof.counterexample is not None else ""
    for sentence in (mismatch, *sentences):
        found = _LINE.match(sentence)
        if found and (mismatch or proof.mismatched_when == proof.fails_when):
            return int(found.group(1))
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
