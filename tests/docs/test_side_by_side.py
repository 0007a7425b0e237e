"""Pages of the site are executed in processes forked from one: what a cell answers is kept whole and in order."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    for needed in ("IPython", "myst_nb"):
        pytest.importorskip(needed, reason="the docs extra is not installed")
    spec = importlib.util.spec_from_file_location("side_by_side", DOCS / "_ext" / "side_by_side.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules.setdefault("side_by_side", importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    if module.FORK is None:
        pytest.skip("no process can be forked here")
    return module


def ran(runner: ModuleType, *cells: str, timeout: float = 60) -> Any:
    runner.run([cells], jobs=2, timeout=timeout)
    return runner.DONE[cells]


def test_what_a_cell_answers_stays_in_order(runner: ModuleType) -> None:
    cell = """
import subprocess, sys
from IPython.display import Markdown, display
print("one", end=" ")
print("more")
display(Markdown("two"))
print("three")
print("aside", file=sys.stderr)
print("four")
5"""
    (outputs,) = ran(runner, cell).outputs
    shown = [one.get("text") or one["data"].get("text/markdown") or one["data"]["text/plain"] for one in outputs]
    assert shown == ["one more\n", "two", "three\n", "aside\n", "four\n", "5"]
    assert [one["output_type"] for one in outputs][-1] == "execute_result"


def test_what_is_written_past_python_is_kept(runner: ModuleType) -> None:
    ((only,),) = ran(runner, "import subprocess; subprocess.run(['echo', 'below'], check=True);").outputs
    assert only["text"] == "below\n"


def test_cells_share_names_and_pages_share_nothing(runner: ModuleType) -> None:
    pages = [("kept = 1", "kept + 1"), ("import os; 'kept' in globals(), os.listdir()",)]
    runner.run(pages, jobs=2, timeout=60)
    assert runner.DONE[pages[0]].outputs[1][0]["data"]["text/plain"] == "2"
    assert runner.DONE[pages[1]].outputs[0][0]["data"]["text/plain"] == "(False, [])"


def test_an_error_ends_the_page_and_is_told(runner: ModuleType) -> None:
    found = ran(runner, "1", "def f():\n    return 1 / 0\nf()", "2")
    assert found.kind == "ZeroDivisionError"
    assert "return 1 / 0" in found.error
    assert len(found.outputs) == 2
    assert ran(runner, "x =").kind == "SyntaxError"


def test_a_page_that_dies_or_hangs_is_an_error(runner: ModuleType) -> None:
    assert ran(runner, "import os; os._exit(3)").kind == "ProcessDied"
    assert ran(runner, "import time; time.sleep(60)", timeout=0.5).kind == "TimeoutError"
