"""``symconv tune``: what it wants, what it measures, and files of plans."""

from __future__ import annotations

import json


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
