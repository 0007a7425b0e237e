"""Measured plans come back as they were kept, for the same question alone; damaged files are as if there were none."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import symconv as sc
from symconv.loops.ir import Compare, Const, Var
from symconv.tune.facts import Facts
from symconv.tune.memory import Question, export_plans, import_plans, recalled, remembered
from symconv.tune.plan import Choice

FACTS = (
    (Facts("masked", "direct"), Facts("outer", "packed 4x3", (4, 3), parameters=("T_h_", "FB_"))),
    (Facts("masked", "direct"), Facts("dot", "dot 4x3", (4, 3), parameters=("T_h_", "S_", "MB_", "NB_"))),
)
CHOICES = (Choice(1, (7, 32), 0.0), Choice(1, (14, 2, 8, 27), 0.0))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("SYMCONV_CACHE", str(folder))
    return folder


def question(**changes: object) -> Question:
    return replace(Question.asked("key", {"N": 3, "H": 9}, "float32", "native", 1), **changes)  # type: ignore[arg-type]


def kept(cache: Path) -> Path:
    remembered(question(), FACTS, CHOICES)
    (file,) = (cache / "tuned").iterdir()
    return file


def test_choices_come_back(cache: Path) -> None:
    assert recalled(question(), FACTS) is None
    kept(cache)
    assert recalled(question(), FACTS) == CHOICES


@pytest.mark.parametrize(
    "changes",
    [{"operator": "other"}, {"sizes": (("H", 9), ("N", 4))}, {"sizes": (("H", 9),)}, {"dtype": "float64"}, {"target": "x86-64-v3"}, {"threads": 2}, {"cpu": "another"}],
)  # fmt: skip
def test_another_question_has_another_answer(cache: Path, changes: dict[str, object]) -> None:
    kept(cache)
    assert recalled(question(**changes), FACTS) is None
    remembered(question(**changes), FACTS, (Choice(0, (), 0.0), CHOICES[1]))
    assert recalled(question(), FACTS) == CHOICES


def test_the_order_of_sizes_does_not_matter(cache: Path) -> None:
    kept(cache)
    assert recalled(Question.asked("key", {"H": 9, "N": 3}, "float32", "native", 1), FACTS) == CHOICES


@pytest.mark.parametrize(("height", "wanted"), [(9, CHOICES), (8, None)])
def test_a_kernel_that_cannot_run_at_its_sizes_is_not_chosen(height: int, wanted: object) -> None:
    """Files come from elsewhere: what they name is checked as what the model chooses is."""
    needs = replace(FACTS[0][1], requires=(Compare("==", Var("H"), Const(Fraction(9))),))
    facts = ((FACTS[0][0], needs), FACTS[1])
    asked = question(sizes=(("H", height), ("N", 3)))
    remembered(asked, facts, CHOICES)
    assert recalled(asked, facts) == wanted


def test_a_file_too_long_for_plans_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["symconv.tune.memory"], "_LONGEST", 1 << 20)
    (tmp_path / "plans.json").write_text(" " * ((1 << 20) + 1))
    with pytest.raises(sc.SpecError, match="more than 1 MB"):
        sc.import_plans(tmp_path / "plans.json")


def test_candidates_are_found_by_label(cache: Path) -> None:
    kept(cache)
    found = recalled(question(), tuple(tuple(reversed(candidates)) for candidates in FACTS))
    assert found is not None and [(c.candidate, c.parameters) for c in found] == [(0, c.parameters) for c in CHOICES]
    assert recalled(question(), FACTS[:1]) is None
    assert recalled(question(), (FACTS[0], FACTS[1][:1])) is None
    assert recalled(question(), (FACTS[0], (FACTS[1][0], replace(FACTS[1][1], parameters=("T_h_",))))) is None


@pytest.mark.parametrize(
    "change",
    [{"version": 2}, {"choices": None}, {"choices": []}, {"choices": [{}, {}]}, {"sizes": []}, {"threads": "1"}, {"cpu": 3},
     {"choices": [{"label": "packed 4x3", "parameters": [0, 1]}] * 2}, {"choices": [{"label": "packed 4x3", "parameters": [1.5, 1]}] * 2},
     {"choices": [{"label": "packed 4x3", "parameters": [True, 1]}] * 2}, {"choices": [{"label": "packed 4x3", "parameters": [2**50, 1]}] * 2}],
)  # fmt: skip
def test_a_wrong_file_is_as_if_there_were_none(cache: Path, change: dict[str, object]) -> None:
    file = kept(cache)
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    assert recalled(question(), FACTS) is None
    kept(cache)
    assert recalled(question(), FACTS) == CHOICES


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_file_is_written_anew(cache: Path, content: bytes) -> None:
    kept(cache).write_bytes(content)
    assert recalled(question(), FACTS) is None
    kept(cache)
    assert recalled(question(), FACTS) == CHOICES


def test_a_cache_that_cannot_be_written_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMCONV_CACHE", "/dev/null/cache")
    remembered(question(), FACTS, CHOICES)
    assert recalled(question(), FACTS) is None


def test_plans_travel_in_a_file(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for threads in (1, 2, 3):
        remembered(question(threads=threads), FACTS, CHOICES)
    (cache / "tuned" / "damaged.json").write_text("{")
    assert export_plans(tmp_path / "plans.json") == 3
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    monkeypatch.setenv("SYMCONV_CACHE", str(other))
    assert recalled(question(threads=2), FACTS) is None
    assert import_plans(str(tmp_path / "plans.json")) == 3
    assert recalled(question(threads=2), FACTS) == CHOICES


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "cannot be read"), ("[]", "no file of plans"), ('{"plans": 3}', "no file of plans"), ('{"plans": [], "symconv plans": 9}', "another version"),
     ('{"plans": [{}], "symconv plans": 1}', "plan 0"), ("[" * 100_000, "cannot be read")],
)  # fmt: skip
def test_what_is_no_file_of_plans_is_refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "plans.json").write_text(content)
    with pytest.raises(sc.SpecError, match=words):
        import_plans(tmp_path / "plans.json")
    with pytest.raises(sc.SpecError, match="cannot be read"):
        import_plans(tmp_path / "absent.json")
    with pytest.raises(sc.SpecError, match="cannot be written"):
        export_plans(tmp_path / "absent" / "plans.json")
