"""Measured plans on disk: one small file per question, and one file that carries many to another machine."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symconv.build.cpu import cpu_identity
from symconv.build.digest import digest
from symconv.build.folder import cache_folder, listing, read_json, trusted_folder, write_json
from symconv.errors import BuildError, SpecError, shown
from symconv.tune.counts import possible
from symconv.tune.facts import Facts
from symconv.tune.machine import lanes_of
from symconv.tune.plan import Choice

__all__ = ["Question", "export_plans", "import_plans", "recalled", "remembered"]

_VERSION = 1
"""Of the files' form and of what the numbers mean; others are not read."""
_MOST = 1 << 40
"""No number of a plan is larger."""
_LONGEST = 64 << 20
"""Bytes of a file of plans: a hundred thousand of them."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a measured plan answers: for which kernels (``operator`` is a digest of their text), sizes and machine."""

    operator: str
    sizes: tuple[tuple[str, int], ...]
    dtype: str
    target: str
    threads: int
    cpu: str

    @classmethod
    def asked(cls, operator: str, sizes: Mapping[str, int], dtype: str, target: str, threads: int) -> Question:
        """The question on this machine.

        >>> Question.asked("k", {"W": 3, "H": 2}, "float32", "native", 2).sizes
        (('H', 2), ('W', 3))
        """
        return cls(operator, tuple(sorted(sizes.items())), dtype, target, threads, cpu_identity())

    def record(self) -> dict[str, object]:
        """The question as JSON."""
        return {
            "operator": self.operator,
            "sizes": dict(self.sizes),
            "dtype": self.dtype,
            "target": self.target,
            "threads": self.threads,
            "cpu": self.cpu,
        }


def remembered(question: Question, facts: Sequence[Sequence[Facts]], choices: Sequence[Choice]) -> None:
    """Keep the choice for each output; a cache that cannot be written is no error, the plan is measured again."""
    answer = [
        {"label": candidates[choice.candidate].label, "parameters": list(choice.parameters)}
        for candidates, choice in zip(facts, choices, strict=True)
    ]
    with contextlib.suppress(BuildError):
        write_json(_path(question.record()), {"version": _VERSION, **question.record(), "choices": answer})


def recalled(question: Question, facts: Sequence[Sequence[Facts]]) -> tuple[Choice, ...] | None:
    """The choices kept for a question, or None: nothing is kept, the file is damaged, or the candidates are others."""
    try:
        trusted_folder()
    except BuildError:
        return None
    found = read_json(_path(question.record()))
    if found is None or _checked(found) is None or any(found[k] != v for k, v in question.record().items()):
        return None
    answers = found["choices"]
    if not isinstance(answers, list) or len(answers) != len(facts):
        return None
    sizes, lanes = dict(question.sizes), lanes_of(question.target, question.dtype)
    chosen = [_choice(answer, candidates, sizes, lanes) for answer, candidates in zip(answers, facts, strict=True)]
    return tuple(choice for choice in chosen if choice) if all(chosen) else None


def _choice(
    answer: dict[str, object], candidates: Sequence[Facts], sizes: Mapping[str, int], lanes: int
) -> Choice | None:
    """The candidate that an answer names, where it can run at such sizes: a file may say anything."""
    numbers = answer["parameters"]
    for position, facts in enumerate(candidates):
        if facts.label == answer["label"] and isinstance(numbers, list) and len(numbers) == len(facts.parameters):
            return Choice(position, tuple(numbers), 0.0) if possible(facts, sizes, lanes) else None
    return None


def export_plans(path: str | Path) -> int:
    """Write every measured plan into one JSON file and return how many there are; raises :class:`SpecError` where the
    file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_plans(Path(folder) / "plans.json") == import_plans(Path(folder) / "plans.json")
    True
    """
    found = [record for file in listing(_folder()) if file.suffix == ".json" and (record := read_json(file))]
    plans = [record for record in found if _checked(record) is not None]
    text = json.dumps({"symconv plans": _VERSION, "plans": plans}, indent=1, sort_keys=True)
    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except (OSError, ValueError) as error:
        raise SpecError(f"the plans cannot be written to {shown(str(path))} ({error}): name a file that can") from error
    return len(plans)


def import_plans(path: str | Path) -> int:
    """Keep every plan of a file that :func:`export_plans` wrote, here or elsewhere, and return how many.

    Plans of another CPU are kept too and used on such a machine only. Raises :class:`SpecError` where the file is none
    of plans, :class:`BuildError` where the cache cannot be written.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LONGEST + 1)
        if len(content) > _LONGEST:
            raise SpecError(f"{shown(str(path))} is no file of plans: it has more than {_LONGEST >> 20} MB")
        found = json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError(f"{shown(str(path))} cannot be read as a file of plans ({error})") from error
    plans = found.get("plans") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(plans, list):
        raise SpecError(f"{shown(str(path))} is no file of plans: give one that export_plans wrote")
    if found.get("symconv plans") != _VERSION:
        raise SpecError(f"{shown(str(path))} is of another version of symconv: measure again, or export there anew")
    records = [_checked(plan) for plan in plans]
    for position, record in enumerate(records):
        if record is None:
            raise SpecError(f"plan {position} in {shown(str(path))} is damaged: export the file anew")
    kept = [record for record in records if record is not None]
    for record in kept:
        write_json(_path(record), record)
    return len(kept)


def _folder() -> Path:
    return cache_folder() / "tuned"


def _path(record: Mapping[str, object]) -> Path:
    asked = {name: record[name] for name in ("operator", "sizes", "dtype", "target", "threads", "cpu")}
    return _folder() / f"{digest([_VERSION, json.dumps(asked, sort_keys=True)])}.json"


def _checked(found: object) -> dict[str, object] | None:
    """A record that says all it should, without what else it holds; None for any other."""
    match found:
        case {
            "version": int(version),
            "operator": str(operator),
            "sizes": dict(sizes),
            "dtype": str(dtype),
            "target": str(target),
            "threads": int(threads),
            "cpu": str(cpu),
            "choices": list(choices),
        } if version == _VERSION and all(map(_whole, sizes.values())) and all(map(_answered, choices)):
            plain = [{"label": c["label"], "parameters": c["parameters"]} for c in choices]
            asked = Question(operator, tuple(sizes.items()), dtype, target, threads, cpu)
            return {"version": version, **asked.record(), "choices": plain}
    return None


def _answered(found: object) -> bool:
    match found:
        case {"label": str(), "parameters": list(numbers)}:
            return all(_whole(number) and number >= 1 for number in numbers)
    return False


def _whole(found: object) -> bool:
    return isinstance(found, int) and not isinstance(found, bool) and abs(found) <= _MOST
