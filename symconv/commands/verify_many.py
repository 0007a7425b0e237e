"""``symconv verify OP OP ...`` and ``--all``: many operators judged, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

from symconv.api import built
from symconv.commands.answer import answer
from symconv.commands.outcome import UNUSABLE
from symconv.commands.request import gradient_names, requested
from symconv.commands.sweep import Where, aligned, swept, worst
from symconv.commands.terminal import say
from symconv.commands.verify import outcome
from symconv.errors import SpecError, SymconvError
from symconv.judged import judged
from symconv.notation.operator import Operator
from symconv.ops.registry import catalogue
from symconv.options import Options, options
from symconv.spread import Lost
from symconv.views.data import verdict_data

__all__ = ["everything", "verify_many"]

_WINDOW = {"kernel": 2}
"""What an operator cannot do without, where every shipped one is judged and nothing is said: a window."""


@dataclass(frozen=True, slots=True)
class _Task:
    operator: Operator
    gradients: tuple[str, ...]
    chosen: Options


@dataclass(frozen=True, slots=True)
class _Found:
    word: str
    cases: str
    text: str
    data: Mapping[str, Any]
    status: int


def everything(settings: Mapping[str, object]) -> list[Operator]:
    """Every shipped operator; each with those of the settings that it takes.

    Raises SpecError for a setting that none takes.

    >>> made = {op.name for op in everything({"stride": 2})}
    >>> "conv2d(stride=2)" in made, len(made) == len(catalogue())
    (True, True)
    """
    given = {name: value for name, value in settings.items() if value not in (None, False, ())}
    taken = {name: set(signature(entry.make).parameters) for name, entry in catalogue().items()}
    for option in given:
        if not any(option in one for one in taken.values()):
            raise SpecError(f"no shipped operator takes --{option.replace('_', '-')}: leave it out")
    made = []
    for name, entry in catalogue().items():
        own = {option: value for option, value in given.items() if option in taken[name]}
        wanted = signature(entry.make).parameters
        usual = {o: v for o, v in _WINDOW.items() if o in wanted and wanted[o].default is Parameter.empty}
        made.append(requested(name, {**usual, **own}))
    return made


def verify_many(
    operators: list[Operator], wrt: tuple[str, ...], chosen: Mapping[str, Any], form: str, where: Where
) -> int:
    """Judge each, print a table and what went wrong in full; the status is that of the worst."""
    given = options(**chosen)
    items = [(op.name, _Task(op, gradient_names(op, wrt), given)) for op in operators]
    found = [_answer(one) for one in swept("verifying", where, _judged, items)]
    status = worst(one.status for one in found)
    if form == "json":
        passed = sum(one.status == 0 for one in found)
        return answer("verify", status, {"passed": passed == len(found), "verdicts": [dict(one.data) for one in found]})
    names = [op.name for op in operators]
    rows = [(name, one.word, one.cases) for name, one in zip(names, found, strict=True)]
    say("\n".join(aligned([("operator", "verdict", "comparisons"), *rows])))
    for one in found:
        if one.status:
            say(f"\n{one.text}")
    say(f"\n{sum(one.status == 0 for one in found)} of {len(found)} passed")
    return status


def _judged(task: _Task) -> _Found:
    """The verdict in words and numbers, which processes can send one another."""
    try:
        kernel = built(task.operator, task.chosen, lambda _: None)
        verdict = judged(task.operator, kernel, task.chosen.dtype, task.gradients)
    except SymconvError as error:
        text = f"{task.operator.name}: {error}"
        return _Found("unusable", "-", text, {"operator": task.operator.name, "error": str(error)}, UNUSABLE)
    return _Found(verdict.word, str(verdict.cases), str(verdict), verdict_data(verdict), outcome(verdict))


def _answer(one: _Found | Lost) -> _Found:
    if isinstance(one, _Found):
        return one
    return _Found("given up", "-", str(one), {"operator": one.name, "error": str(one)}, UNUSABLE)
