"""The README: its Python blocks are run and what they print is compared, its commands work, its links lead somewhere."""

from __future__ import annotations

import doctest
import re
import shlex
import tomllib
from pathlib import Path

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


def test_every_python_block_is_a_session() -> None:
    for block in BLOCK.findall(TEXT):
        assert block.startswith(">>> "), block


def test_the_install_and_test_commands_are_marked_for_ci() -> None:
    assert any("pip install" in line for line in commands("install"))
    (test,) = commands("test")
    assert shlex.split(test)[:3] == ["python", "-m", "pytest"]


def test_the_extras_the_readme_names_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {extra for group in re.findall(r"\.\[([\w,]+)\]", TEXT) for extra in group.split(",")}
    assert named <= project["optional-dependencies"].keys()


def test_links_into_the_repository_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)|<img[^>]* src=\"([^\"]+)\"", TEXT):
        path = next(filter(None, target))
        if not path.startswith(("http:", "https:")):
            assert (ROOT / path).exists(), path


def test_the_changelog_knows_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"## [{project['version']}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
