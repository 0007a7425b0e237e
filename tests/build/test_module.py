from __future__ import annotations

import json
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from symconv.build import Artifact, clear, compile_text, load, loading
from symconv.build.artifact import described, intact
from symconv.build.folder import write_file
from symconv.emit.source import Source
from symconv.errors import BuildError

TEXT = "state = []\ndef answer():\n    return 43\n"


def test_loaded_once_and_not_in_sys_modules() -> None:
    before = set(sys.modules)
    artifact = compile_text(Source(TEXT, openmp=False))
    module = load(artifact)
    assert load(replace(artifact, cached=True)) is module
    assert module.__name__ == artifact.module_path.name.partition(".")[0]
    assert not [name for name in set(sys.modules) - before if name.startswith("symconv_")]
    clear()
    assert load(compile_text(Source(TEXT, openmp=False))) is module
    assert module.answer() == 43


def _stale(artifact: Artifact, content: bytes) -> None:
    """Other content under the library's name, in a manifest that fits, as if this process had never loaded it."""
    library = artifact.module_path
    library.unlink()
    write_file(library, content)
    manifest = library.with_name("manifest.json")
    facts = json.loads(manifest.read_text())
    facts["files"][library.name] = described(library)
    manifest.write_text(json.dumps(facts))
    loading._LOADED.pop(artifact.key)


def _other(text: str) -> bytes:
    return compile_text(Source(text, openmp=False)).module_path.read_bytes()


@pytest.mark.parametrize("content", [b"no library", b"", "another"], ids=["garbage", "empty", "another module"])
def test_an_entry_that_does_not_load_is_rebuilt_once(content: bytes | str, cache: Path) -> None:
    artifact = compile_text(Source(f"# {content!r}\n{TEXT}", openmp=False))
    _stale(artifact, _other("x = 7\n") if isinstance(content, str) else content)
    cached = compile_text(Source(f"# {content!r}\n{TEXT}", openmp=False))
    assert cached.cached
    assert load(cached).answer() == 43
    assert intact(artifact.key)
    assert {path.name for path in (cache / "modules").iterdir()} >= {artifact.key}


def test_an_entry_that_never_loads_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = compile_text(Source(f"# never\n{TEXT}", openmp=False))
    _stale(artifact, b"no library")
    monkeypatch.setattr(import_module("symconv.build.cache"), "imported", _refuse)
    with pytest.raises(BuildError, match="refused the generated source"):
        load(replace(artifact, cached=True))
    assert not intact(artifact.key)


def _refuse(*_: object) -> None:
    raise BuildError("cannot import the compiled module")


def test_a_source_that_raises_when_imported_is_not_published(cache: Path) -> None:
    for _ in range(2):
        with pytest.raises(BuildError, match=r"Python refused the generated source(.|\n)*division"):
            compile_text(Source("x = 1 // len([])\n", openmp=False))
    assert not list((cache / "modules").glob("*"))
