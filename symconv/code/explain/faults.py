"""The line of a wrong gradient: found by edits of single lines, one of which is proved; else the line it is made in."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symconv.code.arrays.concrete import Concrete
from symconv.code.explain.edits import Edit, alike, edits
from symconv.code.explain.kinks import at_kinks
from symconv.code.explain.lines import line_named, line_of, made, stopped
from symconv.code.explain.trials import Trial, Trials
from symconv.code.gradients.backward import Reading, coded, part
from symconv.errors import SymconvError
from symconv.limits import FAULT_EDITS, FAULT_FIRSTS, FAULT_SCORED, FAULT_STEPS
from symconv.prove.concrete.sides import Array
from symconv.prove.decide.decision import decide
from symconv.prove.explain.smooth import missed, outside
from symconv.prove.proof import Proof

__all__ = ["Fault", "Found", "explained"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A line, the mistake in it, and what the line should be; both empty where no edit was found."""

    line: int
    cause: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of one function: its trials, and what mends each line that stops it before its end."""

    trials: Trials = field(default_factory=Trials)
    mended: dict[str, Fault | None] = field(default_factory=dict)


def explained(reading: Reading, tensor: str, key: Any, proof: Proof, found: Found) -> Proof:
    """The proof of a wrong gradient with the line that is at fault; ``found`` is of all gradients of a function."""
    if proof.holds is not False:
        return proof
    whole, reading = reading, part(reading, key)
    if kink := at_kinks(reading, tensor, key):
        example, at = proof.counterexample, (reading.whole, proof.operator, proof.claim)
        cause = example and missed(*at, example)
        if not cause and example and (more := outside(*at, example)):
            cause = f"{kink.partition('; it is proved')[0]}, {more}"
        return replace(proof, line=made(reading, key, proof), cause=cause or kink)
    fault = _edited(reading, tensor, key, whole, proof, found) or Fault(made(reading, key, proof))
    repair = f"line {fault.line}: {fault.text}" if fault.text else ""
    return replace(proof, line=fault.line, cause=fault.cause, repair=repair)


def _edited(reading: Reading, tensor: str, key: Any, whole: Reading, proof: Proof, before: Found) -> Fault | None:
    trials = before.trials.of(reading, tensor)
    if not trials:
        return None
    search = _Search(reading, tensor, key, _called(reading, trials[0].arrays), trials)
    stop = stopped(proof)
    if line_named(stop) not in {one.lineno for one in ast.walk(reading.node) if isinstance(one, ast.stmt)}:
        return _searched(search, reading, whole)
    # The function stops before any of its gradients is there: what mends one of them mends all.
    if known := before.mended.get(stop):
        found, _ = search.best(reading, 0, search.such(reading, known.line, known.cause))
        if found is not None:
            return _fault(found, whole)
    if known is not None or stop not in before.mended:
        before.mended[stop] = _searched(search, reading, whole)
    return before.mended[stop]


def _searched(search: _Search, reading: Reading, whole: Reading) -> Fault | None:
    found, better = search.best(reading, _wrong(reading, search.key, search.trials[:FAULT_SCORED])[0])
    if found is not None:
        return _fault(found, whole)
    if reading.node is not whole.node:
        # A name that was meant may be one that the wrong line does not lead to.
        search.left = FAULT_STEPS // 2
        found, _ = search.best(whole, 0, ((None, one) for one in alike(reading.node, whole.node)))
        if found is not None:
            return _fault(found, whole)
    search.left = FAULT_STEPS // 2
    for first, owner, count in better[:FAULT_FIRSTS]:
        second, _ = search.best(_with(reading, owner, first.node), count)
        if second is not None:
            # The second edit is of the function as the first one left it, where both are of one function.
            old = second.node if owner == second.owner else first.node
            nodes = {first.line: old} | {second.line: second.node}
            texts = {line: line_of(nodes[line], whole.node, line) for line in sorted(nodes)}
            line, *others = texts
            text = texts[line] + "".join(f"; line {other}: {texts[other]}" for other in others)
            return Fault(line, f"{first.cause} and {second.cause}", text)
    return None


def _fault(found: _Repaired, whole: Reading) -> Fault:
    return Fault(found.line, found.cause, line_of(found.node, whole.node, found.line))


@dataclass(frozen=True, slots=True)
class _Repaired:
    """A function with one place more changed."""

    node: ast.FunctionDef
    line: int
    cause: str
    owner: str | None


class _Search:
    """Edits that are tried, with what is left of the work."""

    def __init__(self, reading: Reading, tensor: str, key: Any, names: Mapping[str, str],
                 trials: list[Trial]) -> None:  # fmt: skip
        self.op, self.tensor, self.key, self.names, self.trials = reading.op, tensor, key, names, trials
        self.left = FAULT_STEPS
        self.texts: dict[int, tuple[ast.AST, str]] = {}

    def best(self, reading: Reading, least: int, each: Iterable[tuple[str | None, Edit]] | None = None,
             ) -> tuple[_Repaired | None, list[tuple[Edit, str | None, int]]]:  # fmt: skip
        """An edit that is proved; else those after which fewer elements are wrong than ``least``, the best first.

        Of all edits of the function and those that it calls, or of ``each`` by the function that it is of.
        """
        seen = set[tuple[str, ...]]()
        better: list[tuple[Edit, str | None, int]] = []
        for owner, edit in self._edits(reading) if each is None else each:
            text = self._text(edit.node)
            if text in seen or not edit.line:
                continue
            seen.add(text)
            new = _with(reading, owner, edit.node)
            count, steps = _wrong(new, self.key, self.trials[:FAULT_SCORED])
            self.left -= steps
            if not count:
                right, steps = _agrees(new, self.key, self.trials)
                self.left -= steps
                if right and _proved(new, self.tensor, self.key):
                    return _Repaired(edit.node, edit.line, edit.cause, owner), better
            if count < least:
                better.append((edit, owner, count))
            if self.left < 0 or len(seen) > FAULT_EDITS:
                break
        return None, sorted(better, key=lambda one: one[2])

    def such(self, reading: Reading, line: int, cause: str) -> Iterator[tuple[str | None, Edit]]:
        """Edits of one line that undo one mistake."""
        return (one for one in self._edits(reading) if (one[1].line, one[1].cause) == (line, cause))

    def _edits(self, reading: Reading) -> Iterator[tuple[str | None, Edit]]:
        for owner, function in _functions(reading):
            for edit in edits(self.op, function, self.names):
                yield owner, edit

    def _text(self, node: ast.FunctionDef) -> tuple[str, ...]:
        """A function as text, part by part: edits share all parts but one."""
        parts = [node.args, *node.body, *node.decorator_list, *([node.returns] if node.returns else [])]
        for one in parts:
            if id(one) not in self.texts:
                # The part is kept as well, so that no other one gets its place in memory.
                self.texts[id(one)] = one, ast.dump(one)
        return (node.name, *(self.texts[id(one)][1] for one in parts))


def _wrong(reading: Reading, key: Any, trials: list[Trial]) -> tuple[int, int]:
    """How many elements are wrong on trials, and how many statements were run."""
    count, steps = 0, 1
    for trial in trials:
        got, more = trial.value(reading, key)
        steps += more
        if got is None or got.shape != trial.want.shape:
            count += 2 * trial.want.size
        else:
            count += int((~np.isclose(got.astype(np.float64), trial.want, rtol=1e-9)).sum())
    return count, steps


def _functions(reading: Reading) -> Iterator[tuple[str | None, ast.FunctionDef]]:
    """The function, and those of the same text that it calls."""
    yield None, reading.node
    called = {n.id for n in ast.walk(reading.node) if isinstance(n, ast.Name)}
    for name, function in reading.program.functions.items():
        if name in called and function is not reading.node:
            yield name, function


def _with(reading: Reading, owner: str | None, node: ast.FunctionDef) -> Reading:
    if owner is None:
        return replace(reading, node=node, together=None)
    program = replace(reading.program, functions={**reading.program.functions, owner: node})
    return replace(reading, program=program, together=None)


def _agrees(reading: Reading, key: Any, trials: list[Trial]) -> tuple[bool, int]:
    """Whether the function is right on all trials, and how many statements were run."""
    steps = 1
    for trial in trials:
        count, more = _wrong(reading, key, [trial])
        steps += more
        if count:
            return False, steps
    return True, steps


def _proved(reading: Reading, tensor: str, key: Any) -> bool:
    try:
        decision = decide(reading.op, coded(reading, tensor, key), doubted=False)
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
