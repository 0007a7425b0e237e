"""``symconv prove --for``: a claim or code, decided for each member of a family, and the rule that sums it up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from symconv.claims import prove as decided
from symconv.commands.answer import answer
from symconv.commands.operators import flag, is_code, is_formula, is_spec
from symconv.commands.outcome import FAILED, RIGHT, UNDECIDED, UNUSABLE
from symconv.commands.parameters import SETTINGS
from symconv.commands.request import BY_NAME, requested
from symconv.commands.rules import rule
from symconv.commands.sweep import Where, aligned, swept, worst
from symconv.commands.terminal import say, told
from symconv.errors import SpecError
from symconv.notation.operator import Operator
from symconv.prove.proof import Proof
from symconv.spread import Lost

__all__ = ["STATUS", "Family", "Question", "prove_family"]

_MOST = 2000

_WORTH = 16  # a process takes seconds to start, a proof some tenths of one

STATUS = {True: RIGHT, False: FAILED, None: UNDECIDED}

Family = tuple[tuple[str, range], ...]
Members = Sequence[tuple[tuple[int, ...], Operator | SpecError]]


@dataclass(frozen=True, slots=True)
class Question:
    """What is decided of every member: a claim, or the gradients that a function of a file returns."""

    claim: str = ""
    path: str = ""
    name: str | None = None
    arguments: Mapping[str, Any] | None = None
    returns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    claim: str
    holds: bool | None
    words: str
    general: str = ""


def prove_family(
    op: str, settings: Mapping[str, object], asked: Question, family: Family, where: Where, form: str
) -> int:
    """Print a table over the family, of code one for each gradient; the status is that of the worst answer."""
    names = [name for name, _ in family]
    members = _all(op, settings, family)
    titles = [", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True)) for values, _ in members]
    items = [
        (title, (made, asked)) for title, (_, made) in zip(titles, members, strict=True) if isinstance(made, Operator)
    ]
    found = swept("proving", where, _decided, items, least=_WORTH)
    results = dict.fromkeys(key for one in found if not isinstance(one, Lost) for key in one) or {"": None}
    tables = [_Table(names, asked, members, _of(found, key), key) for key in results]
    status = worst(table.status for table in tables)
    if form == "json":
        data = {"tables": [one.data() for one in tables]} if asked.path else tables[0].data()
        return answer("prove", status, data)
    say("\n\n".join(table.text() for table in tables))
    return status


def _of(found: Sequence[Mapping[str, _Answer] | Lost], key: str) -> tuple[_Answer | Lost, ...]:
    """The answers about one result, member by member."""
    missing = _Answer("", None, "the function does not return this gradient here")
    return tuple(one if isinstance(one, Lost) else one.get(key, missing) for one in found)


def _all(op: str, settings: Mapping[str, object], family: Family) -> Members:
    """Every member of the family with its operator, or why it has none; raises SpecError for a family of none."""
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
    return members


@dataclass(frozen=True, slots=True)
class _Table:
    """The answers about a claim, or about one gradient of code, member by member."""

    names: Sequence[str]
    asked: Question
    members: Members
    answers: tuple[_Answer | Lost, ...]
    gradient: str = ""

    @property
    def status(self) -> int:
        """The exit status."""
        return worst(UNUSABLE if isinstance(one, Lost) else STATUS[one.holds] for one in self.answers)

    @property
    def decided(self) -> list[_Answer]:
        """The answers that there are."""
        return [one for one in self.answers if isinstance(one, _Answer)]

    @property
    def claim(self) -> str:
        """The claim as it was read; a number that is named in it is another one in each member."""
        read = {one.claim for one in self.decided if one.claim}
        return read.pop() if len(read) == 1 else self.asked.claim or f"g{self.gradient} = {self.asked.name}(...)"

    @property
    def operators(self) -> list[tuple[tuple[int, ...], Operator]]:
        """The members that are operators."""
        return [(values, made) for values, made in self.members if isinstance(made, Operator)]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The lines of the table."""
        found = iter(self.answers)
        return [
            (*map(str, values), "no operator", str(made).splitlines()[0])
            if isinstance(made, SpecError)
            else (*map(str, values), *_words(next(found)))
            for values, made in self.members
        ]

    def summed_up(self) -> tuple[str, str]:
        """The rule of the table, and a claim that holds in every case where a repair is one; empty if there is none."""
        pairs = zip(self.operators, self.answers, strict=True)
        said = [(values, one) for (values, _), one in pairs if isinstance(one, _Answer)]
        if len(said) < len(self.answers) or any(a.holds is None for _, a in said) or all(a.holds for _, a in said):
            return "", ""
        summary = rule(self.names, {values: one.general for values, one in said}) or ""
        wrong = [op for (_, op), (_, one) in zip(self.operators, said, strict=True) if one.holds is False]
        if self.asked.path or not wrong:
            return summary, ""
        # The last member has the largest numbers, so its repair has the letters that the others need.
        repaired = decided(wrong[-1], self.asked.claim).repair
        right = repaired and all(decided(op, repaired, explain=False).holds for _, op in self.operators)
        return summary, repaired if right else ""

    def data(self) -> dict[str, Any]:
        """Everything for programs."""
        summary, repaired = self.summed_up()
        members = [
            {**dict(zip(self.names, values, strict=True)), "verdict": row[-2], "fails_when": row[-1]}
            for (values, _), row in zip(self.members, self.rows, strict=True)
        ]
        counted = {"held": sum(one.holds is True for one in self.decided), "decided": len(self.decided)}
        data = {"claim": self.claim, "members": members, "rule": summary, "repair": repaired, **counted}
        return {"gradient": self.gradient, **data} if self.asked.path else data

    def text(self) -> str:
        """The table with what sums it up."""
        summary, repaired = self.summed_up()
        count = sum(one.holds is True for one in self.decided)
        lines = [f"{self.claim}\n", *aligned([(*self.names, "holds", "fails when"), *self.rows], told())]
        lines.append(f"\nholds for all sizes in {count} of {len(self.answers)} cases")
        lines += [summary] if summary else []
        lines += [f"proved instead in every case: {repaired}"] if repaired else []
        return "\n".join(lines)


def _decided(item: tuple[Operator, Question]) -> dict[str, _Answer]:
    """What the tables say of the proofs, by gradient: numbers and words, which processes can send one another."""
    op, asked = item
    if not asked.path:
        return {"": _answered(decided(op, asked.claim, explain=False))}
    code: dict[str, Any] = {"code": Path(asked.path), "name": asked.name}
    found = decided(op, explain=False, arguments=asked.arguments, returns=asked.returns, **code)
    return {tensor: _answered(proof) for tensor, proof in found.items()}


def _answered(proof: Proof) -> _Answer:
    words, general = (proof.reason, "") if proof.holds is None else (proof.fails_when, proof.conditions(True)[1])
    return _Answer(str(proof.claim), proof.holds, words, general)


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
