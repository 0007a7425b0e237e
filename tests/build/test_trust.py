"""Nothing that another user could have put there is loaded or gets on a command line."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from symconv.build import Artifact, Product, clear, compile_text, entries, fingerprint, load, obtain, toolchain
from symconv.build.tools import _known
from symconv.emit.source import Source
from symconv.errors import BuildError

ANSWER = "def answer():\n    return 42\n"
NOBODY = 65534
privileged = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def _get(request: str = "r1") -> Artifact:
    return obtain(request, lambda: Product(Source(ANSWER, openmp=False), {}), "native")


def _tree(root: Path) -> list[Path]:
    return [root, *root.rglob("*")]


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o000])
def test_what_is_made_is_for_this_user_alone(umask: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "new" / "cache"
    monkeypatch.setenv("SYMCONV_CACHE", str(root))
    before = os.umask(umask)
    try:
        assert load(_get()).answer() == 42
        assert obtain("r1", lambda: Product(Source("x", openmp=False), {}), "native").cached
    finally:
        os.umask(before)
    for path in _tree(root):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o022 == 0, (path, oct(mode))
        assert not path.is_dir() or mode == 0o700, (path, oct(mode))


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777, 0o722])
def test_a_cache_that_others_may_write_to_is_refused(prebuilt: Path, mode: int) -> None:
    prebuilt.chmod(mode)
    for ask in (_get, lambda: compile_text(Source(ANSWER, openmp=False)), entries, clear):
        with pytest.raises(BuildError, match=rf"can be written by others \(mode {mode:o}\).*SYMCONV_CACHE"):
            ask()
    assert stat.S_IMODE(prebuilt.stat().st_mode) == mode


def test_an_empty_cache_is_closed_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "open"
    root.mkdir()
    root.chmod(0o777)
    monkeypatch.setenv("SYMCONV_CACHE", str(root))
    assert load(_get()).answer() == 42
    assert stat.S_IMODE(root.stat().st_mode) == 0o700


@privileged
def test_a_cache_of_another_user_is_refused(prebuilt: Path) -> None:
    os.chown(prebuilt, NOBODY, NOBODY)
    try:
        with pytest.raises(BuildError, match=rf"belongs to another user \(id {NOBODY}, .*SYMCONV_CACHE"):
            _get()
    finally:
        os.chown(prebuilt, os.geteuid(), os.getegid())


def _planted(artifact: Artifact) -> Path:
    """Other bytes under the library's name, with the hash that fits them."""
    library = artifact.module_path
    manifest = library.with_name("manifest.json")
    library.unlink()
    library.write_bytes(b"planted")
    facts = json.loads(manifest.read_text())
    facts["files"][library.name] = {"size": 7, "sha256": hashlib.sha256(b"planted").hexdigest()}
    manifest.write_text(json.dumps(facts))
    return library


@privileged
@pytest.mark.parametrize("what", ["library", "folder", "manifest", "request"])
def test_a_planted_library_is_not_loaded(prebuilt: Path, what: str) -> None:
    library = _planted(_get())
    foreign = {
        "library": library,
        "folder": library.parent,
        "manifest": library.with_name("manifest.json"),
        "request": prebuilt / "requests" / "r1.json",
    }[what]
    library.chmod(0o600)
    os.chown(foreign, NOBODY, NOBODY)
    if what == "request":
        library.unlink()
    again = _get()
    assert not again.cached
    assert again.module_path.read_bytes() != b"planted"


def test_a_library_that_others_may_write_to_is_rebuilt(prebuilt: Path) -> None:
    library = _get().module_path
    library.chmod(0o666)
    assert prebuilt in library.parents
    assert not _get().cached
    assert stat.S_IMODE(library.stat().st_mode) == 0o600


FACTS: dict[str, object] = {
    "flags": ["-O2", "-fplugin=/tmp/planted.so"],
    "native_flags": ["-march=native", "-wrapper", "/tmp/planted"],
    "portable_flags": [["nested"]],
    "version": 7,
    "openmp": "yes",
    "cython": None,
}


@pytest.mark.parametrize("fact", FACTS)
def test_remembered_flags_are_those_a_probe_can_find(cache: Path, fact: str) -> None:
    want = toolchain()
    (file,) = (cache / "facts").glob("toolchain-*")
    kept = json.loads(file.read_text())
    kept["value"][fact] = FACTS[fact]
    file.write_text(json.dumps(kept))
    _known.cache_clear()
    assert toolchain() == want
    assert json.loads(file.read_text())["value"][fact] != FACTS[fact]


DAMAGE: dict[str, Callable[[str], str]] = {
    "deeply nested": lambda _: '{"a":' * 100_000,
    "deep lists": lambda _: "[" * 100_000 + "]" * 100_000,
    "a long number": lambda _: '{"stamp": ' + "9" * 5000 + "}",
    "no text": lambda _: "\udcff",
    "numbers for flags": lambda text: text.replace('"-O2"', "2"),
    "a list": lambda text: f"[{text}]",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_facts_are_found_out(cache: Path, damage: str) -> None:
    want = fingerprint("native")
    for file in [*(cache / "facts").iterdir()]:
        file.write_text(DAMAGE[damage](file.read_text()), errors="surrogateescape")
    _known.cache_clear()
    assert fingerprint("native") == want


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_entries_are_found_out(prebuilt: Path, damage: str) -> None:
    for file in [*prebuilt.glob("requests/*.json"), *prebuilt.glob("modules/*/manifest.json")]:
        file.write_text(DAMAGE[damage](file.read_text()), errors="surrogateescape")
    entries()
    assert load(_get()).answer() == 42
    assert _get().cached


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("~nosuchuser/x", r"cache folder ~nosuchuser/x cannot be found .*absolute path"),
        (os.fsdecode(b"/tmp/\xff\xfe"), r"has a name that is not UTF-8"),
        ("/dev/null/x", r"cannot write to the cache folder /dev/null/x"),
        ("/" + "long" * 100, r"cannot write to the cache folder /longlong"),
    ],
)
def test_folders_that_cannot_be(folder: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMCONV_CACHE", folder)
    with pytest.raises(BuildError, match=said):
        _get()
    toolchain()  # the compiler is there all the same
    _known.cache_clear()


def test_a_working_directory_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.setenv("SYMCONV_CACHE", "cache")
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(BuildError, match="set SYMCONV_CACHE to an absolute path"):
        _get()
