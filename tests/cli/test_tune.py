"""``symconv tune``: what it wants, what it measures, and files of plans."""

from __future__ import annotations

import json

import pytest


def test_sizes_are_measured_and_plans_travel(call, tmp_path):
    made = call("tune", "conv1d", "--shape", "x=2,3,9", "--shape", "w=4,3,3", "-o", str(tmp_path / "plans.json"))
    assert made.exit_code == 0, made.stderr
    assert "y" in made.stdout
    assert "wrote" in made.stdout
    assert json.loads((tmp_path / "plans.json").read_text())["symconv plans"] == 1
    used = call("tune", "--use", str(tmp_path / "plans.json"))
    assert used.exit_code == 0
    assert "took" in used.stdout


def test_what_is_missing_is_said(call, tmp_path):
    for arguments, words in (
        ((), "say what to measure"),
        (("conv1d", "--shape", "x=2,3,9"), "--shape x=... --shape w=..."),
        (("conv1d", "--shape", "x=2,3,9", "--shape", "w=4,2,3"), "w"),
        (("--use", str(tmp_path / "none.json")), "cannot be read as a file of plans"),
    ):
        refused = call("tune", *arguments)
        assert refused.exit_code == 2, refused.stdout
        assert words in refused.stderr
        assert "Traceback" not in refused.stderr


@pytest.fixture
def suite(tmp_path):
    small = {"cls": "small", "N": 2, "C": 3, "F": 4, "kernel": [3]}
    layers = [{**small, "name": "near", "spatial": [9]}, {**small, "name": "far", "spatial": [12], "stride": 2}]
    path = tmp_path / "suite.json"
    path.write_text(json.dumps({"layers": layers}))
    return path


@pytest.mark.full
def test_the_layers_of_a_suite_are_measured(call, suite):
    made = call("tune", "--suite", suite, "--jobs", 1)
    assert made.exit_code == 0, made.stderr
    assert [line for line in made.stdout.splitlines() if line in ("near", "far")] == ["near", "far"]
    one = call("tune", "--suite", suite, "--only", "far", "--jobs", 1)
    assert "near" not in one.stdout


def test_what_a_suite_does_not_go_with_is_said(call, suite):
    for arguments, words in (
        (("--suite", suite, "--only", "other"), "no layer of"),
        (("conv1d", "--suite", suite), "a suite says everything about its layers"),
        (("--only", "far"), "it goes with --suite"),
        (("--jobs", 2), "they go with --suite"),
    ):
        refused = call("tune", *arguments)
        assert refused.exit_code == 2
        assert words in refused.stderr
