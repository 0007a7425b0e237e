"""Templates are kept compiled as Python keeps modules, and what has changed is compiled again."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from symconv import templates


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of templates of its own, in which Python may keep what it compiles."""
    folder = tmp_path / "templates"
    shutil.copytree(templates.template_folder(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(templates, "template_folder", lambda: folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return folder


def said(text: str | None, folder: Path) -> str:
    """What a template says in a process that has just begun."""
    if text is not None:
        (folder / "words.j2").write_text(text, encoding="utf-8")
    return templates.environment.__wrapped__().get_template("words.j2").render(n=3)


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "__pycache__").iterdir())


def test_a_template_is_compiled_once(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert said("{{ n }} cells", copied) == "3 cells"
    (file,) = kept(copied)
    before = file.read_bytes()
    monkeypatch.setattr("jinja2.compiler.generate", None)  # it would fail
    assert said(None, copied) == "3 cells"
    assert file.read_bytes() == before


def test_a_template_that_has_changed_is_compiled_again(copied: Path) -> None:
    assert said("{{ n }} cells", copied) == "3 cells"
    assert said("{{ n }} rows", copied) == "3 rows"


@pytest.mark.parametrize("keep", [0, 7, 30, -1], ids=["empty", "magic", "digest", "code"])
def test_a_damaged_file_is_compiled_again(keep: int, copied: Path) -> None:
    said("{{ n }} cells", copied)
    (file,) = kept(copied)
    whole = file.read_bytes()
    file.write_bytes(whole[:keep])
    assert said(None, copied) == "3 cells"
    assert file.read_bytes() == whole


def test_another_version_compiles_again(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said("{{ n }} cells", copied)
    (file,) = kept(copied)
    before = file.read_bytes()
    monkeypatch.setattr("jinja2.__version__", "another")
    assert said(None, copied) == "3 cells"
    assert file.read_bytes() != before


def test_nothing_is_kept_where_it_cannot_be_written(copied: Path) -> None:
    (copied / "__pycache__").write_text("a file, not a folder")
    assert said("{{ n }} cells", copied) == "3 cells"


def test_nothing_is_kept_where_python_keeps_nothing(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert said("{{ n }} cells", copied) == "3 cells"
    assert not (copied / "__pycache__").exists()
