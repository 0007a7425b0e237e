"""Wrong kernels are rejected: mutants of emitted kernels, each compiled and judged in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import symconv as sc

SCRIPT = Path(__file__).with_name("mutation.py")
NAMES = ("conv2d", "grouped", "flip", "NHWC", "adder")


@cache
def report(name: str, most: int) -> tuple[tuple[str, str, str, str], ...]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), name, str(most)],
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return tuple(tuple(entry) for entry in json.loads(done.stdout))


def check(name: str, most: int) -> None:
    (_, _, _, itself), *mutants = report(name, most)
    assert itself == "passed", "the right kernel is accepted"
    survivors = [mutant for mutant in mutants if mutant[3] not in {"rejected", "crashed", "hung", "equivalent"}]
    assert survivors == []
    assert sum(mutant[3] != "equivalent" for mutant in mutants) >= 0.7 * len(mutants)


FIRST = ("conv2d", "NHWC")
"""The operators whose mutants are judged each time: sums in parts among them, and both layouts."""


@pytest.mark.parametrize("name", [n if n in FIRST else pytest.param(n, marks=pytest.mark.full) for n in NAMES])
def test_mutants_are_rejected(name) -> None:
    check(name, 1)
    kinds = {kind for kind, _, _, verdict in report(name, 1) if verdict in {"rejected", "crashed"}}
    assert len(kinds) >= (12 if name == "conv2d" else 8), sorted(kinds)


@pytest.mark.full
@pytest.mark.parametrize("name", NAMES)
def test_many_mutants_are_rejected(name) -> None:
    check(name, 2)


def test_verify_rejects_a_mutated_module(tmp_path) -> None:
    op = sc.conv1d(stride=2, padding=1)
    text = sc.build(op, dtype="float64", target="portable").source
    right = tmp_path / "right.pyx"
    right.write_text(text)
    assert sc.verify(op, kernel=right)
    wrong = tmp_path / "wrong.pyx"
    assert "sc_splat(v1_)" in text, "the sums are accumulated in lanes"
    wrong.write_text(text.replace("sc_splat(v1_)", "sc_splat(-v1_)", 1))
    assert not sc.verify(op, kernel=wrong)
