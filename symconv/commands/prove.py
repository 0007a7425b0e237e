"""``symconv prove``: a hand-written formula of a gradient, decided for all sizes; or for a family of operators."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from symconv.claims import prove as decided
from symconv.commands.answer import answer, proof_data, proofs_data
from symconv.commands.check import named, place
from symconv.commands.operators import flag, is_code, is_formula, is_spec
from symconv.commands.outcome import FAILED, RIGHT, UNDECIDED, UNUSABLE
from symconv.commands.parameters import SETTINGS
from symconv.commands.progress import stage
from symconv.commands.request import BY_NAME, requested, titled
from symconv.commands.rules import rule
from symconv.commands.sweep import Where, aligned, one_only, swept, worst
from symconv.commands.terminal import say, told
from symconv.errors import SpecError
from symconv.notation.operator import Operator
from symconv.spread import Lost

__all__ = ["prove"]

_MOST = 2000

_WORTH = 16  # a process takes seconds to start, a proof some tenths of one

_STATUS = {True: RIGHT, False: FAILED, None: UNDECIDED}

Family = tuple[tuple[str, range], ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    claim: str
    holds: bool | None
    words: str
    general: str = ""


def prove(
    op: str,
    settings: Mapping[str, object],
    claim: str,
    family: Family,
    output: Path | None,
    where: Where = Where(),  # noqa: B008 - frozen
    form: str = "text",
) -> int:
    """Print the proof, or a table over the family; the status says true, false or undecided."""
    if not claim:
        raise SpecError("say what to decide: --claim 'gx = ...', or --code FILE.py:FUNCTION")
    if family:
        if output is not None:
            raise SpecError("--for prints a table; leave out -o")
        return _table(op, settings, claim, family, where, form)
    one_only(where, "--for")
    operator = requested(op, settings)
    with stage(f"proving for {titled(operator)}"):
        proof = decided(operator, claim)
    report = None
    if output is not None:
        from symconv.views.show import show

        report = str(show(proof, output))
    if form == "json":
        return answer("prove", _STATUS[proof.holds], {**proof_data(proof), "report": report})
    say(proof.text() if report is None else f"{proof.text()}\nreport: {report}")
    return _STATUS[proof.holds]


def prove_file(op: str, settings: Mapping[str, object], claim: str | None, code: str, arguments: str | None,
               returns: str | None, family: Family, output: Path | None, where: Where,
               form: str = "text") -> int:  # fmt: skip
    """Print the proofs of a function of a file."""
    if claim or family or output is not None:
        raise SpecError("--code stands alone: leave out --claim, --for and -o")
    one_only(where, "--for")
    path, name = place(code)
    operator = requested(op, settings)
    with stage(f"proving {code}"):
        chosen = tuple(x.strip() for x in returns.split(",")) if returns else None
        proofs = decided(operator, code=Path(path), name=name, arguments=named(arguments), returns=chosen)
    status = worst(_STATUS[proof.holds] for proof in proofs.values())
    if form == "json":
        return answer("prove", status, proofs_data(proofs))
    say(proofs.text())
    return status


def _table(op: str, settings: Mapping[str, object], claim: str, family: Family, where: Where, form: str) -> int:
    names = [name for name, _ in family]
    params: Any = settings.get("params") or ()
    if twice := [name for name in names if name in dict(params)]:
        raise SpecError(f"--for gives {twice[0]}, and --params does too; give it once")
    numbers = _numbers(op, names)
    if twice := [name for name in names if name not in numbers and _given(settings.get(name))]:
        raise SpecError(f"--for gives {twice[0]}, and {flag(twice[0])} does too; give it once")
    if named := [name for name in names if name not in numbers and name in BY_NAME]:
        raise SpecError(f"--for gives whole numbers, and {flag(named[0])} takes none; leave {named[0]} out of it")
    members = [(values, _member(op, settings, names, values)) for values in _members(family)]
    _usable(names, members)
    titles = [", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True)) for values, _ in members]
    items = [
        (title, (made, claim)) for title, (_, made) in zip(titles, members, strict=True) if isinstance(made, Operator)
    ]
    found = iter(swept("proving", where, _decided, items, least=_WORTH))
    rows: list[tuple[str, ...]] = []
    answers: list[_Answer | Lost] = []
    for values, made in members:
        if isinstance(made, SpecError):
            rows.append((*map(str, values), "no operator", str(made).splitlines()[0]))
            continue
        answers.append(next(found))
        rows.append((*map(str, values), *_words(answers[-1])))
    status = worst(UNUSABLE if isinstance(answer, Lost) else _STATUS[answer.holds] for answer in answers)
    decided_ones = [answer for answer in answers if not isinstance(answer, Lost)]
    count = sum(answer.holds is True for answer in decided_ones)
    read = {answer.claim for answer in decided_ones}
    # A number that is named in the claim is another one in each member.
    stated = read.pop() if len(read) == 1 else claim
    operators = [(values, made) for values, made in members if isinstance(made, Operator)]
    summary, repaired = _summed_up(names, claim, operators, answers)
    if form == "json":
        members_said = [{**dict(zip(names, values, strict=True)), "verdict": row[-2], "fails_when": row[-1]}
                        for (values, _), row in zip(members, rows, strict=True)]  # fmt: skip
        data = {"claim": stated, "members": members_said, "rule": summary, "repair": repaired}
        return answer("prove", status, {**data, "held": count, "decided": len(decided_ones)})
    say(f"{stated}\n")
    say("\n".join(aligned([(*names, "holds", "fails when"), *rows], told())))
    say(f"\nholds for all sizes in {count} of {len(answers)} cases")
    if summary:
        say(summary)
    if repaired:
        say(f"proved instead in every case: {repaired}")
    return status


def _decided(item: tuple[Operator, str]) -> _Answer:
    """What the table says of a proof: numbers and words, which processes can send one another."""
    proof = decided(*item, explain=False)
    words, general = (proof.reason, "") if proof.holds is None else (proof.fails_when, proof.conditions(True)[1])
    return _Answer(str(proof.claim), proof.holds, words, general)


def _summed_up(
    names: Sequence[str], claim: str, members: Sequence[tuple[tuple[int, ...], Operator]],
    answers: Sequence[_Answer | Lost],
) -> tuple[str, str]:  # fmt: skip
    """The rule of the table, and a claim that holds in every case where a repair is one; empty where there is none."""
    pairs = zip(members, answers, strict=True)
    said = [(values, answer) for (values, _), answer in pairs if isinstance(answer, _Answer)]
    if len(said) < len(answers) or any(a.holds is None for _, a in said) or all(a.holds for _, a in said):
        return "", ""
    summary = rule(names, {values: answer.general for values, answer in said})
    wrong = [op for (_, op), (_, answer) in zip(members, said, strict=True) if answer.holds is False]
    # The last member has the largest numbers, so its repair has the letters that the others need.
    repaired = decided(wrong[-1], claim).repair if wrong else ""
    right = repaired and all(decided(op, repaired, explain=False).holds for _, op in members)
    return summary or "", repaired if right else ""


def _numbers(op: str, names: Sequence[str]) -> tuple[str, ...]:
    """Those of the names that are numbers of a formula, a spec file or a function, and no options of an operator."""
    if is_formula(op):
        return tuple(name for name in names if name not in SETTINGS or re.search(rf"\b{name}\b", op))
    return tuple(names) if is_spec(op) or is_code(op) else ()


def _given(value: object) -> bool:
    return not (value is None or value is False or value == ())


def _member(
    op: str, settings: Mapping[str, object], names: Sequence[str], values: tuple[int, ...]
) -> Operator | SpecError:
    given = dict(zip(names, values, strict=True))
    called = _numbers(op, names)
    own = {name: value for name, value in given.items() if name not in called}
    numbers = tuple((name, given[name]) for name in called)
    params: Any = settings.get("params") or ()
    try:
        return requested(op, {**settings, **own, **({"params": (*params, *numbers)} if numbers else {})})
    except SpecError as error:
        return error


def _usable(names: Sequence[str], members: Sequence[tuple[tuple[int, ...], Operator | SpecError]]) -> None:
    """Raises SpecError for a value that makes no operator whatever the other options are."""
    valid = [{values[k] for values, made in members if not isinstance(made, SpecError)} for k in range(len(names))]
    for values, made in members:
        for name, value, good in zip(names, values, valid, strict=True):
            if isinstance(made, SpecError) and value not in good:
                raise made.within(f"--for: no operator of the family with {name} {value} is valid")


def _words(answer: _Answer | Lost) -> tuple[str, str]:
    if isinstance(answer, Lost):
        return "given up", str(answer)
    return {True: "yes", False: "no", None: "undecided"}[answer.holds], answer.words


def _members(family: Family) -> Iterator[tuple[int, ...]]:
    count = prod(values.stop - values.start for _, values in family)
    if count > _MOST:
        raise SpecError(f"--for has {count} cases; at most {_MOST} are decided in one go")
    return product(*(values for _, values in family))
