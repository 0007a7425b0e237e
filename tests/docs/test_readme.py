"""The README: its Python blocks run and print what they show, its commands work, its links lead somewhere."""

from __future__ import annotations

import doctest
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def commands(marker: str) -> list[str]:
    """The lines of the shell block that follows ``<!-- ci: marker -->``."""
    (block,) = re.findall(
        rf"^<!-- ci: {marker} -->\n```(?:bash|console|sh)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE
    )
    return [line for line in block.splitlines() if line.strip() and not line.startswith("#")]


def test_the_python_blocks_print_what_they_show() -> None:
    parser = doctest.DocTestParser()
    text = re.sub(r"[^\n]", "", TEXT[: TEXT.index("```python")])
    for match in BLOCK.finditer(TEXT):
        start = TEXT.count("\n", 0, match.start(1))
        text += "\n" * (start - text.count("\n")) + match.group(1)
    test = parser.get_doctest(text, {}, "README", str(ROOT / "README.md"), 0)
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    report: list[str] = []
    runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)
    assert len(test.examples) >= 10


@pytest.mark.filterwarnings("ignore:path is deprecated:DeprecationWarning")  # ziafont on Python 3.11
def test_the_pictures_are_what_symconv_draws() -> None:
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "_ext" / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder, drawn = ROOT / "docs" / "_static", module.pictures()
    assert {path.name for path in folder.glob("*.svg")} == drawn.keys()
    shown = {name: (folder / name).read_text(encoding="utf-8") for name in drawn}
    # Glyph outlines are ziamath's; the formula is ours.
    for pictures in (shown, drawn):
        pictures["gradient.svg"] = re.findall("<title>.*?</title>", pictures["gradient.svg"], re.DOTALL)[0]
    assert shown == drawn, "run python docs/_ext/pictures.py"


def test_screenshots_are_small_and_shown_by_a_page() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    shots = [path for path in (ROOT / "docs" / "_static").iterdir() if path.suffix != ".svg"]
    assert shots
    for path in shots:
        assert f"_static/{path.name}" in pages, path.name
        assert path.stat().st_size < 200_000, path.name


def test_every_python_block_is_a_session() -> None:
    for block in BLOCK.findall(TEXT):
        assert block.startswith(">>> "), block


SETUP = re.compile(r"python3 -m venv \.venv && \.venv/bin/pip install -e (?:\.|\"\.\[(\w+)\]\") && \.venv/bin/(.*)")


def work(marker: str) -> tuple[str | None, str]:
    """The one line of a block, which sets itself up: the extra that it installs, and what it does then."""
    (line,) = commands(marker)
    match = SETUP.fullmatch(line)
    assert match is not None, line
    return match[1], match[2]


def test_two_lines_do_all_their_own_setup() -> None:
    extra, test = work("test")
    assert (extra, shlex.split(test)[:3]) == ("test", ["python", "-m", "pytest"])
    assert work("main") == (None, "symconv run conv2d --stride 2 --padding 1 -o out/")


def test_ci_runs_those_lines_as_they_stand() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for marker in ("main", "test"):
        assert re.search(rf"^as_it_stands {marker}\b", script, re.MULTILINE)
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {".venv/", "out/"} <= set(ignored)


def test_the_extras_the_readme_names_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {extra for group in re.findall(r"\.\[([\w,]+)\]", TEXT) for extra in group.split(",")}
    assert named <= project["optional-dependencies"].keys()


def test_links_into_the_repository_lead_somewhere() -> None:
    prose = re.sub(r"^```.*?^```$|`[^`]*`", "", TEXT, flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)#]+)\)|<img[^>]* src=\"([^\"]+)\"", prose):
        path = next(filter(None, target))
        if not path.startswith(("http:", "https:")):
            assert (ROOT / path).exists(), path


def test_the_changelog_knows_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"## [{project['version']}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [work("main")[1], *commands("tour")])
def test_the_commands_work(command: str, tmp_path: Path) -> None:
    name, *arguments = shlex.split(command)
    assert name == "symconv"
    done = subprocess.run(
        [sys.executable, "-c", "from symconv.cli import main; main()", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()
