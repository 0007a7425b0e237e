"""Folders hold a whole package or what they held before."""

from __future__ import annotations

import json
import os
import sys

import pytest

import symconv as sc
from symconv.errors import InternalError
from symconv.export.package import MARKER, File, Package, write

OLD = Package("p", (File("README.md", "old\n"), File("p/gone.py", "x = 1\n")))
NEW = Package("p", (File("README.md", "nöw\n"), File("p/__init__.py", "")))


def content(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("before", ["missing", "empty", "deep", "link"])
def test_a_new_folder_holds_the_files(tmp_path, before):
    folder = tmp_path / "a" / "b" / "out" if before == "deep" else tmp_path / "out"
    if before in {"empty", "link"}:
        (tmp_path / "real").mkdir()
        folder.symlink_to(tmp_path / "real") if before == "link" else folder.mkdir()
    assert write(NEW, folder) == folder
    found = content(folder)
    assert found.keys() == {"README.md", "p/__init__.py", MARKER}
    assert found["README.md"] == "nöw\n".encode()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_an_export_that_nobody_changed_is_replaced_whole(tmp_path):
    write(OLD, tmp_path / "out")
    for made in ("build/lib/x.o", "p.egg-info/PKG-INFO", "p/__pycache__/a.pyc", "p/_kernels.cpython-311.so"):
        (tmp_path / "out" / made).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / made).write_bytes(b"made")
    write(NEW, tmp_path / "out")
    assert content(tmp_path / "out").keys() == {"README.md", "p/__init__.py", MARKER}
    first = content(tmp_path / "out")
    write(NEW, tmp_path / "out")
    assert content(tmp_path / "out") == first


@pytest.mark.parametrize("deed", ["changed", "added", "removed marker", "marker lies", "linked", "other"])
def test_what_is_a_users_is_not_touched(tmp_path, deed):
    folder = tmp_path / "out"
    write(OLD, folder)
    match deed:
        case "changed":
            (folder / "p" / "gone.py").write_text("mine\n")
        case "added":
            (folder / "notes.txt").write_text("mine\n")
        case "removed marker":
            (folder / MARKER).unlink()
        case "marker lies":
            (folder / MARKER).write_text(json.dumps(["README.md"]))
        case "linked":
            (folder / "README.md").unlink()
            (folder / "README.md").symlink_to("/etc/hostname")
        case "other":
            (folder / MARKER).write_bytes(b"\xff\xfe not json")
    before = content(folder)
    with pytest.raises(sc.SpecError, match="name a new folder"):
        write(NEW, folder)
    assert content(folder) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_places_that_are_no_folder_to_write(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(sc.SpecError, match="it is a file"):
        write(NEW, tmp_path / "file")
    with pytest.raises(sc.SpecError, match="cannot write the package"):
        write(NEW, tmp_path / "file" / "below")
    with pytest.raises(sc.SpecError, match="cannot write the package"):
        write(NEW, tmp_path / "null\0")
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    for here in (tmp_path / "inside", tmp_path):
        with pytest.raises(sc.SpecError, match="the folder you are in"):
            write(NEW, here)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(os.getuid() == 0 or sys.platform == "win32", reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(sc.SpecError, match="Permission denied"):
            write(NEW, tmp_path / "out")
    finally:
        tmp_path.chmod(0o755)


def test_a_failure_in_the_middle_changes_nothing(tmp_path, monkeypatch):
    write(OLD, tmp_path / "out")
    before, real = content(tmp_path / "out"), type(tmp_path).rename

    def failing(self, target):
        if self.name.startswith(".") and not self.name.endswith(".old"):
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(type(tmp_path), "rename", failing)
    with pytest.raises(sc.SpecError, match="No space left"):
        write(NEW, tmp_path / "out")
    assert content(tmp_path / "out") == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("path", ["/abs", "../up", "", "a/../../b", MARKER])
def test_a_package_keeps_inside(path):
    with pytest.raises(InternalError, match="no place inside"):
        Package("p", (File(path, ""),))


def test_a_package_has_each_file_once():
    with pytest.raises(InternalError, match="two files of one name"):
        Package("p", (File("a", "1"), File("a", "2")))
