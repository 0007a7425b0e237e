"""Every code block a reader can copy is run: the pages of docs/ and the README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import symconv

ROOT = Path(__file__).resolve().parents[2]
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PAGES = sorted(page for page in (ROOT / "docs").glob("*.md") if CELL.search(page.read_text(encoding="utf-8")))

LIBRARIES = {"pytorch": "torch", "jax": "jax", "tensorflow": "tensorflow", "commandline": "IPython"}
"""What pages need besides symconv: optional libraries, and what shows text in notebooks."""

RUNNER = """
import sys
from pathlib import Path
path, lines = sys.argv[1], Path(sys.argv[2]).read_text(encoding="utf-8")
exec(compile(lines, path, "exec"), {"__name__": "__page__"})
"""


def script(text: str, block: re.Pattern[str]) -> str:
    """The page's code alone, each line where it is in the page, so that a traceback points there."""
    lines = [""] * (text.count("\n") + 1)
    for match in block.finditer(text):
        start = text.count("\n", 0, match.start(1))
        code = match.group(1).splitlines()
        lines[start : start + len(code)] = ["" if line.startswith(":tags:") else line for line in code]
    return "\n".join(lines)


def execute(page: Path, code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "page.py").write_text(code, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", RUNNER, str(page), str(folder / "page.py")],
        cwd=folder,
        env={"OMP_WAIT_POLICY": "passive", "OPENBLAS_NUM_THREADS": "1", **os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


LONG = {"training", "jupyter"}
"""Pages that take a minute, or that a test of .ci/full executes; it builds the site as well, with every page."""


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[pytest.mark.full] if page.stem in LONG else [], id=page.stem) for page in PAGES]
)
def test_the_cells_of_a_page_run_in_order(page: Path, tmp_path: Path) -> None:
    if page.stem in LIBRARIES:
        pytest.importorskip(LIBRARIES[page.stem])
    done = execute(page, script(page.read_text(encoding="utf-8"), CELL), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_pages() -> None:
    assert {"start", "museum", "gallery", "tutorial", "derivations", "notebook", "extending", "layout"} <= {
        page.stem for page in PAGES
    }


def test_the_notebook_page_does_not_need_torch(tmp_path: Path) -> None:
    page = ROOT / "docs" / "notebook.md"
    (tmp_path / "torch.py").write_text("raise ImportError('as if it were not installed')\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); " + script(page.read_text(encoding="utf-8"), CELL)
    done = execute(page, code, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_reference_knows_every_public_name() -> None:
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    shown = {re.sub("[13]d$", "2d", name) for name in symconv.__all__}
    assert sorted(name for name in shown if not re.search(rf"symconv\.{name}$", text, re.MULTILINE)) == []


def test_the_layout_names_every_folder() -> None:
    text = (ROOT / "docs" / "layout.md").read_text(encoding="utf-8")
    folders = {path.parent.name for path in (ROOT / "symconv").glob("*/__init__.py")}
    assert sorted(name for name in folders if f"| `{name}/` |" not in text) == []


def test_a_failing_cell_fails(tmp_path: Path) -> None:
    text = "intro\n\n```{code-cell} ipython3\nassert 1 == 2\n```\n"
    done = execute(tmp_path / "wrong.md", script(text, CELL), tmp_path)
    assert done.returncode != 0
    assert 'wrong.md", line 4' in done.stderr


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.stem)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    named = set(
        re.findall(r"`((?:symconv|templates|tests|docs|generated)/[\w./*-]*)`", page.read_text(encoding="utf-8"))
    )
    # The wheel's own folder is beside the package in a checkout.
    missing = {name for name in named if not (ROOT / name).exists() and name != "symconv/_templates"}
    assert not missing


def test_the_files_of_an_operator_and_of_a_directive_are_computed(tmp_path: Path) -> None:
    page = ROOT / "docs" / "extending.md"
    done = execute(page, script(page.read_text(encoding="utf-8"), CELL), tmp_path)
    printed = done.stdout.splitlines()
    for word in ("squared_distance1d", "SplitReduction"):
        files = [
            str(f.relative_to(ROOT)) for f in sorted((ROOT / "symconv").rglob("*.py")) if word in f.read_text("utf-8")
        ]
        assert files
        at = printed.index(files[0])
        assert printed[at : at + len(files)] == files
    from typing import get_args

    from symconv.loops.directives import Directive

    for kind in get_args(Directive):
        assert f"{kind.__name__:15} {kind.__module__}" in printed
    prose = CELL.sub("", page.read_text(encoding="utf-8"))
    operators, schedules = (prose.split(f"## A new {word}")[1].split("\n## ")[0] for word in ("operator", "schedule"))
    assert not re.search(r"symconv/\w+", operators + schedules)
