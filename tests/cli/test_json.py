"""Answers for programs: one object on stdout, with the fields that are documented and no others."""

from __future__ import annotations

import json

import pytest

from symconv.commands.fields import EVERY, FIELDS
from symconv.validate.validation import Validation, Validations
from symconv.verify.verdict import Check, Verdict

CODE = """
import numpy as np
def matmul_forward(x, w):
    return x @ w, (x, w)
def matmul_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout
def backward(dy, x, w):
    return np.einsum("ni,fi->nf", dy, w), np.einsum("nf,nc->fc", dy, x)
"""
FLAT = "y[n,f] = sum[c](x[n,c]*w[f,c])"
LINE = "y[i] = 3*x[i]"
TRANSPOSED = "gx = conv_transpose(gy, w, stride=2)"
KINDS = {"text": str, "integer": int, "number": (int, float), "boolean": bool, "list": list, "object": dict}
PARTS = {"check": "check of a verdict"}


def fits(value, kind):
    """Whether a value is of a kind as documented, and so is what it holds."""
    kind = kind.removesuffix(" or null")
    kind, _, inner = kind.partition(" of ")
    if value is None:
        return True
    if kind in KINDS:
        right = isinstance(value, KINDS[kind]) and (kind != "integer" or not isinstance(value, bool))
        held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return right and all(fits(one, inner) for one in held if inner)
    matches(value, FIELDS[PARTS.get(kind, kind)])
    return True


def matches(found, fields):
    assert list(found) == list(fields)
    for name, (kind, _) in fields.items():
        assert fits(found[name], kind), (name, found[name])
        assert found[name] is not None or kind.endswith("or null"), name


@pytest.fixture
def answered(call, tmp_path):
    """The one object on stdout of a command, its fields those of a title, its status that of the process."""
    (tmp_path / "layer.py").write_text(CODE)

    def ask(title, status, *words, more=()):
        done = call(*[word.replace("FOLDER", str(tmp_path)) for word in words], "--format", "json")
        assert done.exit_code == status, done.stderr
        found = json.loads(done.stdout)
        assert (found["command"], found["status"]) == (words[0], status)
        fields = {**EVERY, **FIELDS[title]}
        for other in more:
            fields |= FIELDS[other]
        matches(dict(sorted(found.items(), key=lambda item: list(fields).index(item[0]))), fields)
        return found

    return ask


def test_list_and_doctor(answered, monkeypatch):
    found = answered("list", 0, "list")["operators"]
    assert found[0]["tensors"]["w"] == "(F, C, K)"
    assert found[0]["example"] == "symconv run conv1d --stride 2 --padding 1"
    monkeypatch.setattr(
        "symconv.commands.doctor.facts", lambda _: [("C compiler", False, "none"), ("torch", True, "2")]
    )
    assert answered("doctor", 2, "doctor")["usable"] is False


def test_prove(answered):
    right = answered("prove", 0, "prove", "conv1d", "--claim", "gx = conv_transpose(gy, w)")
    assert (right["verdict"], right["counterexample"], right["report"]) == ("true", None, None)
    wrong = answered("prove", 1, "prove", "conv1d", "--stride", "2", "--claim", TRANSPOSED)
    assert "mod s" in wrong["fails_when"]
    assert wrong["counterexample"]["shapes"]
    family = answered("prove --for", 1, "prove", "conv1d", "--claim", "gx = conv_transpose(gy, w, stride=s)",
                      "--for", "stride=1..2")  # fmt: skip
    assert [(one["stride"], one["verdict"]) for one in family["members"]] == [(1, "yes"), (2, "no")]
    code = answered("prove --code", 1, "prove", FLAT, "--code", "FOLDER/layer.py:backward", "--returns", "x,w")
    assert (code["proofs"]["w"]["verdict"], code["proofs"]["x"]["verdict"]) == ("true", "false")
    several = answered("prove --code --for", 1, "prove", "y[n,f] = k*sum[c](x[n,c]*w[f,c])", "--code",
                       "FOLDER/layer.py:backward", "--returns", "x,w", "--for", "k=1..2")  # fmt: skip
    assert [(one["gradient"], one["held"], one["decided"]) for one in several["tables"]] == [("x", 0, 2), ("w", 1, 2)]


def test_check(answered):
    assert list(answered("check", 0, "check", "FOLDER/layer.py:matmul")["proofs"]) == ["x", "w"]


def test_validate(answered, monkeypatch):
    found = answered("validate", 0, "validate", LINE, "--dtype", "float64")
    assert [(one["name"], one["verdict"]) for one in found["validations"]] == [("y", "true"), ("gx", "true")]
    assert (found["dtype"], all(one["proved"] for one in found["validations"])) == ("float64", True)
    made_up = {
        1: Validation("y", False, fault="a cell is not stored, at N = 1"),
        3: Validation("y", None, reason="too large", runs=4),
    }
    for status, one in made_up.items():
        monkeypatch.setattr("symconv.commands.validate.validate_all", lambda *_, one=one: Validations((one,)))
        answer = answered("validate", status, "validate", LINE)
        assert (answer["holds"], answer["validations"][0]["runs"]) == (one.holds, one.runs)


def test_verify(answered, monkeypatch):
    made_up = Verdict(False, "formula", "float32", (Check("forward", "made up", 1, 2.0, False),))
    for module in ("verify", "verify_many"):
        monkeypatch.setattr(f"symconv.commands.{module}.built", lambda *_: None)
        monkeypatch.setattr(f"symconv.commands.{module}.judged", lambda *_: made_up)
    assert answered("verify", 1, "verify", LINE)["checks"][0]["mark"] == "FAILED"
    several = answered("verify OP OP", 1, "verify", LINE, LINE, "--jobs", "1")
    assert [one["passed"] for one in several["verdicts"]] == [False, False]


@pytest.mark.full
def test_run(answered, tmp_path):
    verdict = answered("verify", 0, "verify", LINE)
    ran = answered("run", 0, "run", LINE, "-o", "FOLDER/out")
    assert ran["dtype"] == verdict["dtype"] == "float32"
    assert ran["verdict"]["verdict"] == verdict["verdict"] == "passed"
    assert all(str(tmp_path) in file for file in ran["files"])


def test_cache(answered):
    answered("cache", 0, "cache")
    answered("cache", 0, "cache", "--clear", "--older", "9999d", "--dry-run", more=("cache --clear",))


def test_an_answer_is_json_on_a_stdout_without_the_letters_too(program, tmp_path):
    folder = tmp_path / "a·b"
    plain = {"PYTHONIOENCODING": "ascii"}
    said = program("cache", "--format", "json", SYMCONV_CACHE=str(folder), **plain).stdout
    assert json.loads(said)["folder"] == str(folder)
    derived = [program("derive", LINE, "--format", "json", **more) for more in (plain, {"PYTHONIOENCODING": "utf-8"})]
    assert derived[0].stdout == derived[1].stdout
    assert "Σ" in str(json.loads(derived[0].stdout))


@pytest.mark.parametrize(
    "words",
    [
        ("prove", "conv1d"),
        ("verify", "conv7d"),
        ("run", "conv1d", "--stride", "0"),
        ("check", "none.py:f"),
        ("validate", "conv7d"),
        ("cache", "--dry-run"),
    ],
)
def test_what_cannot_be_used_answers_nothing_on_stdout(words, call):
    done = call(*words, "--format", "json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("symconv: ")
